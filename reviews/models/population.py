"""Stores the frozen population of a campaign: items with their evidence, exclusions, and who reviews what."""

from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Account, Entitlement, Identity, Snapshot, SnapshotRow, System
from reviews.kinds import OWNERLESS, REASON_MIN, Advice, Basis
from reviews.models.campaign import Campaign
from tenants.scope import TenantManager, TenantOwned, current_tenant_id

WITHIN_TENANT: Final[dict[str, Any]] = {"on_delete": models.PROTECT, "db_constraint": False, "db_index": False}
"""A key whose target is held by a composite key with the tenant (the migrations say which): a second check of the
target alone and an index of its own would cost as much again and hold nothing more."""


class ReviewItem(TenantOwned):
    """Stores one grant under review with the evidence beside it, frozen when the campaign opened.

    `subject_key` is the id of the person whose access it is, 0 for an ownerless account: decisions copy it through a
    composite key, so that nobody can decide about themselves. `evidence` holds use, coverage, peers and the previous
    decision.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    tenant: Any = models.ForeignKey(
        "tenants.Tenant", editable=False, default=current_tenant_id, related_name="+", **WITHIN_TENANT
    )
    campaign = models.ForeignKey(Campaign, related_name="items", **WITHIN_TENANT)
    n = models.PositiveIntegerField()
    system = models.ForeignKey(System, related_name="+", **WITHIN_TENANT)
    snapshot = models.ForeignKey(Snapshot, related_name="+", **WITHIN_TENANT)
    row = models.ForeignKey(SnapshotRow, related_name="+", **WITHIN_TENANT)
    account = models.ForeignKey(Account, related_name="+", **WITHIN_TENANT)
    entitlement = models.ForeignKey(Entitlement, related_name="+", **WITHIN_TENANT)
    subject = models.ForeignKey(Identity, null=True, related_name="+", **WITHIN_TENANT)
    subject_key = models.BigIntegerField(default=OWNERLESS)
    privileged = models.BooleanField()
    advice = models.CharField(max_length=12, choices=Advice.choices)
    advice_reason = models.TextField()
    evidence = models.JSONField(default=dict)

    class Meta:
        """Holds the rules of an item."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "n"], name="item_number_is_used_once"),
            models.UniqueConstraint(fields=["tenant", "campaign", "row"], name="one_item_for_each_grant_of_a_campaign"),
            models.UniqueConstraint(
                fields=["tenant", "id", "campaign", "subject_key", "privileged", "advice"],
                name="item_facts_are_copied_whole",
            ),
            models.CheckConstraint(
                condition=Q(subject__isnull=True, subject_key=OWNERLESS)
                | Q(subject__isnull=False, subject_key=F("subject_id")),
                name="item_subject_key_is_its_subject",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "account", "entitlement"], name="item_by_grant")]

    def __str__(self) -> str:
        return f"item {self.n}"


class Exclusion(TenantOwned):
    """Stores that a row of the population is not reviewed, why, and who decided so."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="exclusions")
    row = models.ForeignKey(SnapshotRow, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    approved_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of an exclusion."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "row"], name="one_exclusion_for_each_row"),
            models.CheckConstraint(condition=Q(reason__length__gte=REASON_MIN), name="exclusion_has_a_reason"),
            models.CheckConstraint(condition=~Q(approved_by=""), name="exclusion_has_an_approver"),
        ]

    def __str__(self) -> str:
        return self.reason


class AbsentAccount(TenantOwned):
    """Stores that a name was active in the logs of a system and stands in no row of the campaign's snapshot of it.

    It is an exception to the completeness of the population, written when the campaign opens and never changed.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="absent_accounts")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    actor_key = models.TextField()
    name = models.TextField()
    first_at = models.DateTimeField()
    last_ok_at = models.DateTimeField()

    class Meta:
        """Holds the rules of an exception."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "campaign", "system", "actor_key"], name="absent_account_is_listed_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Assignment(TenantOwned):
    """Stores that an item was put to a reviewer; a later one ends the earlier, both stay."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    tenant: Any = models.ForeignKey(
        "tenants.Tenant", editable=False, default=current_tenant_id, related_name="+", **WITHIN_TENANT
    )
    campaign = models.ForeignKey(Campaign, related_name="assignments", **WITHIN_TENANT)
    item = models.ForeignKey(ReviewItem, on_delete=models.PROTECT, related_name="assignments", db_constraint=False)
    stage = models.PositiveSmallIntegerField(default=1)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    subject_key = models.BigIntegerField()
    privileged = models.BooleanField()
    advice = models.CharField(max_length=12, choices=Advice.choices)
    basis = models.CharField(max_length=10, choices=Basis.choices)
    reason = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of an assignment."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "item", "stage"], condition=Q(until__isnull=True), name="item_is_put_to_one_reviewer"
            ),
            models.CheckConstraint(condition=~Q(reviewer=F("subject_key")), name="nobody_is_assigned_their_own_access"),
            models.CheckConstraint(
                condition=~Q(basis__in=["reassigned", "delegated", "left"]) | Q(reason__length__gte=REASON_MIN),
                name="reassignment_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "reviewer", "until", "campaign"], name="assignment_of_reviewer"),
            models.Index(fields=["tenant", "campaign", "until"], name="assignment_of_campaign"),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} put to {self.reviewer_id}"
