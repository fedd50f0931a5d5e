"""Plans campaigns, makes one for each period, and gives each system its snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from identities.models import Identity, System
from identities.queries import latest_complete_snapshots
from reviews.actions.moves import locked, move
from reviews.kinds import REASON_MAX, REASON_MIN, RISK_DAYS, RISK_DAYS_PRIVILEGED, Silence, Strategy, Trigger
from reviews.models import Campaign, CampaignPlan, PlanStage, PlanSystem, ScopeLine
from reviews.policies import can_end_plan, can_make_campaign, can_manage_campaigns
from reviews.quality import care_terms, figures_of
from reviews.queries.quality import care_figures
from reviews.recurrence import check_rule, next_openings, openings
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce

BEFORE_OPENING = frozenset({CampaignState.DRAFT, CampaignState.COLLECTING, CampaignState.READY})


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Holds what a person decides about a plan; the opening time is wall time in the zone."""

    name: str
    systems: Sequence[System]
    fallback: Identity
    time_zone: str
    starts_on: date
    strategy: Strategy = Strategy.MANAGER
    named: Identity | None = None
    group: str = ""
    group_name: str = ""
    privileged_only: bool = False
    conflicts_only: bool = False
    due_days: int = 14
    rule: str = ""
    opens_at_time: time = time(9, 0)
    purpose: str = ""
    trigger: Trigger = Trigger.NEVER
    entitlements: str = ""
    programme: str = ""
    dormant_days: int | None = None
    later: Sequence[Strategy] = ()
    silence_privileged: Silence = Silence.REVOKE
    silence_standard: Silence = Silence.NOT_DECIDED


@transaction.atomic
def create_plan(*, facts: PlanFacts, by: Actor) -> CampaignPlan:
    """Stores a plan; a recurring one opens by itself from its first day on.

    Raises:
        BadRule: when the recurrence is not understood or would skip periods.
        Refused: when the plan lacks systems, or its name is taken.
    """
    enforce(can_manage_campaigns(by))
    if not facts.systems:
        raise Refused(denied("Choose at least one system."))
    if facts.trigger and facts.rule:
        raise Refused(denied("A campaign has a trigger or comes back by the calendar; plan two campaigns for both."))
    if facts.rule:
        check_rule(facts.rule, facts.starts_on)
    zone = ZoneInfo(facts.time_zone)
    upcoming = next_openings(facts.rule, facts.starts_on, facts.opens_at_time, zone, after=timezone.now(), n=1)
    plan = CampaignPlan(
        name=facts.name,
        purpose=facts.purpose,
        privileged_only=facts.privileged_only,
        conflicts_only=facts.conflicts_only,
        strategy=facts.strategy,
        named=facts.named,
        group=facts.group if facts.strategy == Strategy.GROUP else "",
        group_name=facts.group_name if facts.strategy == Strategy.GROUP else "",
        fallback=facts.fallback,
        entitlements=facts.entitlements,
        programme=facts.programme,
        dormant_days=facts.dormant_days,
        due_days=facts.due_days,
        silence_privileged=facts.silence_privileged,
        silence_standard=facts.silence_standard,
        trigger=facts.trigger,
        rule=facts.rule,
        starts_on=facts.starts_on,
        opens_at_time=facts.opens_at_time,
        time_zone=facts.time_zone,
        next_opening_at=upcoming[0] if facts.rule and upcoming else None,
        created_by=by.name,
    )
    with as_refusal():
        plan.save(force_insert=True)
    PlanSystem.objects.bulk_create([PlanSystem(plan=plan, system=system) for system in facts.systems])
    PlanStage.objects.bulk_create(
        [PlanStage(plan=plan, n=n, strategy=one, due_days=facts.due_days) for n, one in enumerate(facts.later, start=2)]
    )
    detail = {"systems": [system.key for system in facts.systems], **definition(plan)}
    audit("plan.create", by=by, target=f"plan {plan.name}", detail=detail)
    return plan


@transaction.atomic
def end_plan(*, plan: CampaignPlan, reason: str, by: Actor) -> CampaignPlan:
    """Ends a plan: it makes no further campaign. Those that are made go on as they are.

    Raises:
        Refused: when the plan has ended, makes nothing by itself, or the reason is missing.
    """
    plan, reason = CampaignPlan.objects.select_for_update().get(pk=plan.pk), reason.strip()
    enforce(can_end_plan(by, plan, reason=reason))
    plan.ended_at, plan.ended_by, plan.end_reason, plan.next_opening_at = timezone.now(), by.name, reason, None
    with as_refusal():
        plan.save(update_fields=["ended_at", "ended_by", "end_reason", "next_opening_at"])
    audit("plan.end", by=by, target=f"plan {plan.name}", detail={"plan": plan.pk, "why": reason})
    return plan


def definition(plan: CampaignPlan) -> dict[str, object]:
    """Returns the plan's terms as a campaign freezes them; nothing that becomes of the plan touches it."""
    return {
        "plan": plan.name,
        "purpose": plan.purpose,
        "privileged_only": plan.privileged_only,
        "conflicts_only": plan.conflicts_only,
        "entitlements": plan.entitlements,
        "programme": plan.programme,
        "dormant_days": plan.dormant_days,
        "later_stages": [
            {"strategy": stage.strategy, "due_days": stage.due_days}
            for stage in PlanStage.objects.filter(plan=plan).order_by("n")
        ],
        "strategy": str(plan.strategy),
        "named": plan.named_id,
        "group": plan.group,
        "group_name": plan.group_name,
        "fallback": plan.fallback_id,
        "due_days": plan.due_days,
        "snapshot_max_age_days": plan.snapshot_max_age_days,
        "revoke_days": plan.revoke_days,
        "revoke_days_privileged": plan.revoke_days_privileged,
        "risk_days": RISK_DAYS,
        "risk_days_privileged": RISK_DAYS_PRIVILEGED,
        "silence_privileged": str(plan.silence_privileged),
        "silence_standard": str(plan.silence_standard),
        "rule": plan.rule,
        **care_terms(care_figures(plan) or figures_of({})),
    }


def first_opening(plan: CampaignPlan) -> datetime | None:
    """Returns when the first campaign of a plan that comes back is made, in UTC; None for any other plan."""
    if not plan.rule:
        return None
    return next(openings(plan.rule, plan.starts_on, plan.opens_at_time, ZoneInfo(plan.time_zone)), None)


@transaction.atomic
def create_campaign(*, plan: CampaignPlan, occurrence_at: datetime, by: Actor) -> Campaign:
    """Makes the campaign of one period of a plan and begins to collect the snapshots of its systems.

    Raises:
        Refused: when the period has its campaign already, lies before the plan's first date, or the plan has ended.
    """
    enforce(can_make_campaign(by, plan, at=occurrence_at, first=first_opening(plan)))
    name = f"{plan.name}, {occurrence_at.astimezone(ZoneInfo(plan.time_zone)):%-d %B %Y}" if plan.rule else plan.name
    campaign = Campaign(
        plan=plan, name=name, occurrence_at=occurrence_at, definition=definition(plan), created_by=by.name
    )
    with as_refusal():
        campaign.save(force_insert=True)
    systems = PlanSystem.objects.filter(plan=plan).order_by("system__name")
    ScopeLine.objects.bulk_create([ScopeLine(campaign=campaign, system_id=line.system_id) for line in systems])
    audit("campaign.create", by=by, target=f"campaign {campaign.name}", detail={"campaign": campaign.pk})
    return collect_snapshots(campaign=campaign, by=by)


@transaction.atomic
def collect_snapshots(*, campaign: Campaign, by: Actor) -> Campaign:
    """Gives each system in scope its newest complete snapshot; the campaign is ready when none lacks one.

    A snapshot older than the plan allows does not count. Running it again takes newer snapshots; a later stage keeps
    those of the first.
    """
    enforce(can_manage_campaigns(by))
    campaign = locked(campaign)
    if campaign.state not in BEFORE_OPENING:
        raise Refused(denied("Snapshots are taken before a campaign opens; this one has its population."))
    if campaign.state != CampaignState.COLLECTING:
        campaign = move(campaign, CampaignState.COLLECTING, by=by)
    lines = list(ScopeLine.objects.filter(campaign=campaign))
    oldest = timezone.now() - timedelta(days=int(campaign.definition["snapshot_max_age_days"]))
    newest = latest_complete_snapshots([line.system_id for line in lines])
    for line in lines:
        snapshot = newest.get(line.system_id)
        fresh = snapshot is not None and snapshot.captured_at >= oldest and campaign.stage == 1
        if fresh and not line.waiver_reason and line.snapshot_id != (snapshot.pk if snapshot else None):
            line.snapshot = snapshot
            line.save(update_fields=["snapshot"])
    missing = [line for line in lines if line.snapshot_id is None and not line.waiver_reason]
    if not missing and any(line.snapshot_id for line in lines):
        campaign = move(campaign, CampaignState.READY, by=by)
    detail = {"campaign": campaign.pk, "systems": len(lines), "without_snapshot": len(missing)}
    audit("campaign.collect", by=by, target=f"campaign {campaign.name}", detail=detail)
    return campaign


@transaction.atomic
def cancel_campaign(*, campaign: Campaign, reason: str, by: Actor) -> Campaign:
    """Ends a campaign before its signatures; everything in it is kept."""
    enforce(can_manage_campaigns(by))
    if not REASON_MIN <= len(reason) <= REASON_MAX:
        raise Refused(denied(f"Write in {REASON_MIN} to {REASON_MAX} characters why the campaign is cancelled."))
    now = timezone.now()
    fields = {"cancelled_at": now, "cancelled_by": by.name, "cancel_reason": reason}
    campaign = move(locked(campaign), CampaignState.CANCELLED, by=by, reason=reason, **fields)
    audit("campaign.cancel", by=by, target=f"campaign {campaign.name}", detail={"why": reason})
    return campaign


@transaction.atomic
def create_due_campaigns(*, by: Actor) -> list[Campaign]:
    """Makes the campaigns of recurring plans whose opening time has come, also those missed while nothing ran."""
    enforce(can_manage_campaigns(by))
    now = timezone.now()
    made = []
    plans = CampaignPlan.objects.select_for_update().filter(next_opening_at__lte=now)
    for plan in plans:
        zone = ZoneInfo(plan.time_zone)
        while plan.next_opening_at is not None and plan.next_opening_at <= now:
            if not Campaign.objects.filter(plan=plan, occurrence_at=plan.next_opening_at).exists():
                made.append(create_campaign(plan=plan, occurrence_at=plan.next_opening_at, by=by))
            later = next_openings(plan.rule, plan.starts_on, plan.opens_at_time, zone, after=plan.next_opening_at, n=1)
            plan.next_opening_at = later[0] if later else None
        plan.save(update_fields=["next_opening_at"])
    if made:
        audit("campaign.create_due", by=by, target="campaigns", detail={"made": [campaign.pk for campaign in made]})
    return made
