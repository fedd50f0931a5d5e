"""Turns what the register and the logs say about access into the causes of findings. Pure: rows in, causes out.

False alarms count as much as misses. No use is a cause only where the logs would have shown it (`reviews.advice`); use
without a grant only after the first complete list of the system, before which nobody knows what was granted; an
emergency account is meant to be unused and to hold much; a service or shared account has its system's owner.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from reviews.advice import advise
from reviews.kinds import Advice, FindingKind, UseFacts

LISTED = 20
"""How many entitlements of an account the evidence of a finding names."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Holds why there is a finding; `key` names the cause so that it is written once.

    `seen_at` is when it was last seen, for causes that are events: who resolved it after then has explained it.
    """

    kind: FindingKind
    key: str
    sentence: str
    system_id: int | None = None
    account_id: int | None = None
    subject_id: int | None = None
    seen_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """Holds an enabled account that holds something, and who answers for it."""

    account_id: int
    name: str
    kind: str
    system_id: int
    system: str
    person_id: int | None
    person: str | None
    left_on: date | None
    owner: str | None
    owner_left_on: date | None
    entitlements: list[str]
    last_ok_at: datetime | None
    list_at: datetime


@dataclass(frozen=True, slots=True)
class BareUse:
    """Holds what a name did on a system on UTC days on which the register knows of no grant of it.

    `first_list_at` is when the first complete list of the system was made; `ended_at` when the last grant was found
    gone, None for a name that no list ever held.
    """

    system_id: int
    system: str
    actor_key: str
    account_id: int | None
    account: str | None
    person_id: int | None
    left_on: date | None
    first_on: date
    last_on: date
    days: int
    events: int
    last_ok_at: datetime
    first_list_at: datetime
    ended_at: datetime | None
    listed: bool


@dataclass(frozen=True, slots=True)
class PrivilegedGrant:
    """Holds a privileged grant that is held now, with the last successful use of its account."""

    account_id: int
    account: str
    kind: str
    system_id: int
    system: str
    entitlement_id: int
    entitlement: str
    person_id: int | None
    left_on: date | None
    since: datetime
    last_ok_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldSide:
    """Holds that an account holds an entitlement of one side of a conflict; `words` names it with its system."""

    account_id: int
    account: str
    entitlement_id: int
    words: str
    system_id: int


@dataclass(frozen=True, slots=True)
class BothSides:
    """Holds that one holder has both sides of a conflict: what they hold of each, through which accounts."""

    conflict_id: int
    why: str
    person_id: int | None
    person: str | None
    first: list[HeldSide]
    second: list[HeldSide]

    @property
    def accounts(self) -> list[str]:
        """Returns the names of the accounts, each once."""
        return list(dict.fromkeys(one.account for one in (*self.first, *self.second)))


def words_of(side: Iterable[HeldSide]) -> str:
    """Returns what somebody holds of one side, each entitlement once."""
    return ", ".join(dict.fromkeys(one.words for one in side))


def leaver_or_ownerless(account: HeldAccount, today: date) -> Cause | None:
    """Returns what is wrong with who answers for an account: its person left, or nobody does."""
    gone = account.left_on is not None and account.left_on < today
    personal = account.kind == "human"
    evidence = {
        "account_kind": account.kind,
        "entitlements": account.entitlements[:LISTED],
        "last_used_at": _moment(account.last_ok_at),
        "list_at": _moment(account.list_at),
    }
    place = f"'{account.name}' on {account.system}"
    if account.person_id is not None and not gone:
        return None
    if gone and personal:
        sentence = f"{account.person} left on {account.left_on:%-d %B %Y}; the account {place} is still enabled."
        return _about(account, FindingKind.LEAVER_ACTIVE, sentence, {"left_on": str(account.left_on), **evidence})
    if personal:
        sentence = f"The account {place} belongs to nobody."
        return _about(account, FindingKind.OWNERLESS, sentence, evidence)
    owned = account.owner is not None and (account.owner_left_on is None or account.owner_left_on >= today)
    if owned and not gone:
        return None  # the system's owner answers for its service, shared and emergency accounts
    kind = account.kind.replace("_", " ")
    if gone:
        why = f"is answered for by {account.person}, who left on {account.left_on:%-d %B %Y}"
    elif account.owner is None:
        why = "has no owner, nor has its system"
    else:
        why = f"has no owner, and {account.owner}, who owned its system, left on {account.owner_left_on:%-d %B %Y}"
    return _about(account, FindingKind.OWNERLESS, f"The {kind} account {place} {why}.", evidence)


def _about(account: HeldAccount, kind: FindingKind, sentence: str, evidence: Mapping[str, Any]) -> Cause:
    """Returns the cause of a finding about an account."""
    return Cause(
        kind,
        f"account {account.account_id}",
        sentence,
        system_id=account.system_id,
        account_id=account.account_id,
        subject_id=account.person_id,
        evidence=evidence,
    )


def bare_use(use: BareUse, coverage: float | None) -> Cause | None:
    """Returns that a name used a system without a grant, or that it is missing from the system's lists.

    Use on a day after the first complete list is without a grant. Use up to then, by a name that no list ever held,
    says that the list may be short; of somebody who left after that use it says nothing, their account was removed.
    """
    name = use.account or use.actor_key
    ghost = use.last_on > use.first_list_at.astimezone(UTC).date()
    left = use.left_on is not None and use.left_on >= use.last_on
    if not ghost and (use.listed or left):
        return None
    if ghost:
        kind = FindingKind.GHOST_USE
        held = f"its last was found gone on {use.ended_at:%-d %B %Y}" if use.ended_at else "none was listed before"
        sentence = f"'{name}' used {use.system} on {use.last_on:%-d %B %Y} and held no entitlement there: {held}."
    else:
        kind = FindingKind.POPULATION_GAP
        sentence = (
            f"'{name}' used {use.system} on {use.last_on:%-d %B %Y} and stands in none of its lists of grants: the "
            "list may be short."
        )
    evidence = {
        "name": use.actor_key,
        "first_used_on": str(use.first_on),
        "last_used_on": str(use.last_on),
        "days_used": use.days,
        "ok_count": use.events,
        "coverage_per_mille": None if coverage is None else int(coverage * 1000),
        "grant_ended_at": _moment(use.ended_at),
        "first_list_at": _moment(use.first_list_at),
    }
    return Cause(
        kind,
        name_key(use.system_id, use.actor_key),
        sentence,
        system_id=use.system_id,
        account_id=use.account_id,
        subject_id=use.person_id,
        seen_at=_seen(use),
        evidence=evidence,
    )


def name_key(system_id: int, actor_key: str) -> str:
    """Returns how findings name a log's name on a system as their cause; names may be longer than a key."""
    return f"system {system_id} name {hashlib.sha256(actor_key.encode()).hexdigest()[:32]}"


def _seen(use: BareUse) -> datetime:
    """Returns when the use was last seen: exactly where the newest use is of that day, else the day's end."""
    if use.last_ok_at.astimezone(UTC).date() == use.last_on:
        return use.last_ok_at
    return datetime.combine(use.last_on + timedelta(days=1), time(), UTC)


def dormant(grant: PrivilegedGrant, coverage: float | None, cycle_days: int, now: datetime) -> Cause | None:
    """Returns that a privileged grant is not used, by the rule that advises reviewers (`reviews.advice.advise`)."""
    last = grant.last_ok_at
    facts = UseFacts(
        account_kind=grant.kind,
        enabled=True,
        owned=grant.person_id is not None,
        system=grant.system,
        held_days=(now - grant.since).days,
        last_used_days_ago=None if last is None else (now - last).days,
        coverage=coverage,
        cycle_days=cycle_days,
    )
    advised = advise(facts)
    left = grant.left_on is not None and grant.left_on < now.date()
    if left or advised.advice != Advice.REVOKE:
        return None  # a leaver's account is a finding of its own
    return Cause(
        FindingKind.DORMANT_PRIVILEGED,
        f"account {grant.account_id} entitlement {grant.entitlement_id}",
        f"'{grant.account}' holds the privileged '{grant.entitlement}' on {grant.system}. {advised.reason}",
        system_id=grant.system_id,
        account_id=grant.account_id,
        subject_id=grant.person_id,
        evidence={
            "entitlements": [grant.entitlement],
            "granted_since": _moment(grant.since),
            "last_used_at": _moment(last),
            "coverage_per_mille": None if coverage is None else int(coverage * 1000),
        },
    )


def conflict(both: BothSides, listed_at: datetime | None = None) -> Cause:
    """Returns that one holder has both sides of a conflict; or had, by the rows of a list captured at a time."""
    who = both.person or f"The account '{both.accounts[0]}'"
    holder = f"person {both.person_id}" if both.person_id else f"account {both.first[0].account_id}"
    held = list(dict.fromkeys(one.words for one in (*both.first, *both.second)))
    evidence: dict[str, Any] = {"entitlements": held[:LISTED], "accounts": both.accounts[:LISTED], "why": both.why}
    holds, by = "holds", ""
    if listed_at is not None:
        holds, by = "held", f" by the list of {listed_at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
        evidence["list_at"] = _moment(listed_at)
    return Cause(
        FindingKind.CONFLICT,
        f"conflict {both.conflict_id} {holder}",
        f"{who} {holds} {words_of(both.first)} and {words_of(both.second)}{by}. {both.why}",
        system_id=both.first[0].system_id,
        account_id=both.first[0].account_id,
        subject_id=both.person_id,
        evidence=evidence,
    )


def conflicts_by_grant(found: Iterable[BothSides]) -> dict[tuple[int, int], list[dict[str, object]]]:
    """Returns for each (account, entitlement) what it conflicts with, as it is frozen beside a reviewed item."""
    sides: dict[tuple[int, int], list[dict[str, object]]] = {}
    for both in found:
        for own, other in ((both.first, both.second), (both.second, both.first)):
            told = {"conflict": both.conflict_id, "with": words_of(other), "why": both.why, "accounts": both.accounts}
            for one in own:
                sides.setdefault((one.account_id, one.entitlement_id), []).append(told)
    return sides


def _moment(at: datetime | None) -> str | None:
    """Returns a time as evidence holds it: ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None
