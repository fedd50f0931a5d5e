"""Names the kinds of things in a review, and the shapes that go in and out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.db.models import TextChoices

REASON_MIN: Final = 10
"""Shortest reason that counts, in characters."""
REASON_MAX: Final = 300
"""Longest reason that the table holds, in characters."""
QUESTION_MIN: Final = 3
ANSWER_MIN: Final = 2
"""Shortest question and answer, in characters: "why" and "no"."""
WEEKS: Final = 26
"""Weeks of use shown beside a grant."""
WINDOW_DAYS: Final = 7 * WEEKS
COVERAGE_FLOOR: Final = 0.95
"""Share of expected log hours below which no use is not evidence of no need."""
DORMANT_DAYS: Final = 90
SIGNING_WINDOW_SECONDS: Final = 300
"""A signature follows its re-authentication within five minutes (21 CFR 11.200)."""
RISK_DAYS: Final = 90
RISK_DAYS_PRIVILEGED: Final = 30
"""How long at most a late revocation's risk is accepted at a time, where the campaign's definition says nothing."""
OWNERLESS: Final = 0
"""Subject key of an item whose account belongs to nobody: never NULL, or the database's keys would not bind it."""


class Strategy(TextChoices):
    """Says who reviews an item."""

    MANAGER = "manager", "Each person's manager"
    OWNER = "owner", "Owner of the system"
    NAMED = "named", "One named reviewer"
    GROUP = "group", "Members of a group, each for their share"
    CLIENT = "client", "The client's own reviewer, for the people of its programme"


class Basis(TextChoices):
    """Says why an item was put to this reviewer."""

    MANAGER = "manager", "Manager of the person"
    OWNER = "owner", "Owner of the system"
    NAMED = "named", "Named for the campaign"
    GROUP = "group", "Member of the group"
    CLIENT = "client", "Reviewer of the client"
    FALLBACK = "fallback", "Fallback of the campaign"
    REASSIGNED = "reassigned", "Reassigned"
    DELEGATED = "delegated", "Handed on by the reviewer"
    DEPUTY = "deputy", "Deputy of an absent reviewer"
    LEFT = "left", "In place of a reviewer who left"


class Outcome(TextChoices):
    """Says what was decided."""

    CERTIFY = "certify", "Keep"
    REVOKE = "revoke", "Revoke"
    MODIFY = "modify", "Reduce"
    ABSTAIN = "abstain", "Abstain"
    NOT_DECIDED = "not_decided", "Not decided"


REVIEWER_OUTCOMES: Final = (Outcome.CERTIFY, Outcome.REVOKE, Outcome.MODIFY, Outcome.ABSTAIN)


class Advice(TextChoices):
    """Says what the evidence of use suggests."""

    KEEP = "keep", "Keep"
    REVOKE = "revoke", "Revoke"
    INSUFFICIENT = "insufficient", "Not enough data"


class FindingKind(TextChoices):
    """Says what is wrong."""

    GHOST_USE = "ghost_use", "Use without a grant"
    LEAVER_ACTIVE = "leaver_active", "Leaver with active access"
    OWNERLESS = "ownerless", "Account without an owner"
    USE_AFTER_REVOCATION = "use_after_revocation", "Use after revocation"
    UNVERIFIED = "unverified", "Revocation not carried out"
    NOT_DECIDED = "not_decided", "Access not reviewed in time"
    DORMANT_PRIVILEGED = "dormant_privileged", "Privileged access that is not used"
    CONFLICT = "conflict", "Conflicting duties"
    POPULATION_GAP = "population_gap", "Active in the logs, in no list"
    HASTY_REVIEW = "hasty_review", "Decided too fast to have been looked at"
    RECIPROCAL = "reciprocal", "Two reviewers kept each other's access"
    SECOND_LOOK = "second_look", "A second reviewer decided otherwise"
    CONTROL_MISSED = "control_missed", "A control item was kept"


NEXT_STEP: Final = {
    FindingKind.GHOST_USE: "Ask who worked with the account; close the way in, or have the system list the grant.",
    FindingKind.LEAVER_ACTIVE: "Have the account disabled and its grants removed, then deliver the newest list.",
    FindingKind.OWNERLESS: "Name the owner in the system's list, or have the account removed.",
    FindingKind.USE_AFTER_REVOCATION: "The access still works: have it removed at the source; look at what was done.",
    FindingKind.UNVERIFIED: "Have the revocation carried out, then deliver a complete list that shows it.",
    FindingKind.NOT_DECIDED: "Plan a following campaign over the same systems.",
    FindingKind.DORMANT_PRIVILEGED: "Ask the person's manager whether it is needed; if not, have it revoked.",
    FindingKind.CONFLICT: "Take one of the two away, or write down which control watches over both.",
    FindingKind.HASTY_REVIEW: "Talk to the reviewer, and have a second person look at the fastest decisions.",
    FindingKind.RECIPROCAL: "Have somebody else review the access of the two; 'Care taken' names them.",
    FindingKind.SECOND_LOOK: "Hear both reviewers, then have the grant reviewed again or write down why it stays.",
    FindingKind.CONTROL_MISSED: "Talk to the reviewer, and have a second person look at what else they kept.",
    FindingKind.POPULATION_GAP: "Ask the system's administrator whose name it is and why the list lacks it.",
}
"""What to do about a finding of each kind, in a sentence."""
EVENTS_FOUND: Final = frozenset({FindingKind.GHOST_USE, FindingKind.POPULATION_GAP})
"""Findings about something that happened: they stay until a person explains them."""
SEARCHED: Final = (
    FindingKind.GHOST_USE,
    FindingKind.LEAVER_ACTIVE,
    FindingKind.OWNERLESS,
    FindingKind.DORMANT_PRIVILEGED,
    FindingKind.CONFLICT,
    FindingKind.POPULATION_GAP,
)
"""Findings that are looked for every hour, and so retested by the next look."""
EXPLAINED_DAYS: Final = 90
"""How long the words stand with which a person resolved a finding whose cause is still there."""
NEVER_EXPLAINED: Final = frozenset({FindingKind.LEAVER_ACTIVE})
"""Findings that words do not end: they come back while their cause is there."""


CARE_LIMITS: Final[dict[str, tuple[int, int, str]]] = {
    "least_decisions": (5, 1000, "decisions"),
    "median_seconds": (1, 120, "s"),
    "gap_seconds": (0, 120, "s"),
    "kept_percent": (50, 100, "%"),
    "follows_percent": (50, 100, "%"),
    "seldom_follows_percent": (0, 90, "%"),
    "bulk_kept_percent": (10, 100, "%"),
    "bulk_items": (2, 1000, "items"),
    "privileged_seconds": (1, 300, "s"),
    "last_day_percent": (10, 100, "%"),
    "second_percent": (0, 100, "%"),
    "control_items": (0, 20, "items"),
}
"""The thresholds of care with their least and greatest value and their unit; a CHECK holds them."""


class Side(TextChoices):
    """Says on which side of a conflict of duties an entitlement stands."""

    FIRST = "first", "One side"
    SECOND = "second", "Other side"


class ConflictDecided(TextChoices):
    """Says what was decided about a conflict of duties."""

    REMOVE_FIRST = "remove_first", "Remove the one side"
    REMOVE_SECOND = "remove_second", "Remove the other side"
    KEEP = "keep", "Keep both, with a compensating control"


class Silence(TextChoices):
    """Says what follows when nobody decided in time; that access is kept is never one of the answers."""

    NOT_DECIDED = "not_decided", "Not decided, with a finding"
    REVOKE = "revoke", "Revoked, once the owner of the system confirms"


class NoticeKind(TextChoices):
    """Says what a mail of a campaign is about."""

    PUT = "put", "Items were put to a reviewer"
    REMINDER = "reminder", "Reminder to a reviewer"
    MANAGER = "manager", "Escalation to the reviewer's manager"
    OWNER = "owner", "Escalation to the owner of a system"
    SIGN = "sign", "Reminder to sign"
    ANSWER = "answer", "Question to the owner about what nobody decided"
    REVOKE = "revoke", "Reminder of a late revocation"
    QUESTION = "question", "Question of a reviewer"
    ANSWERED = "answered", "Answer to a reviewer's question"


EXTENDED_TIMES: Final = 3
EXTENDED_DAYS: Final = 30
"""How often an open campaign's due time moves at most, and how far each time, also by reopening; triggers hold it."""
LOOK_DAYS: Final = 7
"""Days from the asking of a second look to its being late; the campaign does not close before it is taken."""


class DayKind(TextChoices):
    """Says what a line of the mail of a day is about."""

    LOG = "log", "Items of a log review wait"
    SIGN = "sign", "A log review is to be signed"
    LOOK = "look", "A second look is to be taken"
    ASKED = "asked", "A question about a control item waits for those who run campaigns"


class TicketEvent(TextChoices):
    """Says what happened to a revocation that another system is told of."""

    OPENED = "opened", "To be carried out"
    OVERDUE = "overdue", "Late"
    REOPENED = "reopened", "Open again"
    VERIFIED = "verified", "Verified"
    CHANGED = "changed", "Decision changed"
    GIVEN_UP = "given_up", "A ticket was given up"


class TicketWay(TextChoices):
    """Says how a ticket goes out."""

    MAIL = "mail", "Mail"
    WEBHOOK = "webhook", "Webhook"


class SilenceAnswer(TextChoices):
    """Says what the owner of the system answered about access that nobody decided."""

    WAITING = "", "Waits for an answer"
    REVOKE = "revoke", "Revoke"
    KEEP = "keep", "Keep until it is reviewed"


class Trigger(TextChoices):
    """Says what makes a small campaign by itself, over the accounts that caused it."""

    NEVER = "", "Nothing: it is opened by hand or by the calendar"
    NEW_PRIVILEGED = "new_privileged", "A new privileged grant"
    LEAVER = "leaver", "A leaver with active access"
    USED_AFTER = "used_after", "Use after a revocation"
    DORMANT = "dormant", "Privileged access that is not used"
    MOVED = "moved", "A person who moved, by the list of people"


class Recurrence(TextChoices):
    """Says how often a campaign comes back."""

    ONCE = "", "Once"
    WEEKLY = "FREQ=WEEKLY", "Every week"
    MONTHLY = "FREQ=MONTHLY;BYMONTHDAY=1", "Every month, on the 1st"
    QUARTERLY = "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "Every quarter, on the 1st"
    HALF_YEARLY = "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=1", "Every half-year, on the 1st"
    YEARLY = "FREQ=YEARLY", "Every year"


@dataclass(frozen=True, slots=True)
class UseFacts:
    """Holds what is known about one grant's use when the population is frozen; counts are of events."""

    account_kind: str
    enabled: bool
    owned: bool
    system: str
    held_days: int
    left_on: str = ""
    last_used_days_ago: int | None = None
    days_used: int = 0
    ok_count: int = 0
    denied_count: int = 0
    coverage: float | None = None
    cycle_days: int = 0


@dataclass(frozen=True, slots=True)
class Advised:
    """Holds an advice with its reason in words."""

    advice: Advice
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Holds one decision as a reviewer makes it.

    `seen_seconds` is how long the item was open on the reviewer's screen, as the page measured it.
    """

    outcome: Outcome
    reason: str = ""
    seen_seconds: int = 0
    postponed_until: date | None = None


class Level(TextChoices):
    """Says how surely it is known who signed, the weakest first; each rests on two components (21 CFR 11.200)."""

    SESSION = "session", "Password again, after a log-in with a second factor"
    CODE = "code", "Password and a code of the authenticator app"
    PROVIDER = "provider", "Sign-in again at the identity provider, with a second factor"
    PASSKEY = "passkey", "Passkey over this very statement"


DEFAULT_LEVEL: Final = Level.CODE
"""Weakest level that signs in a tenant whose officer set none."""


def is_enough(level: str, minimum: str) -> bool:
    """Return whether a level is the asked one or a stronger one."""
    ranks = Level.values
    return level in ranks and ranks.index(level) >= ranks.index(minimum)


@dataclass(frozen=True, slots=True)
class Authentication:
    """Holds how and when a signer proved who they are; what a passkey or a provider signed stands in `detail`."""

    level: Level
    methods: tuple[str, ...]
    authenticated_at: datetime
    detail: Mapping[str, object] = field(default_factory=dict)


class LogItemKind(TextChoices):
    """Says what an item of a log review is."""

    ALERT = "alert", "Alert"
    GAP = "gap", "Coverage gap"
    PRIVILEGED = "privileged", "Privileged event"
    OUT_OF_HOURS = "out_of_hours", "Event out of hours"


class Disposed(TextChoices):
    """Says what a reviewer found about an item of a log review; the list is closed."""

    BENIGN = "benign", "Benign"
    EXPLAINED = "explained", "Explained"
    FALSE_POSITIVE = "false_positive", "False positive"
    VIOLATION = "violation", "Policy violation"
    INCIDENT = "incident", "Incident"


EXCEPTIONS: Final = (Disposed.VIOLATION, Disposed.INCIDENT)
"""What is followed up until somebody writes down how it ended."""
HIGH_SEVERITY: Final = 4
"""Severity from which an alert is never benign without a reason (`alerts.kinds.Severity.HIGH`)."""
SETTLE_HOURS: Final = 2
"""Hours after its end at which a period can be opened: coverage judges an hour one hour after it is over, and the last
one may begin before the period ends."""


class LogRhythm(TextChoices):
    """Says how long a period of log reviews is."""

    DAILY = "FREQ=DAILY", "Every day"
    WEEKLY = "FREQ=WEEKLY;BYDAY=MO", "Every week, from Monday"
    MONTHLY = "FREQ=MONTHLY;BYMONTHDAY=1", "Every month, from the 1st"


@dataclass(frozen=True, slots=True)
class Looked:
    """Holds one disposition as a reviewer makes it; a ticket says where an incident is handled."""

    outcome: Disposed
    reason: str = ""
    ticket: str = ""
    seen_seconds: int = 0


def meaning_of_log_review(count: int, period: str) -> str:
    """Return what a signature over a log review says, as it is shown, kept and printed (21 CFR 11.50)."""
    if not count:
        return f"I have reviewed the logs of {period}. There was no alert, no gap and no event in the samples."
    what = f"each of the {count} items" if count > 1 else "the one item"
    return (
        f"I have reviewed {what} listed in this statement, from the logs of {period}, and disposed of it myself. "
        "What is an incident or a policy violation is to be followed up."
    )


def meaning_of_signature(count: int) -> str:
    """Return what a signature over so many decisions says, as it is shown, kept and printed (21 CFR 11.50)."""
    what = f"each of the {count} grants" if count > 1 else "the one grant"
    return (
        f"I have reviewed {what} listed in this statement and decided about it myself. "
        "Access that I keep is needed for the person's present duties; access that I revoke or reduce is to be changed."
    )


def meaning_of_acceptance(until: str) -> str:
    """Return what the second signature under an accepted risk says, as it is shown, kept and printed (21 CFR 11.50)."""
    return f"I have read this statement and accept, as the second person, that the access stays until {until}."


def meaning_of_waiver(system: str) -> str:
    """Return what the signature under a waiver says, as it is shown, kept and printed (21 CFR 11.50)."""
    return f"I have read this statement and answer for it that the campaign goes on without the list of {system}."


@dataclass(frozen=True, slots=True)
class RiskStanding:
    """Holds how somebody stands to a revocation whose risk is to be accepted.

    `owner` is true for the owner of its system, `own` where it is their own access, `changed` where another decision
    took the place of the revocation.
    """

    owner: bool
    own: bool
    changed: bool
