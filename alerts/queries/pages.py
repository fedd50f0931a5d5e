"""What the alerts pages show."""

from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from alerts.kinds import OPEN_STATES, AlertState, Hours, NoticeState, RuleSettings, Severity
from alerts.models import Alert, AlertEvent, AlertNotice, AlertSettings, WatchCursor
from logs.kinds import LogType
from logs.models import AccessEvent
from tenants.models import Tenant

SHOWN_EVENTS: Final = 100
"""Events shown on an alert's page; the count says how many there are."""

OPEN: Final = "open"
"""The filter's word for alerts that wait for a person."""


@dataclass(frozen=True, slots=True)
class AlertFilters:
    """What the list is narrowed to; empty means everything. ``state`` is a state or `OPEN`."""

    state: str = OPEN
    rule: str = ""
    severity: int | None = None


def alerts_page(filters: AlertFilters, *, before: int | None = None, limit: int = 50) -> list[Alert]:
    """Return up to ``limit`` + 1 alerts that come before an id, newest first: the last one says that there are more."""
    rows = Alert.objects.select_related("identity", "system", "acknowledged_by", "closed_by").order_by("-id")
    if filters.state == OPEN:
        rows = rows.filter(state__in=OPEN_STATES)
    elif filters.state:
        rows = rows.filter(state=filters.state)
    if filters.rule:
        rows = rows.filter(rule=filters.rule)
    if filters.severity is not None:
        rows = rows.filter(severity=filters.severity)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows[: limit + 1])


def alert_counts() -> dict[str, int]:
    """Return how many alerts are new, acknowledged, and new with high or critical severity, in one query."""
    return Alert.objects.filter(state__in=OPEN_STATES).aggregate(
        new=Count("id", filter=Q(state=AlertState.NEW)),
        acknowledged=Count("id", filter=Q(state=AlertState.ACKNOWLEDGED)),
        urgent=Count("id", filter=Q(state=AlertState.NEW, severity__gte=Severity.HIGH)),
    )


def alert(alert_id: int) -> Alert | None:
    """Return one alert of the open tenant with whom it is about and who handled it."""
    related = ("identity", "system", "acknowledged_by", "closed_by", "notice")
    return Alert.objects.select_related(*related).filter(pk=alert_id).first()


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One event that an alert stands on, and its kind in words."""

    event: AccessEvent
    kind: str


def alert_events(of: Alert, limit: int = SHOWN_EVENTS) -> list[EvidenceLine]:
    """Return the first events that an alert stands on, by event time; pruned ones are missing."""
    keys = list(
        AlertEvent.objects.filter(alert=of)
        .order_by("occurred_at", "event_id")
        .values_list("event_received_at", "event_id")[:limit]
    )
    if not keys:
        return []
    these = reduce(or_, (Q(received_at=received_at, id=event_id) for received_at, event_id in keys))
    within = Q(received_at__gte=min(keys)[0], received_at__lte=max(keys)[0])
    rows = AccessEvent.sealed.defer("core", "subj", "raw", "salts").select_related("source")
    found = rows.filter(within & these).order_by("occurred_at", "id")
    return [EvidenceLine(event, str(LogType(event.log_type).label)) for event in found]


def current_settings(tenant: Tenant) -> tuple[RuleSettings, int]:
    """Return the settings that hold and their version; 0 and the tenant's business hours when nobody set any."""
    newest = AlertSettings.objects.order_by("-version").first()
    if newest is not None:
        return newest.values, newest.version
    hours = Hours(tenant.business_start, tenant.business_end, frozenset(tenant.working_days))
    return RuleSettings(hours=hours), 0


def settings_history(limit: int = 20) -> QuerySet[AlertSettings]:
    """Return the versions of the settings, newest first."""
    return AlertSettings.objects.order_by("-version")[:limit]


def failing_notices() -> list[AlertNotice]:
    """Return the mails that could not be sent so far, newest first, and those that wait for longer than a minute."""
    stuck = Q(state=NoticeState.WAITING, created_at__lt=timezone.now() - timedelta(minutes=1))
    failing = Q(state__in=(NoticeState.FAILED, NoticeState.GIVEN_UP))
    recent = Q(created_at__gte=timezone.now() - timedelta(days=30))
    return list(AlertNotice.objects.filter((stuck | failing) & recent).order_by("-id")[:20])


def notice(notice_id: int) -> AlertNotice | None:
    """Return one mail of the open tenant."""
    return AlertNotice.objects.filter(pk=notice_id).first()


def watch_state() -> WatchCursor | None:
    """Return how far the tenant's events were judged, or None before the first look."""
    return WatchCursor.objects.first()
