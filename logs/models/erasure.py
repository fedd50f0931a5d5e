"""Erasure of events under GDPR Art. 17: asked for by one officer, answered by another, carried out by the schedule.

A deed names exactly the leaves whose rows go, and holds nothing of what they said: who it was about stands in `subject`
only until the deed is carried out or declined.
"""

from typing import ClassVar, Final, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.scope import TenantManager, TenantOwned

NOBODY: Final = 0
"""The key of an officer who is not in the register of watched people."""


class ErasureKind(models.TextChoices):
    """Which events a deed is about."""

    EVENT = "event", "One event"
    PERSON = "person", "Events of one person"
    ADDRESS = "address", "Events from one network address"


class ErasureAnswer(models.TextChoices):
    """What the second officer said."""

    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"


class Erasure(TenantOwned):
    """One deed of erasure: which leaves, why, on whose request, and when their rows went.

    ``places_sha256`` is the hash of the leaves (`logs.erasedset`). ``held`` and ``cited`` events were left out: under a
    legal hold, or evidence that people worked with. ``against`` holds what the portal said against it. ``batch_id`` is
    the ledger batch of the entry (kind 05) that announces it. ``repeats`` names the deed that an older copy of the
    database did not know, and that was carried out again after a restore. The keys are ids of the register.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=8, choices=ErasureKind.choices)
    subject = models.CharField(max_length=400, default="", blank=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.TextField()
    legal_ref = models.CharField(max_length=300)
    count = models.BigIntegerField()
    held = models.BigIntegerField()
    cited = models.BigIntegerField()
    with_cited = models.BooleanField()
    against = models.JSONField(default=list)
    places_sha256 = models.BinaryField(max_length=32)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    asked_by = models.CharField(max_length=320)
    asker_user = models.BigIntegerField()
    asker_key = models.BigIntegerField(default=NOBODY)
    answer = models.CharField(max_length=9, choices=ErasureAnswer.choices, default="", blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=320, default="", blank=True)
    answerer_user = models.BigIntegerField(null=True)
    answerer_key = models.BigIntegerField(default=NOBODY)
    answer_note = models.TextField(default="", blank=True)
    batch_id = models.UUIDField(null=True)
    repeats = models.UUIDField(null=True)
    removed_at = models.DateTimeField(null=True, editable=False)
    removed = models.BigIntegerField(null=True, editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A deed has two people, a reason and a legal reference; what is over names nobody."""

        ordering = ("-asked_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(reason__length__gte=10, legal_ref__length__gte=3) & ~Q(asked_by=""),
                name="erasure_says_why_and_by_what_law",
            ),
            models.CheckConstraint(condition=Q(count__gt=0, held__gte=0, cited__gte=0), name="erasure_names_events"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None, answerer_user=None, answered_by="")
                | (Q(answer__in=("confirmed", "declined"), answered_at__isnull=False) & ~Q(answered_by="")),
                name="erasure_is_answered_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(answerer_user=None)
                | (~Q(answerer_user=F("asker_user")) & (Q(answerer_key=NOBODY) | ~Q(answerer_key=F("asker_key")))),
                name="erasure_is_answered_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(batch_id__isnull=False, answer="confirmed", answerer_user__isnull=False)
                | Q(batch_id=None, removed_at=None),
                name="confirmed_erasure_is_announced",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, removed=None)
                | Q(removed_at__isnull=False, removed__isnull=False, subject=""),
                name="erasure_that_is_over_names_nobody",
            ),
        )
        indexes = (models.Index(fields=("tenant", "-asked_at"), name="erasure_newest_first"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.count}"


class ErasedLeaf(TenantOwned):
    """One leaf of a deed: its place, the event's name in addresses, and the quarter of an hour in which it occurred.

    The quarter (UTC) counts erased events into any period of any time zone, and says no more than that.
    """

    erasure = models.ForeignKey(Erasure, on_delete=models.PROTECT, related_name="leaves")
    batch_id = models.UUIDField()
    ord = models.IntegerField()
    received_at = models.DateTimeField()
    event_id = models.BigIntegerField()
    quarter = models.DateTimeField()

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A deed names a leaf once."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "erasure", "batch_id", "ord"), name="erasure_names_a_leaf_once"),
        )
        indexes = (
            models.Index(fields=("tenant", "received_at", "event_id"), name="erased_leaf_by_event"),
            models.Index(fields=("tenant", "quarter"), name="erased_leaf_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.ord}"
