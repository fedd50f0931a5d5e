"""Stores plans: what recurs, over which systems, reviewed by whom."""

from datetime import time
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from identities.models import Identity, System
from reviews.kinds import REASON_MIN, Silence, Strategy, Trigger
from tenants.scope import TenantManager, TenantOwned


class CampaignPlan(TenantOwned):
    """Stores what recurs: scope, reviewers, due time and recurrence of access reviews; all but its end is fixed."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=300, blank=True)
    privileged_only = models.BooleanField(default=False)
    conflicts_only = models.BooleanField(default=False)
    entitlements = models.CharField(max_length=300, blank=True)
    programme = models.CharField(max_length=100, blank=True)
    dormant_days = models.PositiveSmallIntegerField(null=True, blank=True)
    strategy = models.CharField(max_length=8, choices=Strategy.choices, default=Strategy.MANAGER)
    named = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    group = models.CharField(max_length=40, blank=True)
    group_name = models.CharField(max_length=200, blank=True)
    fallback = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    due_days = models.PositiveSmallIntegerField(default=14)
    snapshot_max_age_days = models.PositiveSmallIntegerField(default=30)
    revoke_days_privileged = models.PositiveSmallIntegerField(default=1)
    revoke_days = models.PositiveSmallIntegerField(default=7)
    silence_privileged = models.CharField(max_length=11, choices=Silence.choices, default=Silence.REVOKE)
    silence_standard = models.CharField(max_length=11, choices=Silence.choices, default=Silence.NOT_DECIDED)
    rule = models.CharField(max_length=200, blank=True)
    trigger = models.CharField(max_length=14, choices=Trigger.choices, default=Trigger.NEVER, blank=True)
    starts_on = models.DateField()
    opens_at_time = models.TimeField(default=time(9, 0))
    time_zone = models.CharField(max_length=64)
    next_opening_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=320)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=320, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        """Holds the rules of a plan."""

        constraints = [
            models.CheckConstraint(condition=Q(trigger="") | Q(rule=""), name="plan_has_a_trigger_or_a_recurrence"),
            models.UniqueConstraint(fields=["tenant", "name"], name="plan_name_is_unique"),
            models.CheckConstraint(
                condition=~Q(strategy="named") | Q(named__isnull=False), name="plan_names_its_reviewer"
            ),
            models.CheckConstraint(
                condition=~Q(strategy="group") | (~Q(group="") & ~Q(group_name="")), name="plan_names_its_group"
            ),
            models.CheckConstraint(
                condition=Q(silence_privileged__in=Silence.values, silence_standard__in=Silence.values),
                name="silence_is_never_an_approval",
            ),
            models.CheckConstraint(condition=Q(due_days__gte=1, due_days__lte=90), name="plan_is_due_in_1_to_90_days"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="", end_reason="")
                | (
                    Q(ended_at__isnull=False, next_opening_at__isnull=True, end_reason__length__gte=REASON_MIN)
                    & ~Q(ended_by="")
                ),
                name="ended_plan_says_who_and_why_and_makes_nothing",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def by_itself(self) -> bool:
        """Returns whether campaigns of the plan are made and opened without anybody, as long as it is not ended."""
        return bool(self.rule or self.trigger)


class PlanSystem(TenantOwned):
    """Stores that a plan covers a system."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    plan = models.ForeignKey(CampaignPlan, on_delete=models.CASCADE, related_name="plan_systems")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Holds the rules of a plan's scope."""

        constraints = [models.UniqueConstraint(fields=["tenant", "plan", "system"], name="plan_covers_a_system_once")]

    def __str__(self) -> str:
        return f"{self.plan_id} covers {self.system_id}"


class PlanStage(TenantOwned):
    """Stores who reviews again, at the second and each later stage, what the stage before did not revoke."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    plan = models.ForeignKey(CampaignPlan, on_delete=models.CASCADE, related_name="later_stages")
    n = models.PositiveSmallIntegerField()
    strategy = models.CharField(max_length=8, choices=Strategy.choices)
    due_days = models.PositiveSmallIntegerField(default=14)

    class Meta:
        """Holds that stages are numbered from two on, once each."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "plan", "n"], name="plan_has_a_stage_once"),
            models.CheckConstraint(condition=Q(n__gte=2), name="later_stages_count_from_two"),
            models.CheckConstraint(condition=Q(due_days__gte=1, due_days__lte=90), name="stage_is_due_in_1_to_90_days"),
        ]

    def __str__(self) -> str:
        return f"stage {self.n} of {self.plan_id}"
