"""Stores campaigns, their moves between states, and which snapshot of each system they cover."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length

from identities.models import Snapshot, System
from reviews.kinds import REASON_MIN
from reviews.models.plan import CampaignPlan
from reviews.models.signing import FRESH, Signature
from reviews.states import WORKING, CampaignState
from tenants.models import ObjectShare
from tenants.scope import TenantManager, TenantOwned

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class Campaign(TenantOwned):
    """Stores one round of a plan, with the definition as it was when the round was made."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    plan = models.ForeignKey(CampaignPlan, on_delete=models.PROTECT, related_name="campaigns")
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="followers")
    stage = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=160)
    occurrence_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=CampaignState.choices, default=CampaignState.DRAFT)
    definition = models.JSONField(default=dict)
    round = models.PositiveSmallIntegerField(default=1)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=320)
    opened_at = models.DateTimeField(null=True, blank=True)
    opened_by = models.CharField(max_length=320, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=320, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=320, blank=True)
    cancel_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        """Holds the rules of a campaign."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "plan", "occurrence_at", "stage"],
                condition=~Q(state="cancelled"),
                name="one_campaign_for_each_period_of_a_plan",
            ),
            models.CheckConstraint(
                condition=Q(stage=1) | Q(stage__gt=1, follows__isnull=False), name="later_stage_follows_a_campaign"
            ),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True, opened_by="") | (Q(opened_at__isnull=False) & ~Q(opened_by="")),
                name="campaign_opening_has_time_and_person",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by="") | (Q(closed_at__isnull=False) & ~Q(closed_by="")),
                name="campaign_closing_has_time_and_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "collecting", "ready", "cancelled"])
                | Q(opened_at__isnull=False, due_at__isnull=False),
                name="open_campaign_has_a_due_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | Q(cancelled_at__isnull=False, cancel_reason__length__gte=REASON_MIN),
                name="cancelled_campaign_says_why",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "state", "due_at"], name="campaign_by_state_and_due")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_working(self) -> bool:
        """Returns whether the campaign is between its opening and its closing."""
        return self.state in WORKING

    def is_overdue(self, at: datetime) -> bool:
        """Returns whether decisions are late at that moment."""
        return self.state == CampaignState.OPEN and self.due_at is not None and at >= self.due_at


class CampaignMove(TenantOwned):
    """Stores that a campaign changed its state or its due time: who, when and why; never changed."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="moves")
    old = models.CharField(max_length=12, choices=CampaignState.choices)
    new = models.CharField(max_length=12, choices=CampaignState.choices)
    old_due_at = models.DateTimeField(null=True)
    new_due_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=320)

    class Meta:
        """Orders moves by time, and has every extension say why."""

        constraints = [
            models.CheckConstraint(
                condition=~Q(old=models.F("new")) | Q(reason__length__gte=REASON_MIN), name="extension_says_why"
            )
        ]
        indexes = [models.Index(fields=["tenant", "campaign", "at"], name="campaign_moves_by_time")]

    def __str__(self) -> str:
        return f"{self.old} to {self.new}"


class Waiver(Signature):
    """Stores that somebody signed that a campaign goes on without the list of a system, and why; only ever added.

    `manifest` is the statement that was signed, `digest` its SHA-256. A trigger holds that it says exactly this.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="waivers")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    manifest = models.TextField()
    signer_user = models.BigIntegerField()
    signed_by = models.CharField(max_length=320)
    meaning = models.CharField(max_length=300)

    class Meta:
        """Holds the rules of a waiver."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "system"], name="system_is_waived_once"),
            models.CheckConstraint(
                condition=Q(reason__length__gte=REASON_MIN) & ~Q(signed_by="") & ~Q(printed_name="") & ~Q(meaning=""),
                name="waiver_says_who_and_why",
            ),
            models.CheckConstraint(condition=FRESH, name="waiver_follows_its_authentication"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} without {self.system_id}"


class ScopeLine(TenantOwned):
    """Stores that a campaign covers a system with a certain snapshot, or why it goes without one.

    Every waiver is signed; one from before that was asked for has no row in `waiver`.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="scope")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    waiver_reason = models.CharField(max_length=300, blank=True)
    waived_by = models.CharField(max_length=320, blank=True)
    waiver = models.ForeignKey(Waiver, on_delete=models.PROTECT, null=True, blank=True, related_name="lines")

    class Meta:
        """Holds the rules of a scope line."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "system"], name="campaign_covers_a_system_once"),
            models.CheckConstraint(
                condition=Q(waiver_reason="", waived_by="")
                | (Q(snapshot__isnull=True, waiver_reason__length__gte=REASON_MIN) & ~Q(waived_by="")),
                name="waiver_has_reason_and_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} covers {self.system_id}"


class CampaignShare(ObjectShare):
    """Stores that a campaign is shared with one person, such as an external auditor."""

    content_object = models.ForeignKey(Campaign, on_delete=models.CASCADE)
