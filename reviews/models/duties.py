"""Stores which entitlements one person must not hold together, and the cases of it that a campaign reviews."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from identities.models import Entitlement, Identity, Snapshot
from reviews.kinds import OWNERLESS, REASON_MIN, ConflictDecided, Side
from reviews.models.campaign import Campaign
from reviews.models.population import WITHIN_TENANT, ReviewItem
from tenants.scope import TenantManager, TenantOwned


class DutyConflict(TenantOwned):
    """Stores that two sets of entitlements conflict (separation of duties), from its adding to its end.

    Whoever holds any entitlement of the one side and any of the other is in conflict; a pair is the small case. What
    it says is never changed: it is ended, and another one is added. `first_count` and `second_count` say how many
    entitlements each side has, so that none joins later. `key` names the sides, so that no rule is in force twice.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    key = models.CharField(max_length=64)
    first_count = models.PositiveSmallIntegerField()
    second_count = models.PositiveSmallIntegerField()
    why = models.CharField(max_length=300)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=320)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=320, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        """Holds the rules of a conflict."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"], condition=Q(ended_at__isnull=True), name="conflict_is_in_force_once"
            ),
            models.CheckConstraint(condition=Q(first_count__gte=1, second_count__gte=1), name="conflict_has_two_sides"),
            models.CheckConstraint(
                condition=Q(why__length__gte=REASON_MIN) & ~Q(added_by=""), name="conflict_says_why_and_who"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="", end_reason="")
                | (Q(ended_at__isnull=False, end_reason__length__gte=REASON_MIN) & ~Q(ended_by="")),
                name="ended_conflict_says_why_and_who",
            ),
        ]

    def __str__(self) -> str:
        return self.why


class DutySide(TenantOwned):
    """Stores that an entitlement stands on one side of a conflict; it stands on one side alone."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    conflict = models.ForeignKey(DutyConflict, related_name="sides", **WITHIN_TENANT)
    side = models.CharField(max_length=6, choices=Side.choices)
    entitlement = models.ForeignKey(Entitlement, related_name="+", **WITHIN_TENANT)

    class Meta:
        """Holds that an entitlement is on one side of a conflict."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "conflict", "entitlement"], name="entitlement_is_on_one_side_of_a_conflict"
            ),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="conflict_side_is_first_or_second"),
        ]

    def __str__(self) -> str:
        return f"{self.side} side of conflict {self.conflict_id}"


class SearchedList(TenantOwned):
    """Stores that the rows of a sealed list were searched for conflicts of duties, once."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    snapshot = models.ForeignKey(Snapshot, related_name="+", **WITHIN_TENANT)
    searched_at = models.DateTimeField()

    class Meta:
        """Holds that a list is searched once."""

        constraints = [models.UniqueConstraint(fields=["tenant", "snapshot"], name="list_is_searched_once")]

    def __str__(self) -> str:
        return f"search of list {self.snapshot_id}"


class ConflictCase(TenantOwned):
    """Stores that a holder has both sides of a conflict in a campaign: one thing to decide over two or more items.

    It is frozen when the campaign opens, like the items that it joins (`CaseGrant`).
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, related_name="conflict_cases", **WITHIN_TENANT)
    n = models.PositiveIntegerField()
    conflict = models.ForeignKey(DutyConflict, related_name="cases", **WITHIN_TENANT)
    why = models.CharField(max_length=300)
    subject = models.ForeignKey(Identity, null=True, related_name="+", **WITHIN_TENANT)
    subject_key = models.BigIntegerField(default=OWNERLESS)

    class Meta:
        """Holds the rules of a case."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "n"], name="case_number_is_used_once"),
            models.CheckConstraint(
                condition=Q(subject__isnull=True, subject_key=OWNERLESS)
                | Q(subject__isnull=False, subject_key=F("subject_id")),
                name="case_subject_key_is_its_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"conflict {self.n}"


class CaseGrant(TenantOwned):
    """Stores that an item stands on one side of a case."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, related_name="+", **WITHIN_TENANT)
    case = models.ForeignKey(ConflictCase, related_name="grants", **WITHIN_TENANT)
    side = models.CharField(max_length=6, choices=Side.choices)
    item = models.ForeignKey(ReviewItem, related_name="case_grants", **WITHIN_TENANT)

    class Meta:
        """Holds that an item is on one side of a case."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "case", "item"], name="item_is_on_one_side_of_a_case"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="case_side_is_first_or_second"),
        ]
        indexes = [models.Index(fields=["tenant", "item"], name="case_of_item")]

    def __str__(self) -> str:
        return f"item {self.item_id} on the {self.side} side of case {self.case_id}"


class ConflictAnswer(TenantOwned):
    """Stores what a reviewer decided about a case; the newest counts, and all stay.

    Its decisions about the items stand in `Decision`, like any others. Both sides are kept only with the name of the
    control that watches over them (`control`).
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, related_name="+", **WITHIN_TENANT)
    case = models.ForeignKey(ConflictCase, related_name="answers", **WITHIN_TENANT)
    reviewer = models.ForeignKey(Identity, related_name="+", **WITHIN_TENANT)
    answer = models.CharField(max_length=13, choices=ConflictDecided.choices)
    control = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=2000)
    answered_at = models.DateTimeField()
    answered_by = models.CharField(max_length=320)

    class Meta:
        """Holds the rules of an answer."""

        constraints = [
            models.CheckConstraint(
                condition=Q(answer="keep", control__length__gte=REASON_MIN)
                | Q(answer__in=["remove_first", "remove_second"], control=""),
                name="kept_conflict_names_its_compensating_control",
            ),
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN) & ~Q(answered_by=""),
                name="conflict_answer_has_reason_and_person",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "case"], name="answer_of_case")]

    def __str__(self) -> str:
        return self.get_answer_display()
