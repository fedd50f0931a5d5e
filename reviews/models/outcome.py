"""Stores what came of a campaign: remediations, and findings about what is wrong."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Account, Identity, Snapshot, System
from reviews.kinds import REASON_MIN, FindingKind
from reviews.models.campaign import Campaign
from reviews.models.decision import Decision
from reviews.models.population import WITHIN_TENANT, ReviewItem
from reviews.states import RemediationState
from tenants.scope import TenantManager, TenantOwned


class Remediation(TenantOwned):
    """Stores the carrying out of a revocation or reduction; it ends when a later snapshot proves it.

    It begins with the signature, or before it where the reviewer says that it cannot wait.

    `owner` has to carry it out: who owns the system when it is made, copied by the database and fixed from then on.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="remediations")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="remediation")
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="remediations")
    owner = models.ForeignKey(Identity, null=True, editable=False, related_name="+", **WITHIN_TENANT)
    state = models.CharField(max_length=13, choices=RemediationState.choices, default=RemediationState.OPEN)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ticket = models.CharField(max_length=100, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=320, blank=True)
    executor = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    accepted_until = models.DateTimeField(null=True, blank=True)
    accepted_reason = models.CharField(max_length=300, blank=True)
    accepted_by = models.CharField(max_length=320, blank=True)
    reopened = models.PositiveSmallIntegerField(default=0)

    class Meta:
        """Holds the rules of a remediation."""

        constraints = [
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_at__isnull=False, verified_snapshot__isnull=False),
                name="verified_remediation_names_its_snapshot",
            ),
            models.CheckConstraint(
                condition=~Q(state="risk_accepted")
                | (Q(accepted_until__isnull=False, accepted_reason__length__gte=REASON_MIN) & ~Q(accepted_by="")),
                name="risk_acceptance_has_end_reason_and_person",
            ),
            models.CheckConstraint(
                condition=~Q(state="claimed_done") | (Q(claimed_at__isnull=False) & ~Q(claimed_by="")),
                name="claim_has_time_and_person",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "state", "due_at"], name="remediation_by_state_and_due")]

    def __str__(self) -> str:
        return f"remediation of item {self.item_id}"

    def is_late(self, at: datetime) -> bool:
        """Returns whether its limit is over and it is neither verified nor its risk accepted at the time."""
        accepted = self.state == RemediationState.RISK_ACCEPTED and self.accepted_until
        return self.state != RemediationState.VERIFIED and self.due_at < at and not (accepted and accepted > at)


class Finding(TenantOwned):
    """Stores what is wrong, once for each cause (`key`) until it is resolved.

    `evidence` holds the facts it rests on as they were when it was found (`reviews.causes`). `retested_at` is when the
    system looked again after the resolution, and the cause was gone (`reviews.queries.retests`).
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    kind = models.CharField(max_length=20, choices=FindingKind.choices)
    key = models.CharField(max_length=120)
    sentence = models.TextField()
    evidence = models.JSONField(default=dict)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, related_name="findings")
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, null=True, related_name="findings")
    system = models.ForeignKey(System, on_delete=models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    subject = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField()
    due_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=320, blank=True)
    resolution = models.CharField(max_length=300, blank=True)
    retested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Holds the rules of a finding."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "key"], condition=Q(resolved_at__isnull=True), name="finding_is_open_once"
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | (Q(resolution__length__gte=REASON_MIN) & ~Q(resolved_by="")),
                name="resolved_finding_says_how_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(retested_at__isnull=True) | Q(resolved_at__isnull=False, retested_at__gte=F("resolved_at")),
                name="finding_is_retested_after_its_resolution",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "kind", "found_at"], name="finding_by_kind_and_time")]

    def __str__(self) -> str:
        return self.sentence
