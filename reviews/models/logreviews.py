"""Stores log reviews: the schedule, its chained periods with their items, dispositions, signatures and follow-ups.

Source: 45 CFR 164.308(a)(1)(ii)(D), information system activity review. Triggers hold what constraints cannot say
(migration `0007_log_reviews`).
"""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from alerts.models import Alert
from identities.models import Identity
from logs.models import LogSource
from reviews.kinds import HIGH_SEVERITY, OWNERLESS, REASON_MIN, SIGNING_WINDOW_SECONDS, Disposed, Level, LogItemKind
from reviews.models.population import WITHIN_TENANT
from reviews.states import LogReviewState
from tenants.scope import TenantManager, TenantOwned

SECOND_IS_ANOTHER = ~Q(reviewer=F("second"))


class LogSchedule(TenantOwned):
    """Stores how often logs are reviewed, by whom, and how much of them is drawn for a look.

    Periods begin at ``begins_at`` and at each midnight in the zone that the rule names after it. With ``ends_at`` the
    last period ends there. ``second`` reviews what is about ``reviewer`` and stands in for them.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    name = models.CharField(max_length=120)
    rule = models.CharField(max_length=200)
    starts_on = models.DateField()
    time_zone = models.CharField(max_length=64)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    second = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    due_days = models.PositiveSmallIntegerField(default=7)
    follow_up_days = models.PositiveSmallIntegerField(default=14)
    sample_privileged = models.PositiveSmallIntegerField(default=15)
    sample_out_of_hours = models.PositiveSmallIntegerField(default=10)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a schedule."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="log_schedule_name_is_unique"),
            models.CheckConstraint(condition=SECOND_IS_ANOTHER, name="log_schedule_has_two_reviewers"),
            models.CheckConstraint(condition=~Q(rule=""), name="log_schedule_comes_back"),
            models.CheckConstraint(
                condition=Q(due_days__gte=1, due_days__lte=90, follow_up_days__gte=1, follow_up_days__lte=365),
                name="log_review_has_its_limits",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("begins_at")), name="log_schedule_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LogReview(TenantOwned):
    """Stores the review of one period, from its begin to before its end (aware UTC), chained to the one before.

    ``follows_end`` is the end of the period before, held by a foreign key, and equals the begin; only the first period
    of a schedule has none. ``seed`` is the root of the tenant's ledger over ``tree_size`` leaves of the epoch when the
    period was opened: the samples were drawn with it. ``population`` says of how many events each was drawn.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    schedule = models.ForeignKey(LogSchedule, related_name="reviews", **WITHIN_TENANT)
    name = models.CharField(max_length=160)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    follows_end = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=LogReviewState.choices, default=LogReviewState.COLLECTING)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    second = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    due_at = models.DateTimeField()
    follow_up_days = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField(null=True)
    opened_by = models.CharField(max_length=320, blank=True)
    item_count = models.PositiveIntegerField(default=0)
    seed = models.CharField(max_length=64, blank=True)
    tree_epoch = models.IntegerField(default=0)
    tree_size = models.BigIntegerField(default=0)
    population = models.JSONField(default=dict)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        """Holds the chain of periods; the foreign key to the period before is SQL in the migration."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "schedule", "begins_at"], name="log_review_begins_once"),
            models.UniqueConstraint(fields=["tenant", "schedule", "ends_at"], name="log_review_ends_once"),
            models.UniqueConstraint(fields=["tenant", "id", "schedule"], name="log_review_is_named_with_its_schedule"),
            models.UniqueConstraint(
                fields=["tenant", "schedule"],
                condition=Q(follows_end__isnull=True),
                name="log_reviews_of_a_schedule_have_one_beginning",
            ),
            models.CheckConstraint(
                condition=Q(follows_end__isnull=True) | Q(follows_end=F("begins_at")),
                name="log_review_begins_where_the_one_before_ended",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="log_review_ends_after_it_begins"),
            models.CheckConstraint(condition=SECOND_IS_ANOTHER, name="log_review_has_two_reviewers"),
            models.CheckConstraint(
                condition=Q(state="collecting", opened_at__isnull=True)
                | (Q(opened_at__isnull=False, seed__length=64) & ~Q(opened_by="")),
                name="open_log_review_has_time_person_and_seed",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="closed_log_review_has_its_time",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "state", "due_at"], name="log_review_by_state_and_due")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Returns whether items are disposed of and signed now."""
        return self.state == LogReviewState.OPEN

    def is_overdue(self, at: datetime) -> bool:
        """Returns whether the signature is late at that moment."""
        return self.is_open and at >= self.due_at


class LogItem(TenantOwned):
    """Stores one thing of a period that needs a disposition, frozen when the period was opened.

    Of an alert and a source the row is named, of an event its key: months of events are pruned, and names of people
    stand in the event alone. ``late`` says that it happened in an earlier period and was known only after its opening.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    review = models.ForeignKey(LogReview, related_name="items", **WITHIN_TENANT)
    schedule = models.ForeignKey(LogSchedule, related_name="+", **WITHIN_TENANT)
    n = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=LogItemKind.choices)
    severity = models.PositiveSmallIntegerField(default=0)
    title = models.CharField(max_length=300)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    source = models.ForeignKey(LogSource, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    event_key = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    late = models.BooleanField(default=False)
    subject = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    subject_key = models.BigIntegerField(default=OWNERLESS)
    facts = models.JSONField(default=dict)

    class Meta:
        """Holds that nothing stands twice, and that dispositions copy whom an item is about."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "review", "n"], name="log_item_number_is_used_once"),
            models.UniqueConstraint(
                fields=["tenant", "id", "review", "subject_key", "kind", "severity"], name="log_item_facts_are_copied"
            ),
            models.UniqueConstraint(fields=["tenant", "schedule", "alert"], name="alert_is_in_one_period"),
            models.UniqueConstraint(fields=["tenant", "schedule", "source", "since"], name="gap_is_in_one_period"),
            models.UniqueConstraint(
                fields=["tenant", "review", "event_key"], condition=~Q(event_key=""), name="event_is_drawn_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="alert", alert__isnull=False, source__isnull=True, event_key="")
                | Q(kind="gap", alert__isnull=True, source__isnull=False, event_key="")
                | (Q(kind__in=["privileged", "out_of_hours"], alert__isnull=True) & ~Q(event_key="")),
                name="log_item_names_what_it_is",
            ),
            models.CheckConstraint(
                condition=Q(subject__isnull=True, subject_key=OWNERLESS)
                | Q(subject__isnull=False, subject_key=F("subject_id")),
                name="log_item_subject_key_is_its_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.n}: {self.title}"


class Disposition(TenantOwned):
    """Stores what a reviewer found about an item; a change is a new row that supersedes it."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    review = models.ForeignKey(LogReview, related_name="dispositions", **WITHIN_TENANT)
    item = models.ForeignKey(LogItem, on_delete=models.PROTECT, related_name="dispositions", db_constraint=False)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    subject_key = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=LogItemKind.choices)
    severity = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=14, choices=Disposed.choices)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="superseded_by", db_constraint=False
    )
    seen_seconds = models.PositiveIntegerField(default=0)
    disposed_at = models.DateTimeField()
    disposed_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a disposition."""

        constraints = [
            models.CheckConstraint(condition=~Q(reviewer=F("subject_key")), name="nobody_disposes_of_their_own_events"),
            models.CheckConstraint(condition=Q(outcome__in=Disposed.values), name="disposition_is_one_of_the_list"),
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN)
                | (Q(outcome="benign", severity__lt=HIGH_SEVERITY) & ~Q(kind="gap")),
                name="disposition_gives_a_reason_where_one_is_asked_for",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="incident") | ~Q(ticket=""), name="incident_names_where_it_is_handled"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="false_positive") | Q(kind="alert"), name="only_an_alert_is_a_false_positive"
            ),
            models.UniqueConstraint(
                fields=["tenant", "item"],
                condition=Q(supersedes__isnull=True),
                name="disposition_history_has_one_root",
            ),
            models.UniqueConstraint(fields=["tenant", "item", "id"], name="disposition_is_named_by_its_item"),
        ]
        indexes = [models.Index(fields=["tenant", "review", "reviewer"], name="disposition_of_reviewer")]

    def __str__(self) -> str:
        return f"{self.outcome} on item {self.item_id}"


class LogSignature(TenantOwned):
    """Stores a reviewer's signature over exactly their dispositions of a period (as `SignOff`)."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    review = models.ForeignKey(LogReview, related_name="signatures", **WITHIN_TENANT)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    printed_name = models.CharField(max_length=200)
    meaning = models.TextField()
    level = models.CharField(max_length=8, choices=Level.choices)
    methods = models.JSONField()
    authentication = models.JSONField(default=dict)
    authenticated_at = models.DateTimeField()
    signed_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    manifest = models.TextField()
    digest = models.CharField(max_length=64)

    class Meta:
        """Holds the rules of a signature."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "review", "reviewer"], name="log_reviewer_signs_once"),
            models.CheckConstraint(
                condition=Q(signed_at__gte=F("authenticated_at"))
                & Q(signed_at__lte=F("authenticated_at") + timedelta(seconds=SIGNING_WINDOW_SECONDS)),
                name="log_signature_follows_its_authentication",
            ),
            models.CheckConstraint(
                condition=~Q(printed_name="") & ~Q(meaning=""), name="log_signature_says_who_and_what"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}, {self.count} items"


class FollowUp(TenantOwned):
    """Stores that an incident or a policy violation was found and signed, and how it ended."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    review = models.ForeignKey(LogReview, related_name="follow_ups", **WITHIN_TENANT)
    disposition = models.OneToOneField(
        Disposition, on_delete=models.PROTECT, related_name="follow_up", db_constraint=False
    )
    raised_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=320, blank=True)
    resolution = models.CharField(max_length=300, blank=True)

    class Meta:
        """Holds that a closed one says by whom and how."""

        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by="", resolution="")
                | (Q(closed_at__isnull=False, resolution__length__gte=REASON_MIN) & ~Q(closed_by="")),
                name="follow_up_ends_with_a_reason_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"follow-up of disposition {self.disposition_id}"
