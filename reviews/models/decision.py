"""Stores decisions and the signatures over them; both are only ever added."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Identity
from reviews.kinds import REASON_MIN, Advice, Level, Outcome
from reviews.models.campaign import Campaign
from reviews.models.population import ReviewItem
from reviews.models.signing import FRESH, Signature
from reviews.postponing import NOT_REVIEWED, Resumed
from tenants.scope import TenantManager, TenantOwned


class Decision(TenantOwned):
    """Stores one decision; a change is a new one that supersedes it, so the history is one line without forks.

    `not_decided` is written by the system at the deadline and has no reviewer. One with `postponed_until` decides
    nothing yet: it counts as undecided, and on that day (UTC) the item is reviewed in a campaign of its own.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="decisions")
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="decisions")
    stage = models.PositiveSmallIntegerField(default=1)
    reviewer = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    subject_key = models.BigIntegerField()
    privileged = models.BooleanField()
    advice = models.CharField(max_length=12, choices=Advice.choices)
    outcome = models.CharField(max_length=11, choices=Outcome.choices)
    reason = models.TextField(blank=True)
    postponed_until = models.DateField(null=True, blank=True)
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="superseded_by")
    bulk = models.UUIDField(null=True)
    seen_seconds = models.PositiveIntegerField(default=0)
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of a decision."""

        constraints = [
            models.CheckConstraint(
                condition=Q(reviewer__isnull=True) | ~Q(reviewer=F("subject_key")),
                name="nobody_reviews_their_own_access",
            ),
            models.CheckConstraint(
                condition=Q(outcome="not_decided", reviewer__isnull=True)
                | (~Q(outcome="not_decided") & Q(reviewer__isnull=False)),
                name="not_decided_is_written_by_the_system_alone",
            ),
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN)
                | Q(outcome="not_decided")
                | (Q(outcome="certify", privileged=False) & ~Q(advice="revoke")),
                name="decision_gives_a_reason_where_one_is_asked_for",
            ),
            models.CheckConstraint(
                condition=Q(bulk__isnull=True) | (Q(privileged=False, outcome="certify") & ~Q(advice="revoke")),
                name="no_bulk_decision_on_privileged_or_advised_against",
            ),
            models.UniqueConstraint(
                fields=["tenant", "item", "stage"],
                condition=Q(supersedes__isnull=True),
                name="decision_history_has_one_root",
            ),
            models.UniqueConstraint(fields=["tenant", "supersedes"], name="decision_is_superseded_once"),
            models.UniqueConstraint(
                fields=["tenant", "item", "stage", "id"], name="decision_is_named_by_item_and_stage"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "campaign", "reviewer"], name="decision_of_reviewer"),
            models.Index(fields=["tenant", "decided_at"], name="decision_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} on item {self.item_id}"

    @property
    def told(self) -> str:
        """Returns what was decided as pages say it; what was postponed with its day."""
        day = self.postponed_until
        return f"Postponed until {day:%-d %B %Y}" if day else self.get_outcome_display()


class Resumption(TenantOwned):
    """Stores what came of a postponed item on its day, once: the campaign that reviews it, or why none does."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="resumption")
    came = models.CharField(max_length=9, choices=Resumed.choices)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, related_name="resumptions")
    at = models.DateTimeField()

    class Meta:
        """Holds that a campaign is named where there is one, and nowhere else."""

        constraints = [
            models.CheckConstraint(
                condition=Q(came=Resumed.REVIEWED, campaign__isnull=False)
                | (Q(came__in=[*NOT_REVIEWED], campaign__isnull=True)),
                name="postponed_item_is_reviewed_or_says_why_not",
            )
        ]

    def __str__(self) -> str:
        return f"{self.came} after decision {self.decision_id}"


class SignOff(Signature):
    """Stores a reviewer's signature: the digest of the canonical statement over exactly their decisions.

    Reopening the campaign raises its round and so withdraws the signatures of earlier rounds; they stay. The level is
    empty only in rows that are older than levels; a passkey's assertion stands in `authentication`.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="sign_offs")
    stage = models.PositiveSmallIntegerField(default=1)
    round = models.PositiveSmallIntegerField()
    reviewer = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    meaning = models.TextField()
    level = models.CharField(max_length=8, choices=Level.choices, blank=True)
    count = models.PositiveIntegerField()
    manifest = models.TextField()

    class Meta:
        """Holds the rules of a signature."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "campaign", "stage", "round", "reviewer"], name="reviewer_signs_once"
            ),
            models.CheckConstraint(condition=FRESH, name="signature_follows_its_authentication"),
            models.CheckConstraint(condition=~Q(printed_name="") & ~Q(meaning=""), name="signature_says_who_and_what"),
            models.CheckConstraint(condition=Q(count__gte=1), name="signature_covers_a_decision"),
            models.CheckConstraint(condition=~Q(methods=[]), name="signature_names_its_authentication"),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}, {self.count} decisions"
