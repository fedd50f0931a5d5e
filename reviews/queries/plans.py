"""Answers which plans there are, in words: what each covers, what makes its campaigns, and what it made so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Prefetch, Q, QuerySet

from reviews.kinds import Recurrence, Strategy
from reviews.models import Campaign, CampaignPlan, PlanStage, PlanSystem

NAMED = 4
"""How many systems a line of the list names."""
ROUND = Q(stage=1, follows__isnull=True)
"""A campaign that its plan made: no later stage and no follow-up."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """Holds one line of the list of plans."""

    plan: CampaignPlan
    covers: str
    who: str
    comes_back: str
    made: int
    last: Campaign | None


def plans_list() -> QuerySet[CampaignPlan]:
    """Returns the plans: those that have not ended first, the newest first; then those that ended last."""
    systems = PlanSystem.objects.select_related("system").order_by("system__name")
    rows = CampaignPlan.objects.select_related("named").prefetch_related(
        Prefetch("plan_systems", systems), Prefetch("later_stages", PlanStage.objects.order_by("n"))
    )
    return rows.order_by(F("ended_at").desc(nulls_first=True), "-created_at", "-id")


def plan_lines(plans: Sequence[CampaignPlan]) -> list[PlanLine]:
    """Returns the plans of one page with the campaigns that they made: two queries whatever their number."""
    rounds = Campaign.objects.filter(ROUND, plan_id__in=[plan.pk for plan in plans])
    made = dict(rounds.order_by().values_list("plan_id").annotate(Count("id")))
    newest = rounds.order_by("plan_id", "-occurrence_at", "-id").distinct("plan_id")
    last = {campaign.plan_id: campaign for campaign in newest}
    return [
        PlanLine(plan, covers(plan), who(plan), comes_back(plan), made.get(plan.pk, 0), last.get(plan.pk))
        for plan in plans
    ]


def covers(plan: CampaignPlan) -> str:
    """Returns in words which access a plan covers."""
    what = "Privileged access" if plan.privileged_only else "Access"
    names = [line.system.name for line in plan.plan_systems.all()]
    rest = len(names) - NAMED
    more = f" and {rest} more {'system' if rest == 1 else 'systems'}" if rest > 0 else ""
    parts = (
        (True, f"{what} on {', '.join(names[:NAMED])}{more}"),
        (plan.conflicts_only, "conflicts of duties only"),
        (plan.entitlements, f"entitlements {plan.entitlements} only"),
        (plan.programme, f"people of {plan.programme} only"),
        (plan.dormant_days, f"accounts not used for {plan.dormant_days} days"),
    )
    return "; ".join(words for told, words in parts if told) + "."


def who(plan: CampaignPlan) -> str:
    """Returns in words who reviews, stage after stage."""
    names = {Strategy.NAMED: plan.named.name if plan.named else "", Strategy.GROUP: plan.group_name}
    first = names.get(Strategy(plan.strategy)) or plan.get_strategy_display()
    return ", then ".join([first, *(stage.get_strategy_display().lower() for stage in plan.later_stages.all())])


def comes_back(plan: CampaignPlan) -> str:
    """Returns in words what makes the plan's campaigns."""
    if plan.trigger:
        return f"After: {plan.get_trigger_display().lower()}"
    return str(dict(Recurrence.choices).get(plan.rule, plan.rule))


def first_words(plan: CampaignPlan) -> str:
    """Returns the sentence that says when a fresh plan makes its first campaign."""
    if plan.next_opening_at is None:
        return "A campaign is made and opened within a quarter of an hour after the event, over the accounts concerned."
    wall = plan.next_opening_at.astimezone(ZoneInfo(plan.time_zone))
    return f"Its first campaign is made and opened on {wall:%A, %-d %B %Y, %H:%M %Z}; until then there is none."
