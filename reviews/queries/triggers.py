"""Answers what has happened that makes a small campaign: new privileged grants, leavers, use after a revocation."""

from identities.models import Grant
from reviews.kinds import FindingKind, Trigger
from reviews.models import Campaign, CampaignPlan, Finding, PlanSystem
from reviews.states import CampaignState

FOUND = {Trigger.LEAVER: FindingKind.LEAVER_ACTIVE, Trigger.USED_AFTER: FindingKind.USE_AFTER_REVOCATION}


def triggered_plans() -> list[CampaignPlan]:
    """Returns the plans that something makes open."""
    return list(CampaignPlan.objects.filter(active=True).exclude(trigger="").order_by("id"))


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
    else:
        found = Finding.objects.filter(
            kind=FOUND[Trigger(plan.trigger)], system__in=systems, found_at__gt=plan.created_at, account__isnull=False
        )
        rows = found.order_by("id").values_list("id", "account_id")
        causes = {f"finding {pk}": account for pk, account in rows if account is not None}
    covered = Campaign.objects.filter(plan=plan).exclude(state=CampaignState.CANCELLED)
    known = {cause for told in covered.values_list("definition", flat=True) for cause in told.get("causes", [])}
    return {cause: account for cause, account in causes.items() if cause not in known}
