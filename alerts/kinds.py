"""The vocabulary of alerts: rules, severities, states, and the frozen settings a tenant may change."""

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final

from django.db import models


class Rule(models.TextChoices):
    """The built-in rules; the value is stored with each alert and is part of its dedup key."""

    FAILED_ACCOUNT = "failed_account", "Failed log-ins of one account"
    FAILED_SOURCE = "failed_source", "Failed log-ins from one address"
    OUT_OF_HOURS = "out_of_hours", "Access out of hours"
    ELSEWHERE = "elsewhere", "Remote access from elsewhere"


RULE_VERSION: Final = 1
"""Version of the built-in rules, stored with each alert; raise it when a rule judges the same events differently."""


class Severity(models.IntegerChoices):
    """How soon a person should look."""

    LOW = 2, "Low"
    MEDIUM = 3, "Medium"
    HIGH = 4, "High"
    CRITICAL = 5, "Critical"


class AlertState(models.TextChoices):
    """Where an alert stands."""

    NEW = "new", "New"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLOSED = "closed", "Closed"


MOVES: Final[dict[AlertState, frozenset[AlertState]]] = {
    AlertState.NEW: frozenset({AlertState.ACKNOWLEDGED, AlertState.CLOSED}),
    AlertState.ACKNOWLEDGED: frozenset({AlertState.CLOSED}),
    AlertState.CLOSED: frozenset(),
}
"""The allowed moves. A closed alert stays closed: what happens later raises a new one."""

OPEN_STATES: Final = (AlertState.NEW, AlertState.ACKNOWLEDGED)
"""The states in which an alert still absorbs hits."""


class CloseReason(models.TextChoices):
    """What a person found out about an alert."""

    EXPECTED = "expected", "Expected: the access was planned or allowed"
    MISTAKE = "mistake", "Mistake: a person mistyped or misused something, no harm done"
    FALSE_ALARM = "false_alarm", "False alarm: the rule or its settings are wrong"
    INCIDENT = "incident", "Incident: handed over to incident handling"


class IncidentStep(models.TextChoices):
    """What is recorded about an incident: each step with the moment at which it happened."""

    TRIAGED = "triaged", "Assessed: what it is and how grave"
    BREACH = "breach", "It is a breach of personal data"
    NO_BREACH = "no_breach", "It is no breach of personal data"
    CLIENT_TOLD = "client_told", "The client was told"
    AUTHORITY_TOLD = "authority_told", "The authority was told"
    AUTHORITY_NOT_DUE = "authority_not_due", "The authority need not be told"
    EFFECTS = "effects", "Effects"
    REMEDY = "remedy", "Remedial action"
    CAUSE = "cause", "Root cause"
    CLOSED = "closed", "Closed"


class NoticeState(models.TextChoices):
    """Where the mail about new alerts stands."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed, will be tried again"
    GIVEN_UP = "given_up", "Failed, given up"


MAX_SENDS: Final = 12
"""Attempts to send one mail before it is given up: with doubled pauses from 30 s to 1 h about seven hours."""

LATE_AFTER_SECONDS: Final = 86_400
"""An event that arrives more than a day after it happened marks its alert as late."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours by the wall clock: an ``end`` before ``start`` is on the next day, an equal one means all day.

    ``days`` are ISO weekdays (1 is Monday) on which the hours start.
    """

    start: time
    end: time
    days: frozenset[int] = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What an incident is opened with: when its first sign was found, and when it was known to be one (aware UTC)."""

    title: str
    what: str
    found_at: datetime
    known_at: datetime
    affected: str = ""


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What a tenant decides about its alerts; the defaults are those of a new tenant.

    Windows and slack are minutes of event time. ``hours`` hold where a person has no shift of their own.
    ``unknown_on`` also judges accounts that belong to nobody in the register: off, since machines log in at night.
    The defaults follow common practice: 10 failures in 10 minutes (Entra's smart lock-out), 20 from one address.
    """

    failed_on: bool = True
    account_threshold: int = 10
    source_threshold: int = 20
    window_minutes: int = 10
    success_minutes: int = 30
    hours_on: bool = True
    slack_minutes: int = 30
    hours: Hours = field(default_factory=lambda: Hours(time(8), time(18), frozenset({1, 2, 3, 4, 5})))
    unknown_on: bool = False
    places_on: bool = True
    mail_on: bool = True
    mail_to: tuple[str, ...] = ()
