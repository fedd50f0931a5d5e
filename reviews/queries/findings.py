"""Answers what is wrong: findings by kind with the facts they rest on, conflicts of duties, names in no list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Prefetch, QuerySet
from django.utils.dateparse import parse_datetime

from identities.kinds import AccountKind
from identities.models import Entitlement
from reviews.kinds import NEXT_STEP, FindingKind
from reviews.models import AbsentAccount, Campaign, DutyConflict, DutySide, Finding

LABELS: Final = {
    "left_on": "Left",
    "account_kind": "Kind of account",
    "entitlements": "Holds",
    "accounts": "Accounts",
    "granted_since": "Held since",
    "grant_ended_at": "Found gone",
    "found_gone_at": "Found gone",
    "claimed_at": "Said to be revoked",
    "last_used_at": "Last successful use",
    "first_used_on": "First such day",
    "last_used_on": "Last such day",
    "days_used": "Such days",
    "ok_count": "Successful events",
    "coverage_per_mille": "Logs at hand",
    "first_list_at": "First complete list",
    "list_at": "List of",
}
"""The words for a finding's evidence, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Holds one fact of a finding's evidence: a time, or words."""

    label: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FindingLine:
    """Holds a finding as the page shows it."""

    finding: Finding
    next_step: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class KindCount:
    """Counts the open findings of one kind."""

    kind: FindingKind
    open: int


def findings_list(*, kind: str = "", resolved: bool = False) -> QuerySet[Finding]:
    """Returns the open findings of the tenant, most urgent first; or the resolved ones, newest first."""
    rows = Finding.objects.filter(resolved_at__isnull=not resolved).select_related("system", "campaign")
    if kind:
        rows = rows.filter(kind=kind)
    return rows.order_by("-resolved_at", "-id") if resolved else rows.order_by("due_at", "kind", "id")


def finding_lines(findings: Sequence[Finding]) -> list[FindingLine]:
    """Returns findings with what to do next and their evidence in words."""
    return [FindingLine(one, NEXT_STEP[FindingKind(one.kind)], facts_of(one.evidence)) for one in findings]


def facts_of(evidence: Mapping[str, Any]) -> list[Fact]:
    """Returns the evidence of a finding in words, in a fixed order; what has no words is left out."""
    return [_fact(name, label, evidence[name]) for name, label in LABELS.items() if name in evidence]


def _fact(name: str, label: str, value: Any) -> Fact:
    """Returns one fact in words."""
    if name == "coverage_per_mille":
        return Fact(label, "unknown" if value is None else f"{value / 10:g} % of the time that is judged")
    if name == "last_used_at" and value is None:
        return Fact(label, "none was seen")
    if name == "account_kind":
        return Fact(label, AccountKind(value).label)
    if name.endswith("_at") or name == "granted_since":
        return Fact(label, "never" if value is None else "", parse_datetime(value) if value else None)
    return Fact(label, ", ".join(value) if isinstance(value, list) else str(value))


def open_by_kind() -> list[KindCount]:
    """Returns how many findings of each kind are open, in the order of the kinds; only kinds that have some."""
    counted = dict(
        Finding.objects.filter(resolved_at__isnull=True).order_by().values_list("kind").annotate(n=Count("id"))
    )
    return [KindCount(kind, counted[kind]) for kind in FindingKind if counted.get(kind)]


def conflicts_list() -> QuerySet[DutyConflict]:
    """Returns the conflicts of duties with their sides: those in force first, then the ended ones, newest first."""
    sides = DutySide.objects.select_related("entitlement__system").order_by("side", "entitlement__key")
    rows = DutyConflict.objects.prefetch_related(Prefetch("sides", sides))
    return rows.order_by(F("ended_at").desc(nulls_first=True), "-added_at", "id")


def conflicting_choices() -> QuerySet[Entitlement]:
    """Returns the entitlements of the tenant by system, to choose the two sides from."""
    return Entitlement.objects.select_related("system").order_by("system__name", "key")


def absent_of(campaign: Campaign) -> QuerySet[AbsentAccount]:
    """Returns the names that worked in the logs and were in no row of the campaign's snapshots, when it opened."""
    return AbsentAccount.objects.filter(campaign=campaign).select_related("system").order_by("system__name", "name")
