"""API of the reviews room: campaigns, their items with the evidence beside them, and the decisions."""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reviews.kinds import Advice, Outcome, Strategy, Trigger
from reviews.models import Campaign, CampaignPlan, Decision, ReviewItem
from reviews.queries.campaigns import standing
from reviews.queries.plans import plans_list
from reviews.states import CampaignState
from tenants.apipages import PAGE_PARAMETERS, page_of, paged
from tenants.apiview import NOT_HERE, TenantView
from tenants.kinds import Actor, Permission
from tenants.sharing import visible

SEES: tuple[Permission, ...] = (Permission.CAMPAIGN_VIEW,)


class CampaignFilters(serializers.Serializer[Any]):
    """What campaigns are narrowed to."""

    state = serializers.ChoiceField(CampaignState.choices, required=False)


class CampaignShape(serializers.Serializer[Any]):
    """A campaign: one round of a plan."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(CampaignState.choices)
    round = serializers.IntegerField(help_text="Raised by each reopening, which withdraws the signatures before it.")
    occurrence_at = serializers.DateTimeField(help_text="The start of the period it stands for.")
    due_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    opened_at = serializers.DateTimeField(allow_null=True)
    opened_by = serializers.CharField()
    signed_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField()


class StandingShape(serializers.Serializer[Any]):
    """How a campaign stands, in numbers."""

    rows = serializers.IntegerField(help_text="Rows of the snapshots it covers.")
    items = serializers.IntegerField()
    exclusions = serializers.IntegerField()
    privileged = serializers.IntegerField()
    decided = serializers.IntegerField(help_text="Items that somebody keeps, reduces or revokes.")
    not_decided = serializers.IntegerField(help_text="Items that nobody decided about by the deadline.")
    postponed = serializers.IntegerField(help_text="Items that were put off to a day; not among those decided.")
    abstained = serializers.IntegerField(help_text="Items whose reviewer gave no verdict; not among those decided.")
    undecided = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())
    remediations = serializers.DictField(child=serializers.IntegerField())
    findings = serializers.IntegerField()


class CampaignDetailShape(CampaignShape):
    """A campaign and how it stands."""

    standing = StandingShape()


class ItemFilters(serializers.Serializer[Any]):
    """What items are narrowed to."""

    privileged = serializers.BooleanField(required=False, allow_null=True, default=None)
    advice = serializers.ChoiceField(Advice.choices, required=False)


class ItemShape(serializers.Serializer[Any]):
    """One grant under review, as it was frozen when the campaign opened."""

    id = serializers.IntegerField()
    n = serializers.IntegerField(help_text="Number in the campaign, from 1.")
    system = serializers.IntegerField(source="system_id")
    snapshot = serializers.IntegerField(source="snapshot_id")
    account = serializers.IntegerField(source="account_id")
    account_name = serializers.CharField(source="account.name")
    entitlement = serializers.CharField(source="entitlement.key")
    subject = serializers.IntegerField(source="subject_id", allow_null=True, help_text="Whose access it is.")
    privileged = serializers.BooleanField()
    advice = serializers.ChoiceField(Advice.choices)
    advice_reason = serializers.CharField()
    evidence = serializers.JSONField(help_text="Use, log coverage, peers and the decision before, as they were.")


class DecisionShape(serializers.Serializer[Any]):
    """One decision; a later one that supersedes it does not change it."""

    id = serializers.IntegerField()
    item = serializers.IntegerField(source="item_id")
    stage = serializers.IntegerField()
    outcome = serializers.ChoiceField(Outcome.choices)
    reason = serializers.CharField()
    postponed_until = serializers.DateField(
        allow_null=True, help_text="The day, in its campaign's zone, on which a postponed item is reviewed."
    )
    reviewer = serializers.IntegerField(source="reviewer_id", allow_null=True)
    decided_at = serializers.DateTimeField()
    decided_by = serializers.CharField()
    supersedes = serializers.IntegerField(source="supersedes_id", allow_null=True)
    privileged = serializers.BooleanField()
    advice = serializers.ChoiceField(Advice.choices)
    seen_seconds = serializers.IntegerField(help_text="Seconds that the item was on the reviewer's screen.")


class PlanShape(serializers.Serializer[Any]):
    """A plan: what makes campaigns, of what, and when. It is never changed; it ends, once."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    systems = serializers.SerializerMethodField(help_text="The keys of the systems that it covers.")
    privileged_only = serializers.BooleanField()
    conflicts_only = serializers.BooleanField()
    entitlements = serializers.CharField(help_text="Patterns of the entitlements that it covers; empty for all.")
    programme = serializers.CharField()
    dormant_days = serializers.IntegerField(allow_null=True)
    strategy = serializers.ChoiceField(Strategy.choices)
    due_days = serializers.IntegerField()
    rule = serializers.CharField(help_text="An RRULE of RFC 5545; empty where it does not come back by the calendar.")
    trigger = serializers.ChoiceField(Trigger.choices)
    next_opening_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField()
    end_reason = serializers.CharField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_systems(self, plan: CampaignPlan) -> list[str]:
        """Return the keys of the plan's systems."""
        return [line.system.key for line in plan.plan_systems.all()]


class Plans(TenantView):
    """Plans of campaigns, newest first, ended ones too."""

    permissions: ClassVar[tuple[Permission, ...]] = SEES

    @extend_schema(
        operation_id="plans_list",
        summary="List the plans of campaigns",
        parameters=[*PAGE_PARAMETERS],
        responses=page_of(PlanShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of plans."""
        self.asked()
        return paged(request, plans_list(), keys=("-id",), shape=PlanShape)


class Campaigns(TenantView):
    """Campaigns that the caller may see, newest first."""

    permissions: ClassVar[tuple[Permission, ...]] = SEES
    filters = CampaignFilters

    @extend_schema(
        operation_id="campaigns_list",
        summary="List the campaigns",
        parameters=[*PAGE_PARAMETERS, CampaignFilters],
        responses=page_of(CampaignShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of campaigns."""
        asked = self.asked()
        rows = visible(self.actor, Campaign.objects.all())
        if "state" in asked:
            rows = rows.filter(state=asked["state"])
        return paged(request, rows, keys=("-id",), shape=CampaignShape)


class OneCampaign(TenantView):
    """One campaign and how it stands, in numbers."""

    permissions: ClassVar[tuple[Permission, ...]] = SEES

    @extend_schema(operation_id="campaigns_read", summary="Read a campaign", responses=CampaignDetailShape)
    def get(self, request: Request, campaign_id: int) -> Response:  # noqa: ARG002 -- DRF's signature
        """Answer with the campaign."""
        self.asked()
        found = _campaign(self.actor, campaign_id)
        return Response({**CampaignShape(found).data, "standing": StandingShape(standing(found)).data})


class Items(TenantView):
    """The frozen population of a campaign, in its order, with the evidence beside each grant."""

    permissions: ClassVar[tuple[Permission, ...]] = SEES
    filters = ItemFilters

    @extend_schema(
        operation_id="items_list",
        summary="List the items of a campaign",
        parameters=[*PAGE_PARAMETERS, ItemFilters],
        responses=page_of(ItemShape),
    )
    def get(self, request: Request, campaign_id: int) -> Response:
        """Answer with a page of items."""
        asked = self.asked()
        found = _campaign(self.actor, campaign_id)
        rows = ReviewItem.objects.filter(campaign=found).select_related("account", "entitlement")
        if asked["privileged"] is not None:
            rows = rows.filter(privileged=asked["privileged"])
        if "advice" in asked:
            rows = rows.filter(advice=asked["advice"])
        return paged(request, rows, keys=("n",), shape=ItemShape)


class Decisions(TenantView):
    """Every decision of a campaign in the order in which they were made, superseded ones too."""

    permissions: ClassVar[tuple[Permission, ...]] = SEES

    @extend_schema(
        operation_id="decisions_list",
        summary="List the decisions of a campaign",
        parameters=[*PAGE_PARAMETERS],
        responses=page_of(DecisionShape),
    )
    def get(self, request: Request, campaign_id: int) -> Response:
        """Answer with a page of decisions."""
        self.asked()
        rows = Decision.objects.filter(campaign=_campaign(self.actor, campaign_id))
        return paged(request, rows, keys=("id",), shape=DecisionShape)


def _campaign(by: Actor, campaign_id: int) -> Campaign:
    """Return a campaign that the caller may see; raises Http404 otherwise."""
    found = visible(by, Campaign.objects.filter(pk=campaign_id)).first()
    if found is None:
        raise Http404(NOT_HERE)
    return found
