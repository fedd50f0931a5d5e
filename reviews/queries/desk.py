"""Answers what lies on a reviewer's desk: the inbox, the list of a campaign, and everything about one item."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from identities.models import Identity
from reviews.charts import weeks_chart
from reviews.kinds import Advice, Outcome
from reviews.models import Assignment, Campaign, ControlItem, Decision, Remediation, ReviewItem, SignOff
from reviews.queries.controls import controls_for, merged
from reviews.queries.standing import StatementLine, answers, heads_of
from reviews.states import CampaignState, RemediationState

SECONDS = {"privileged": 60, "other": 20}
"""How long a careful look takes, for the estimate in the inbox."""


@dataclass(frozen=True, slots=True)
class InboxLine:
    """Holds one campaign in a reviewer's inbox."""

    campaign: Campaign
    items: int
    undecided: int
    privileged: int
    signed_at: datetime | None

    @property
    def minutes(self) -> int:
        """Returns about how many minutes the undecided items take."""
        seconds = self.privileged * SECONDS["privileged"] + (self.undecided - self.privileged) * SECONDS["other"]
        return -(-seconds // 60)

    @property
    def decided(self) -> int:
        """Returns how many items are decided."""
        return self.items - self.undecided


def inbox(reviewer: Identity) -> list[InboxLine]:
    """Returns the campaigns that wait for a reviewer, due soonest first; four queries."""
    waiting = Campaign.objects.filter(state__in=[CampaignState.OPEN, CampaignState.SIGNING])
    put = Assignment.objects.filter(campaign__in=waiting, reviewer=reviewer, until__isnull=True)
    totals = _by_campaign(put)
    decided = _by_campaign(
        Decision.objects.filter(
            ~Q(outcome=Outcome.NOT_DECIDED) | Q(campaign__state=CampaignState.SIGNING),
            campaign_id__in=list(totals),
            superseded_by__isnull=True,
            item__assignments__reviewer=reviewer,
            item__assignments__until__isnull=True,
        )
    )
    campaigns = Campaign.objects.filter(pk__in=totals).order_by("due_at", "id")
    signed = {
        (row.campaign_id, row.round): row.signed_at
        for row in SignOff.objects.filter(reviewer=reviewer, campaign_id__in=totals)
    }
    lines = []
    for campaign in campaigns:
        items, privileged = totals[campaign.pk]
        done, privileged_done = decided.get(campaign.pk, (0, 0))
        signed_at = signed.get((campaign.pk, campaign.round))
        lines.append(InboxLine(campaign, items, items - done, privileged - privileged_done, signed_at))
    return lines


def _by_campaign(rows: QuerySet[Assignment] | QuerySet[Decision]) -> dict[int, tuple[int, int]]:
    """Returns how many rows each campaign has, and how many of them are privileged."""
    counted = rows.order_by().values("campaign_id")
    counted = counted.annotate(n=Count("id"), urgent=Count("id", filter=Q(privileged=True)))
    return {row["campaign_id"]: (row["n"], row["urgent"]) for row in counted}


def signed_by(reviewer: Identity) -> QuerySet[SignOff]:
    """Returns what a reviewer signed, newest first."""
    return SignOff.objects.filter(reviewer=reviewer).select_related("campaign").order_by("-signed_at")


def items_for(campaign: Campaign, reviewer: Identity, show: str = "") -> QuerySet[ReviewItem]:
    """Returns a reviewer's items of a campaign by risk: privileged first, then what the advice is against.

    Args:
        campaign: the campaign.
        reviewer: whose items.
        show: "undecided" or "privileged" for these alone.
    """
    put = Assignment.objects.filter(item=OuterRef("pk"), reviewer=reviewer, until__isnull=True)
    risk = Case(
        When(advice=Advice.REVOKE, then=Value(0)),
        When(advice=Advice.INSUFFICIENT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = ReviewItem.objects.filter(Exists(put), campaign=campaign)
    if show == "undecided":
        rows = rows.filter(~Exists(answers(campaign)))
    if show == "privileged":
        rows = rows.filter(privileged=True)
    rows = rows.select_related("campaign", "account", "entitlement", "system", "subject")
    return rows.order_by("-privileged", risk, "n")


@dataclass(frozen=True, slots=True)
class DeskRow:
    """Holds one row of the list on the review screen."""

    item: ReviewItem | ControlItem
    decision: Decision | ControlItem | None

    @property
    def bulk(self) -> bool:
        """Returns whether the row may be kept together with others."""
        item = self.item
        return not (item.privileged or item.advice == Advice.REVOKE or item.evidence.get("conflicts"))


def desk_rows(items: Sequence[ReviewItem]) -> list[DeskRow]:
    """Returns items with the decision that counts now: one query."""
    known = heads_of([item.pk for item in items])
    return [DeskRow(item, known.get(item.pk)) for item in items]


def desk_numbers(campaign: Campaign, reviewer: Identity, show: str = "") -> list[int]:
    """Returns the ids of what a reviewer is shown, in the order of the list: items, and control items among them."""
    items = items_for(campaign, reviewer, show)
    controls = controls_for(campaign, reviewer)
    if show == "undecided":
        controls = controls.filter(outcome="")
    numbers, among = list(items.values_list("pk", flat=True)), list(controls.values_list("pk", flat=True))
    return merged(numbers, among, items.filter(privileged=True).order_by().count()) if among else numbers


def rows_of(campaign: Campaign, reviewer: Identity, numbers: Sequence[int]) -> list[DeskRow]:
    """Returns the rows with these ids, in their order."""
    found = {row.item.pk: row for row in desk_rows(list(items_for(campaign, reviewer).filter(pk__in=numbers)))}
    if len(found) < len(numbers):
        found |= {one.pk: control_row(one) for one in controls_for(campaign, reviewer).filter(pk__in=numbers)}
    return [found[pk] for pk in numbers if pk in found]


def control_row(control: ControlItem) -> DeskRow:
    """Returns a control item as a row of the list."""
    return DeskRow(control, control if control.outcome else None)


def shown_item(campaign: Campaign, reviewer: Identity, pk: int) -> ReviewItem | ControlItem | None:
    """Returns what a reviewer is shown under an id."""
    item = items_for(campaign, reviewer).filter(pk=pk).first()
    return item or controls_for(campaign, reviewer).filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class ItemSheet:
    """Holds everything that the review screen shows about one item."""

    item: ReviewItem | ControlItem
    decision: Decision | ControlItem | None
    history: Sequence[Decision]
    chart: SafeString
    coverage: str
    last_used_at: datetime | None
    since_at: datetime | None
    previous_at: datetime | None
    evidence: dict[str, Any]
    still_open: Remediation | None


def item_sheet(item: ReviewItem) -> ItemSheet:
    """Returns an item with its evidence made readable, its decisions, and a revocation still open from before."""
    evidence: dict[str, Any] = item.evidence
    history = list(Decision.objects.filter(item=item).select_related("reviewer").order_by("decided_at", "id"))
    superseded = {decision.supersedes_id for decision in history}
    unfinished = [RemediationState.OPEN, RemediationState.IN_PROGRESS, RemediationState.CLAIMED_DONE]
    earlier = Remediation.objects.filter(
        item__account=item.account_id,
        item__entitlement=item.entitlement_id,
        state__in=unfinished,
        decision__superseded_by__isnull=True,
    )
    per_mille, previous = evidence.get("coverage_per_mille"), evidence.get("previous")
    return ItemSheet(
        item=item,
        decision=next((decision for decision in history if decision.pk not in superseded), None),
        history=history,
        chart=weeks_chart(evidence.get("weeks", [])),
        coverage="unknown" if per_mille is None else f"{per_mille / 10:g} %",
        last_used_at=_moment(evidence.get("last_used_at")),
        since_at=_moment(evidence.get("granted_since")),
        previous_at=_moment(previous["decided_at"]) if previous else None,
        evidence=evidence,
        still_open=earlier.exclude(campaign=item.campaign_id).select_related("campaign").first(),
    )


def control_sheet(control: ControlItem) -> ItemSheet:
    """Returns a control item as the review screen shows an item."""
    evidence = control.evidence
    return ItemSheet(
        item=control,
        decision=control if control.outcome else None,
        history=[],
        chart=weeks_chart(evidence["weeks"]),
        coverage=f"{evidence['coverage_per_mille'] / 10:g} %",
        last_used_at=None,
        since_at=None,
        previous_at=None,
        evidence=evidence,
        still_open=None,
    )


def _moment(text: str | None) -> datetime | None:
    """Returns the aware time of a manifest's text."""
    return parse_datetime(text) if text else None


def next_undecided(
    campaign: Campaign, reviewer: Identity, after: ReviewItem | ControlItem
) -> ReviewItem | ControlItem | None:
    """Returns the next item without a decision in the order of the list, from the start again at its end."""
    numbers = desk_numbers(campaign, reviewer)
    waiting = set(desk_numbers(campaign, reviewer, "undecided")) - {after.pk}
    place = numbers.index(after.pk) if after.pk in numbers else 0
    chosen = next((pk for pk in [*numbers[place:], *numbers[:place]] if pk in waiting), None)
    return shown_item(campaign, reviewer, chosen) if chosen is not None else None


def outcome_summary(lines: Sequence[StatementLine]) -> list[tuple[str, int]]:
    """Returns how many decisions have each outcome, in the order of the outcomes."""
    counted = Counter(line.outcome for line in lines)
    return [(outcome.label, counted[outcome]) for outcome in Outcome if counted[outcome]]
