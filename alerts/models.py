"""What a tenant decided about its alerts, what was raised, and the mail about it."""

from typing import Any, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from alerts.kinds import (
    OPEN_STATES,
    AlertState,
    CloseReason,
    Hours,
    IncidentStep,
    NoticeState,
    Rule,
    RuleSettings,
    Severity,
)
from alerts.rules.words import explain
from identities.models import Identity, System
from tenants.models import User
from tenants.scope import TenantManager, TenantOwned


class AlertSettings(TenantOwned):
    """One version of a tenant's settings; append-only, the highest version holds."""

    version = models.PositiveIntegerField()
    failed_on = models.BooleanField(default=True)
    account_threshold = models.PositiveIntegerField(validators=[MinValueValidator(2), MaxValueValidator(10_000)])
    source_threshold = models.PositiveIntegerField(validators=[MinValueValidator(2), MaxValueValidator(10_000)])
    window_minutes = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1440)])
    success_minutes = models.PositiveIntegerField(validators=[MinValueValidator(0), MaxValueValidator(1440)])
    hours_on = models.BooleanField(default=True)
    slack_minutes = models.PositiveIntegerField(validators=[MinValueValidator(0), MaxValueValidator(240)])
    hours_start = models.TimeField()
    hours_end = models.TimeField()
    days = models.JSONField(default=list)
    unknown_on = models.BooleanField(default=False)
    places_on = models.BooleanField(default=True, db_default=True)
    mail_on = models.BooleanField(default=True)
    mail_to = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Versions count up in each tenant."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "version"), name="alert_settings_version_is_unique"),
            models.CheckConstraint(
                condition=Q(account_threshold__gte=2, source_threshold__gte=2, window_minutes__gte=1),
                name="alert_settings_thresholds_are_at_least_two",
            ),
        )

    def __str__(self) -> str:
        return f"Version {self.version} of {self.created_at:%Y-%m-%d %H:%M} by {self.created_by}"

    @property
    def values(self) -> RuleSettings:
        """The settings as the rules take them."""
        return RuleSettings(
            failed_on=self.failed_on,
            account_threshold=self.account_threshold,
            source_threshold=self.source_threshold,
            window_minutes=self.window_minutes,
            success_minutes=self.success_minutes,
            hours_on=self.hours_on,
            slack_minutes=self.slack_minutes,
            hours=Hours(self.hours_start, self.hours_end, frozenset(self.days)),
            unknown_on=self.unknown_on,
            places_on=self.places_on,
            mail_on=self.mail_on,
            mail_to=tuple(self.mail_to),
        )


class AlertNotice(TenantOwned):
    """One mail about new or graver alerts: written with them, sent after the commit, tried again until it is gone."""

    alert_count = models.PositiveIntegerField()
    recipients = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A sent mail has a time, another has none."""

        constraints = (
            models.CheckConstraint(
                condition=Q(state=NoticeState.SENT, sent_at__isnull=False)
                | (~Q(state=NoticeState.SENT) & Q(sent_at=None)),
                name="alert_notice_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(NoticeState.FAILED, NoticeState.GIVEN_UP)) | ~Q(last_error=""),
                name="alert_notice_failure_says_why",
            ),
        )
        indexes = (
            models.Index(
                fields=("tenant", "next_try_at"),
                condition=Q(state__in=(NoticeState.WAITING, NoticeState.FAILED)),
                name="alert_notice_due",
            ),
        )

    def __str__(self) -> str:
        return f"Mail about {self.alert_count} alerts: {self.get_state_display()}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried by itself."""
        return self.state in {NoticeState.SENT, NoticeState.GIVEN_UP}


class Alert(TenantOwned):
    """Something that needs a look: a rule, whom it is about, and since when; while open it absorbs further hits.

    ``first_at`` and ``last_at`` are times of events, ``raised_at`` and ``last_hit_at`` are when the portal saw them.
    """

    rule = models.CharField(max_length=20, choices=Rule.choices)
    rule_version = models.PositiveSmallIntegerField()
    settings_version = models.PositiveIntegerField(default=0)
    group_key = models.TextField()
    dedup_key = models.BinaryField(max_length=32)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    state = models.CharField(max_length=12, choices=AlertState.choices, default=AlertState.NEW)
    subject = models.CharField(max_length=400)
    account_name = models.TextField(default="", blank=True)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, related_name="+")
    source_ip = models.GenericIPAddressField(null=True)
    attempts = models.PositiveBigIntegerField()
    event_count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    late = models.BooleanField(default=False)
    numbers = models.JSONField(default=dict)
    notice = models.ForeignKey(AlertNotice, on_delete=models.PROTECT, null=True, related_name="alerts")
    raised_at = models.DateTimeField(db_default=Now(), editable=False)
    last_hit_at = models.DateTimeField(db_default=Now())
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    close_reason = models.CharField(max_length=12, choices=CloseReason.choices, default="", blank=True)
    close_note = models.TextField(default="", blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """The states and what belongs to them."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "dedup_key"), name="alert_burst_is_raised_once"),
            models.CheckConstraint(
                condition=(
                    Q(state=AlertState.NEW, acknowledged_at=None)
                    | Q(state=AlertState.ACKNOWLEDGED, acknowledged_at__isnull=False)
                    | Q(state=AlertState.CLOSED)
                ),
                name="alert_acknowledged_has_its_time",
            ),
            models.CheckConstraint(
                condition=(
                    Q(acknowledged_at=None, acknowledged_by=None)
                    | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False)
                ),
                name="alert_acknowledged_by_somebody",
            ),
            models.CheckConstraint(
                condition=(
                    (Q(state=AlertState.CLOSED, closed_at__isnull=False, closed_by__isnull=False) & ~Q(close_reason=""))
                    | (~Q(state=AlertState.CLOSED) & Q(closed_at=None, closed_by=None, close_reason="", close_note=""))
                ),
                name="alert_closed_with_a_reason_by_somebody",
            ),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="alert_ends_after_it_begins"),
        )
        indexes = (
            models.Index(fields=("tenant", "state", "-id"), name="alert_by_state"),
            models.Index(
                fields=("tenant", "rule", "group_key"),
                condition=Q(state__in=OPEN_STATES),
                name="alert_open_by_group",
            ),
            models.Index(fields=("tenant", "first_at"), name="alert_by_first_event"),
        )

    def __str__(self) -> str:
        return f"{self.get_rule_display()}: {self.subject}"

    @property
    def is_open(self) -> bool:
        """Whether the alert still absorbs hits and waits for a person."""
        return self.state in OPEN_STATES

    @property
    def why(self) -> str:
        """The sentence that says what was counted and which setting it broke."""
        return explain(Rule(self.rule), self.attempts, self.first_at, self.last_at, self.numbers)


class AlertEvent(TenantOwned):
    """One stored event that an alert stands on; append-only. Names the event, since months of events are pruned."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="events")
    rule = models.CharField(max_length=20, choices=Rule.choices)
    event_received_at = models.DateTimeField()
    event_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """An event is counted once by each rule."""

        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "rule", "event_id", "event_received_at"), name="alert_event_counts_once_for_a_rule"
            ),
        )
        indexes = (models.Index(fields=("tenant", "alert", "occurred_at"), name="alert_event_by_alert"),)

    def __str__(self) -> str:
        return f"{self.event_received_at.isoformat()} {self.event_id}"


class Incident(TenantOwned):
    """Something that may have harmed somebody's data, with or without an alert behind it; append-only.

    ``found_at`` is when the first sign was found, ``known_at`` when the processor knew that it is an incident: then
    the clock of Art. 33(2) GDPR begins. What happens afterwards are its steps.
    """

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, null=True, related_name="incidents")
    title = models.CharField(max_length=200)
    what = models.TextField()
    affected = models.TextField(default="", blank=True)
    found_at = models.DateTimeField()
    known_at = models.DateTimeField()
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    opened_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """An incident is found before it is known, and known before it is recorded."""

        ordering = ("-opened_at", "-id")
        constraints = (
            models.CheckConstraint(condition=~Q(title="") & ~Q(what=""), name="incident_says_what_happened"),
            models.CheckConstraint(
                condition=Q(found_at__lte=F("known_at")) & Q(known_at__lte=F("opened_at")),
                name="incident_is_found_known_and_recorded_in_this_order",
            ),
        )
        indexes = (models.Index(fields=("tenant", "-opened_at"), name="incident_newest_first"),)

    def __str__(self) -> str:
        return self.title


class IncidentEntry(TenantOwned):
    """One step of an incident, when it happened and who recorded it; append-only, a correction is a further entry."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    step = models.CharField(max_length=20, choices=IncidentStep.choices)
    happened_at = models.DateTimeField()
    note = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    recorded_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A step has happened when it is recorded, and says something."""

        ordering = ("id",)
        constraints = (
            models.CheckConstraint(condition=~Q(note=""), name="incident_entry_says_something"),
            models.CheckConstraint(
                condition=Q(happened_at__lte=F("recorded_at")), name="incident_entry_has_happened_when_recorded"
            ),
            models.UniqueConstraint(
                fields=("tenant", "incident"), condition=Q(step=IncidentStep.CLOSED), name="incident_is_closed_once"
            ),
        )
        indexes = (models.Index(fields=("tenant", "incident", "id"), name="incident_entry_of_an_incident"),)

    def __str__(self) -> str:
        return f"{self.get_step_display()}: {self.note}"


class WatchCursor(TenantOwned):
    """How far the tenant's log has been judged: every leaf before ``position`` of the epoch was seen."""

    epoch = models.IntegerField(default=1)
    position = models.BigIntegerField(default=0)
    seen_events = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """One cursor for each tenant."""

        constraints = (
            models.UniqueConstraint(fields=("tenant",), name="watch_cursor_is_one_for_a_tenant"),
            models.CheckConstraint(condition=Q(position__gte=0), name="watch_cursor_is_not_negative"),
        )

    def __str__(self) -> str:
        return f"Judged up to leaf {self.position}"


def row_of(settings: RuleSettings) -> dict[str, Any]:
    """Return the columns of a settings version."""
    return {
        "failed_on": settings.failed_on,
        "account_threshold": settings.account_threshold,
        "source_threshold": settings.source_threshold,
        "window_minutes": settings.window_minutes,
        "success_minutes": settings.success_minutes,
        "hours_on": settings.hours_on,
        "slack_minutes": settings.slack_minutes,
        "hours_start": settings.hours.start,
        "hours_end": settings.hours.end,
        "days": sorted(settings.hours.days),
        "unknown_on": settings.unknown_on,
        "places_on": settings.places_on,
        "mail_on": settings.mail_on,
        "mail_to": list(settings.mail_to),
    }
