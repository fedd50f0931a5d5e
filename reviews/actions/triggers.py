"""Makes small campaigns: of plans that something triggers, and over what was postponed to a day."""

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from reviews.actions.plans import collect_snapshots, definition
from reviews.models import Campaign, CampaignPlan, Decision, PlanSystem, Resumption, ScopeLine
from reviews.policies import can_manage_campaigns
from reviews.postponing import Resumed
from reviews.queries.postponed import plans_to_resume, postponed_due
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
    """Makes the campaign over the accounts of the causes."""
    told = {**definition(plan), "causes": sorted(causes), "accounts": sorted(set(causes.values()))}
    name = f"{plan.name}, {timezone.now().astimezone(ZoneInfo(plan.time_zone)):%-d %B %Y %H:%M}"
    systems = PlanSystem.objects.filter(plan=plan).values_list("system_id", flat=True)
    return _make(plan, name, told, systems, by)


def _make(plan: CampaignPlan, name: str, told: Mapping[str, object], systems: Iterable[int], by: Actor) -> Campaign:
    """Stores a small campaign over some systems with its frozen definition, and gives it the newest snapshots."""
    campaign = Campaign.objects.create(
        plan=plan, name=name[:160], occurrence_at=timezone.now(), definition=dict(told), created_by=by.name
    )
    ScopeLine.objects.bulk_create([ScopeLine(campaign=campaign, system_id=system) for system in systems])
    return collect_snapshots(campaign=campaign, by=by)


@transaction.atomic
def create_postponed_campaigns(*, by: Actor) -> list[Campaign]:
    """Makes one small campaign over what was postponed in another and is due; notes of the rest why it needs none.

    It goes by the terms of the campaign in which it was postponed, also where its plan has ended meanwhile. What came
    of an item is stored once, so that running it again changes nothing.
    """
    enforce(can_manage_campaigns(by))
    made: list[Campaign] = []
    now = timezone.now()
    for plan in plans_to_resume(now).select_for_update():
        for before, items in postponed_due(plan, now).items():
            waiting = [one for one, came in items if came == Resumed.REVIEWED]
            campaign = _resume(before, waiting, by) if waiting else None
            Resumption.objects.bulk_create(
                [Resumption(decision=one, came=came, campaign=_only(campaign, came), at=now) for one, came in items]
            )
            told = {one.item.n: came for one, came in items}
            detail = {"before": before.pk, "made": campaign.pk if campaign else None, "items": told}
            audit("campaign.create_postponed", by=by, target=f"campaign {before.name}", detail=detail)
            made += [campaign] if campaign else []
    return made


def _resume(before: Campaign, postponed: Sequence[Decision], by: Actor) -> Campaign:
    """Makes the campaign over exactly what was postponed in another; a conflict of duties was decided there."""
    terms = {key: value for key, value in before.definition.items() if key not in {"accounts", "causes", "follow_up"}}
    told = {**terms, "conflicts_only": False, "postponed": [one.pk for one in postponed]}
    systems = sorted({one.item.system_id for one in postponed})
    return _make(before.plan, f"Postponed in {before.name}", told, systems, by)


def _only(campaign: Campaign | None, came: Resumed) -> Campaign | None:
    """Returns the campaign for what is reviewed in it, and none for the rest."""
    return campaign if came == Resumed.REVIEWED else None
