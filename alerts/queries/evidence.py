"""What controls and packs say about alerts of a period."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.kinds import AlertState, Severity
from alerts.models import Alert, AlertSettings


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """One alert as evidence shows it. ``seconds_to_acknowledge`` and ``seconds_to_close`` count from raising."""

    id: int
    rule: str
    rule_version: int
    severity: int
    state: str
    about: str
    why: str
    first_at: datetime
    last_at: datetime
    raised_at: datetime
    late: bool
    acknowledged_at: datetime | None
    acknowledged_by: str
    closed_at: datetime | None
    closed_by: str
    close_reason: str
    close_note: str
    event_count: int

    @property
    def seconds_to_acknowledge(self) -> int | None:
        """Seconds from raising to the first reaction of a person, closing included; None while nobody reacted."""
        reacted_at = self.acknowledged_at or self.closed_at
        return None if reacted_at is None else int((reacted_at - self.raised_at).total_seconds())

    @property
    def seconds_to_close(self) -> int | None:
        """Seconds from raising to closing; None while open."""
        return None if self.closed_at is None else int((self.closed_at - self.raised_at).total_seconds())


def alert_facts(since: datetime, until: datetime) -> list[AlertFacts]:
    """Return the alerts raised in a period (aware times, end excluded), in the order of raising."""
    rows = Alert.objects.filter(raised_at__gte=since, raised_at__lt=until)
    return [_facts(row) for row in rows.select_related("acknowledged_by", "closed_by").order_by("id")]


def _facts(row: Alert) -> AlertFacts:
    return AlertFacts(
        id=row.pk,
        rule=row.rule,
        rule_version=row.rule_version,
        severity=row.severity,
        state=row.state,
        about=row.subject,
        why=row.why,
        first_at=row.first_at,
        last_at=row.last_at,
        raised_at=row.raised_at,
        late=row.late,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=str(row.acknowledged_by or ""),
        closed_at=row.closed_at,
        closed_by=str(row.closed_by or ""),
        close_reason=row.close_reason,
        close_note=row.close_note,
        event_count=row.event_count,
    )


def rule_was_on(rule_field: str, since: datetime, until: datetime) -> bool:
    """Return whether a rule (``failed_on`` or ``hours_on``) was switched on during the whole period."""
    before = AlertSettings.objects.filter(created_at__lt=since).order_by("-version").values_list(rule_field, flat=True)
    during = AlertSettings.objects.filter(created_at__gte=since, created_at__lt=until)
    first = before.first()
    return (first is None or bool(first)) and all(during.values_list(rule_field, flat=True))


def overdue_alerts(at: datetime, *, after: timedelta) -> int:
    """Return how many high or critical alerts were not acknowledged within a time of their raising."""
    rows = Alert.objects.filter(state=AlertState.NEW, severity__gte=Severity.HIGH, raised_at__lt=at - after)
    return rows.count()
