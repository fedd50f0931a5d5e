"""What settings would have raised in the last 30 days, by the same rules that raise."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import TruncDay, TruncMinute
from django.utils import timezone

from alerts.kinds import Rule, RuleSettings
from alerts.queries.watched import (
    IS_FAILED,
    SKEW,
    Row,
    facts_of,
    is_access,
    is_remote_session,
    register_of,
    rows_of,
)
from alerts.rules.elsewhere import judge_places
from alerts.rules.facts import EventKey, Fact, Hit
from alerts.rules.failed_logins import judge_failed_logins
from alerts.rules.hours import judge_hours
from logs.kinds import LogType, Status
from logs.models import AccessEvent
from logs.queries.approvals import approvals
from tenants.models import Tenant

DAYS: Final = 30
MOST_FAILURES: Final = 100_000
"""Failed log-ins that a preview judges; beyond it says that it saw only the newest."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How many alerts each rule would have made in so many days; ``cut`` says that there were too many failures."""

    counts: tuple[tuple[Rule, int], ...]
    days: int
    cut: bool

    @property
    def total(self) -> int:
        """Alerts of all rules."""
        return sum(count for _rule, count in self.counts)


def preview_settings(settings: RuleSettings, tenant: Tenant) -> Preview:
    """Return how many alerts the last 30 days would have made; late and closed ones count as raised once."""
    until = timezone.now()
    recent = AccessEvent.objects.filter(
        occurred_at__gte=until - timedelta(days=DAYS), received_at__gte=until - timedelta(days=DAYS) - SKEW
    )
    failures = _failures(recent) if settings.failed_on else []
    found = Counter(hit.rule for hit in judge_failed_logins(failures, [], settings))
    if settings.hours_on:
        found.update(hit.rule for hit in _hours(recent, settings, tenant))
    if settings.places_on:
        found.update(hit.rule for hit in _elsewhere(recent))
    counts = tuple((rule, found[rule]) for rule in Rule)
    return Preview(counts, DAYS, cut=len(failures) >= MOST_FAILURES)


def _failures(recent: QuerySet[AccessEvent]) -> list[Fact]:
    rows = rows_of(recent.filter(IS_FAILED).order_by("-occurred_at")[:MOST_FAILURES])
    return facts_of(rows, register_of((), (), None))


def _hours(recent: QuerySet[AccessEvent], settings: RuleSettings, tenant: Tenant) -> list[Hit]:
    """Judge one fact for each person, account and minute: the minute is what hours are set in."""
    rows = recent.filter(status_id=Status.SUCCESS, log_type__lte=LogType.ADMIN)
    if not settings.unknown_on:
        rows = rows.filter(identity_id__isnull=False)
    minutes = rows.values(
        "identity_id",
        "account_id",
        "system_id",
        "actor_key",
        "actor_type",
        "class_uid",
        "activity_id",
        "log_type",
        "status_id",
        minute=TruncMinute("occurred_at"),
    ).annotate(n=Count("id"), at=Min("occurred_at"))
    found: list[Any] = list(minutes)
    register = register_of({row["account_id"] for row in found}, {row["identity_id"] for row in found}, tenant)
    facts = [_minute(number, row) for number, row in enumerate(found) if is_access(row, register)]
    return list(judge_hours(facts, register.people, settings, tenant_zone=tenant.time_zone))


def _elsewhere(recent: QuerySet[AccessEvent]) -> list[Hit]:
    """Judge one fact for each person, account, address and UTC day."""
    rows = recent.filter(status_id=Status.SUCCESS, log_type=LogType.REMOTE).values(
        *("identity_id", "system_id", "actor_key", "src_ip", "src_country", "class_uid", "activity_id"),
        *("log_type", "status_id"),
        day=TruncDay("occurred_at", tzinfo=UTC),
    )
    found: list[Any] = list(rows.annotate(n=Count("id"), at=Min("occurred_at")))
    facts = [_minute(number, row) for number, row in enumerate(found) if is_remote_session(row)]
    return judge_places(facts, approvals())


def _minute(number: int, row: Row) -> Fact:
    at: datetime = row["at"]
    return Fact(
        key=EventKey(at, number),
        occurred_at=at,
        account=row["actor_key"],
        system_id=row["system_id"],
        ok=True,
        count=row["n"],
        source_ip=row.get("src_ip"),
        country=row.get("src_country", ""),
        person_id=row["identity_id"],
        log_type=row["log_type"],
    )
