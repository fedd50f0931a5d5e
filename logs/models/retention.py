"""How long what is kept, what must not go, and what went: terms, legal holds and announced removals."""

from datetime import date, datetime, timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from logs.kinds import LogType
from logs.terms import LONGEST, NOTICE_DAYS, SHORTEST, SHORTEST_SESSION, later
from tenants.scope import TenantManager, TenantOwned


class RetentionTerm(TenantOwned):
    """How long events of one kind are kept, from when on, and who decided it; the newest row holds.

    A longer term holds at once, a shorter one from `NOTICE_DAYS` on (the database's `retention_months` says which).
    """

    log_type = models.SmallIntegerField(choices=LogType.choices)
    months = models.SmallIntegerField()
    reason = models.TextField()
    set_at = models.DateTimeField(db_default=Now(), editable=False)
    set_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Insert only: a change is a further row."""

        ordering = ("-set_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(months__lte=LONGEST)
                & (Q(months__gte=SHORTEST) | Q(log_type=LogType.SESSION, months__gte=SHORTEST_SESSION)),
                name="retention_term_is_one_to_three_years",
            ),
            models.CheckConstraint(condition=Q(log_type__gte=1, log_type__lte=7), name="retention_term_has_a_log_type"),
            models.CheckConstraint(condition=~Q(reason=""), name="retention_term_says_why"),
        )
        indexes = (models.Index(fields=("tenant", "log_type", "-set_at"), name="retention_term_newest_first"),)

    def __str__(self) -> str:
        return f"{self.kind_name}: {self.months} months"

    @property
    def kind_name(self) -> str:
        """The kind of log in words."""
        return str(LogType(self.log_type).label)

    @property
    def shorter_from(self) -> datetime:
        """When the term holds, where it is shorter than the one before."""
        return self.set_at + timedelta(days=NOTICE_DAYS)


class HoldKind(models.TextChoices):
    """What a legal hold keeps from being removed."""

    TENANT = "tenant", "Everything of this tenant"
    PERSON = "person", "Events of one person"
    SOURCE = "source", "Events of one source"


class LegalHold(TenantOwned):
    """Keeps events from being removed although their term has passed, until somebody lifts it.

    ``what`` names the held in words. A person is held by every name that they had when the hold was set.
    """

    kind = models.CharField(max_length=8, choices=HoldKind.choices)
    what = models.CharField(max_length=300)
    identity_id = models.BigIntegerField(null=True)
    actor_keys = ArrayField(models.TextField(), default=list)
    source_id = models.BigIntegerField(null=True)
    reason = models.TextField()
    set_at = models.DateTimeField(db_default=Now(), editable=False)
    set_by = models.CharField(max_length=320)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=320, default="")
    lift_reason = models.TextField(default="")

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A hold says what and why; it is lifted once, by somebody who says why."""

        ordering = ("-set_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(kind=HoldKind.TENANT, source_id=None, identity_id=None, actor_keys=[])
                | Q(kind=HoldKind.SOURCE, source_id__isnull=False, identity_id=None, actor_keys=[])
                | (Q(kind=HoldKind.PERSON, source_id=None) & (Q(identity_id__isnull=False) | ~Q(actor_keys=[]))),
                name="legal_hold_names_what_it_holds",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="legal_hold_says_why"),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by="", lift_reason="")
                | (Q(lifted_at__gte=F("set_at")) & ~Q(lifted_by="") & ~Q(lift_reason="")),
                name="legal_hold_is_lifted_by_somebody_who_says_why",
            ),
        )

    def __str__(self) -> str:
        return self.what


class RetentionPrune(TenantOwned):
    """One removal: announced by a ledger entry (kind 06) that says exactly which leaves go, and then carried out.

    ``month`` is the month of receipt. ``places`` holds the leaves' indexes in ``epoch`` (`logs.leafsets`),
    ``removed_root`` the RFC 9162 tree hash over those leaves. ``batch_id`` is the ledger batch of the announcing entry.
    ``holds`` are the holds that were respected, ``held`` the events that they kept. ``removed`` events went at
    ``removed_at``: fewer than announced where a hold came in between.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    month = models.DateField()
    epoch = models.IntegerField()
    log_types = ArrayField(models.SmallIntegerField())
    count = models.BigIntegerField()
    quarantined = models.BigIntegerField()
    held = models.BigIntegerField()
    holds = ArrayField(models.BigIntegerField(), default=list)
    places = models.BinaryField()
    places_sha256 = models.BinaryField(max_length=32)
    removed_root = models.BinaryField(max_length=32)
    batch_id = models.UUIDField()
    announced_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)
    removed = models.BigIntegerField(null=True, editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Insert only for the run-time roles; the function that removes notes that it did."""

        ordering = ("-announced_at", "-month")
        constraints = (
            models.CheckConstraint(
                condition=Q(count__gte=0, quarantined__gte=0, held__gte=0) & (Q(count__gt=0) | Q(quarantined__gt=0)),
                name="prune_removes_something",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, removed=None) | Q(removed_at__isnull=False, removed__isnull=False),
                name="prune_counts_what_it_removed",
            ),
        )
        indexes = (models.Index(fields=("tenant", "-announced_at"), name="prune_newest_first"),)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.count} events"

    @property
    def end_on(self) -> date:
        """The first day after the month."""
        return later(self.month, 1)

    @property
    def kind_names(self) -> list[str]:
        """The kinds of log in words; one word for all of them."""
        if len(self.log_types) == len(LogType):
            return ["every kind"]
        return [str(LogType(number).label) for number in self.log_types]
