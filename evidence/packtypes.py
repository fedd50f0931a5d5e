"""Names the types of evidence packs: which of the report's sections each has, and which records it carries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_noop as noop


class PackKind(TextChoices):
    """What a pack is about."""

    CONTROLS = "controls", "Control matrix of a period"
    ACCESS_REVIEW = "access_review", "Access review"
    LOG_REVIEW = "log_review", "Log review"
    CLIENT = "client", "Client report"
    INCIDENT = "incident", "Incident"


@dataclass(frozen=True, slots=True)
class PackType:
    """A type: its sections in order, the evidence kinds and record tables it always carries, and what it is for.

    `rows` says which rows of the catalogue belong to it: those that rest on one of its kinds, all, or none.
    """

    told: str
    sections: tuple[str, ...]
    kinds: frozenset[str]
    records: frozenset[str]
    rows: str = "of its kinds"


_END: Final = ("exceptions", "coverage", "methods", "sheets", "sign_off", "integrity", "closing")
_COVER: Final = frozenset({"coverage", "clock", "retention", "ledger"})
_GONE: Final = frozenset({"removals", "erasures"})
_LISTS: Final = frozenset({"snapshots", *_GONE})
_DAYS: Final = frozenset({"coverage_days"})
_USE: Final = _DAYS | {"use_by_hour"}
_CAMPAIGNS: Final = frozenset(
    {
        *("decisions", "sign_offs", "sample", "campaign_scope", "exclusions", "absent_accounts", "control_items"),
        "decisions_by_week",
        *("campaign_moves", "reassignments", "questions", "postponed"),
    }
)
_LOGS: Final = frozenset({"dispositions", "log_sign_offs"})
_REVIEWED: Final = frozenset({"population", "identities", "campaigns", "review_quality", "revocations", "leavers"})
_EVENTS: Final = frozenset({"alerts_raised", "cited_events", "times_to_acknowledge"})
_WATCHED: Final = frozenset({"alerts", "alert_rules"})
TABLES_OF_ROWS: Final = frozenset({"controls", "deviations"})

TYPES: Final[dict[str, PackType]] = {
    PackKind.CONTROLS: PackType(
        noop("every row of the chosen frameworks with its state, and the records behind all of them"),
        (
            *("result", "scope", "isolation", "population", "matrix", "campaigns", "revocations"),
            *("log_reviews", "alerts", "incidents", *_END),
        ),
        _REVIEWED | _WATCHED | _COVER | {"log_reviews", "findings", "incidents", "isolation"},
        _CAMPAIGNS | _LOGS | _LISTS | _EVENTS | _USE,
        "all",
    ),
    PackKind.ACCESS_REVIEW: PackType(
        noop(
            "populations, campaigns with every decision and signature, revocations until they were verified, and the "
            "rows that rest on them"
        ),
        ("result", "scope", "population", "matrix", "campaigns", "revocations", *_END),
        _REVIEWED | _COVER | {"findings"},
        _CAMPAIGNS | _LISTS | _DAYS,
    ),
    PackKind.LOG_REVIEW: PackType(
        noop(
            "periods of logs with every disposition and signature, alerts with their events, and rows that rest on them"
        ),
        ("result", "scope", "matrix", "log_reviews", "alerts", *_END),
        _WATCHED | _COVER | {"log_reviews", "findings"},
        _LOGS | _GONE | _EVENTS | _USE,
    ),
    PackKind.CLIENT: PackType(
        noop(
            "this client's own cut of what the BPO keeps: who holds access, alerts, incidents, coverage, how it is "
            "kept apart from other clients, in words and numbers, and the rows that rest on them"
        ),
        ("result", "scope", "isolation", "population", "matrix", "revocations", "alerts", "incidents", *_END),
        frozenset({"population", "identities", "revocations", "leavers", "isolation", "incidents", "client_access"})
        | (_WATCHED | _COVER | {"findings"}),
        _LISTS | _EVENTS | _USE,
    ),
    PackKind.INCIDENT: PackType(
        noop(
            "one incident: when it was found, known and recorded, each step, its alert with the events behind it, and "
            "what the logs covered then"
        ),
        ("incident", "scope", "coverage", "methods", "sheets", "sign_off", "integrity", "closing"),
        _COVER,
        frozenset({"incident", "incident_steps", "incident_alert", "cited_events", *_GONE}) | _DAYS,
        "none",
    ),
}


def type_of(kind: str) -> PackType:
    """Return a type by its key."""
    return TYPES[kind]
