"""Makes the small campaigns of plans that something triggers."""

from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from reviews.actions.plans import collect_snapshots, definition
from reviews.models import Campaign, CampaignPlan, PlanSystem, ScopeLine
from reviews.policies import can_manage_campaigns
from reviews.queries.triggers import fresh_causes, triggered_plans
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def create_triggered_campaigns(*, by: Actor) -> list[Campaign]:
    """Makes one small campaign for each plan whose cause came up, over the accounts concerned; each cause once."""
    enforce(can_manage_campaigns(by))
    made = []
    for plan in triggered_plans().select_for_update():
        causes = fresh_causes(plan)
        if causes:
            made.append(_create(plan, causes, by))
    if made:
        audit("campaign.create_triggered", by=by, target="campaigns", detail={"made": [one.pk for one in made]})
    return made


def _create(plan: CampaignPlan, causes: dict[str, int], by: Actor) -> Campaign:
    """Stores the campaign over the accounts of the causes, and gives it the newest snapshots."""
    now = timezone.now()
    campaign = Campaign.objects.create(
        plan=plan,
        name=f"{plan.name}, {now.astimezone(ZoneInfo(plan.time_zone)):%-d %B %Y %H:%M}"[:160],
        occurrence_at=now,
        definition={**definition(plan), "causes": sorted(causes), "accounts": sorted(set(causes.values()))},
        created_by=by.name,
    )
    systems = PlanSystem.objects.filter(plan=plan).values_list("system_id", flat=True)
    ScopeLine.objects.bulk_create([ScopeLine(campaign=campaign, system_id=system) for system in systems])
    return collect_snapshots(campaign=campaign, by=by)
