"""What a rule is told about an event, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import NamedTuple

from alerts.kinds import Rule, Severity


class EventKey(NamedTuple):
    """Names one stored event: the month's partition follows from ``received_at`` (aware UTC)."""

    received_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One access event, as far as rules look at it.

    ``account`` is the account as the source names it, lower case; ``system_id`` tells equal names of two systems apart.
    ``count`` is the number of attempts that the record stands for (sshd's "message repeated N times").
    """

    key: EventKey
    occurred_at: datetime
    account: str
    system_id: int | None = None
    source_ip: str | None = None
    country: str = ""
    ok: bool = False
    privileged: bool = False
    count: int = 1
    person_id: int | None = None
    log_type: int = 0

    @property
    def who(self) -> str:
        """The group key of the one who acts: the person when known, else the account on its system."""
        if self.person_id is not None:
            return f"person:{self.person_id}"
        return f"account:{self.system_id or 0}:{self.account}"

    @property
    def login(self) -> str:
        """The group key of the account that was tried."""
        return f"account:{self.system_id or 0}:{self.account}"


@dataclass(frozen=True, slots=True)
class Person:
    """What the register says about a watched person's working time, in their own zone (an IANA name)."""

    zone: str
    shift_start: time | None = None
    shift_end: time | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's answer: these events belong together and need a look.

    ``bucket`` names the window or working day that the hit belongs to. ``attempts`` counts what the records stand for,
    ``facts`` are the records in the order of event time. An open alert of the same group that is no further away than
    ``gap`` absorbs the hit. ``numbers`` hold what the explanation needs besides (`alerts.rules.words`).
    """

    rule: Rule
    group: str
    bucket: str
    severity: Severity
    facts: tuple[Fact, ...]
    gap: timedelta
    numbers: dict[str, int | str | bool]

    @property
    def first_at(self) -> datetime:
        """Event time of the first event."""
        return self.facts[0].occurred_at

    @property
    def last_at(self) -> datetime:
        """Event time of the last event."""
        return self.facts[-1].occurred_at

    @property
    def dedup_key(self) -> bytes:
        """The key of an alert for this hit, when none with the same bucket has been closed before."""
        return dedup_key(self.rule, self.group, self.bucket)


def dedup_key(rule: Rule, group: str, bucket: str, closed_before: int = 0) -> bytes:
    """Return sha256 over rule, group key and window bucket: the same burst judged twice has the same key.

    ``closed_before`` is the number of alerts with the same bucket that were closed already: what happens after a
    closing is a new alert.
    """
    return sha256("\x00".join((rule, group, bucket, str(closed_before))).encode()).digest()


def in_order(facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts by event time; events of the same moment keep the order of their keys."""
    return sorted(facts, key=lambda fact: (fact.occurred_at, fact.key))
