"""Answers what has happened that makes a small campaign: new privileged grants, leavers, movers, use."""

from django.db.models import Exists, OuterRef, QuerySet

from identities.kinds import PersonChangeKind
from identities.listmodels import PersonChange
from identities.models import Account, Grant
from reviews.kinds import FindingKind, Trigger
from reviews.models import Campaign, CampaignPlan, Finding, PlanSystem
from reviews.states import CampaignState

FOUND = {
    Trigger.LEAVER: FindingKind.LEAVER_ACTIVE,
    Trigger.USED_AFTER: FindingKind.USE_AFTER_REVOCATION,
    Trigger.DORMANT: FindingKind.DORMANT_PRIVILEGED,
}


def triggered_plans() -> QuerySet[CampaignPlan]:
    """Returns the plans that something makes open."""
    return CampaignPlan.objects.filter(ended_at__isnull=True).exclude(trigger="").order_by("id")


def fresh_causes(plan: CampaignPlan) -> dict[str, int]:
    """Returns what happened since the plan was made and no campaign of it covers yet: the cause, and its account."""
    systems = PlanSystem.objects.filter(plan=plan).values("system_id")
    if plan.trigger == Trigger.NEW_PRIVILEGED:
        grants = Grant.objects.filter(
            until__isnull=True,
            entitlement__privileged=True,
            entitlement__system__in=systems,
            first_snapshot__recorded_at__gt=plan.created_at,
        )
        causes = {f"grant {pk}": account for pk, account in grants.order_by("id").values_list("id", "account_id")}
    elif plan.trigger == Trigger.MOVED:
        causes = _moves(plan)
    else:
        found = Finding.objects.filter(
            kind=FOUND[Trigger(plan.trigger)], system__in=systems, found_at__gt=plan.created_at, account__isnull=False
        )
        rows = found.order_by("id").values_list("id", "account_id")
        causes = {f"finding {pk}": account for pk, account in rows if account is not None}
    covered = Campaign.objects.filter(plan=plan).exclude(state=CampaignState.CANCELLED)
    known = {cause for told in covered.values_list("definition", flat=True) for cause in told.get("causes", [])}
    return {cause: account for cause, account in causes.items() if cause not in known}


def _moves(plan: CampaignPlan) -> dict[str, int]:
    """Returns the accounts, with open grants on the plan's systems, of people whom a list since the plan told moved.

    What a list told of one person is one cause for each account, however many fields changed.
    """
    moved = PersonChange.objects.filter(kind=PersonChangeKind.MOVED, feed__delivered_at__gt=plan.created_at)
    held = Grant.objects.filter(account=OuterRef("pk"), until__isnull=True)
    accounts = Account.objects.filter(
        Exists(held),
        identity__changes__in=moved,
        system__in=PlanSystem.objects.filter(plan=plan).values("system_id"),
    )
    rows = accounts.order_by("id").values_list("identity__changes__feed_id", "id").distinct()
    return {f"move {feed} account {account}": account for feed, account in rows}
