"""Answers what lies on a reviewer's desk: the inbox, the list of a campaign, and everything about one item."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from identities.kinds import AccountKind
from identities.models import Identity
from reviews.agreement import takes_away
from reviews.charts import weeks_chart
from reviews.kinds import Advice, Outcome
from reviews.models import Assignment, Campaign, ControlItem, Decision, Remediation, ReviewItem, SignOff
from reviews.postponing import MOVED_DAYS, POSTPONED_TIMES, Moved, latest_day
from reviews.queries.controls import controls_for, merged
from reviews.queries.postponed import day_of, moved_lately
from reviews.queries.standing import StatementLine, heads_of, is_answer
from reviews.states import CampaignState
from tenants.scope import current_tenant_id

SECONDS = {"privileged": 60, "other": 20}
"""How long a careful look takes, for the estimate in the inbox."""
_NAMED: Final = ("account", "entitlement", "system", "subject")
_PUT: Final = """
SELECT i.id, i.privileged, h.outcome
FROM reviews_assignment a
JOIN reviews_reviewitem i ON i.tenant_id = a.tenant_id AND i.id = a.item_id
LEFT JOIN reviews_head h ON h.tenant_id = i.tenant_id AND h.item_id = i.id
WHERE a.tenant_id = %s AND a.campaign_id = %s AND a.reviewer_id = %s AND a.until IS NULL
ORDER BY NOT i.privileged, CASE i.advice WHEN 'revoke' THEN 0 WHEN 'insufficient' THEN 1 ELSE 2 END, i.n
"""
"""What is put to a reviewer by risk: privileged first, then what the advice is against."""
_TOLD: Final = """
SELECT
    EXISTS (SELECT 1 FROM reviews_decision d WHERE d.tenant_id = %(tenant)s AND d.item_id = %(item)s),
    EXISTS (SELECT 1 FROM reviews_itemquestion q WHERE q.tenant_id = %(tenant)s AND q.item_id = %(item)s),
    EXISTS (
        SELECT 1 FROM reviews_reviewitem o
        JOIN reviews_remediation r ON r.tenant_id = o.tenant_id AND r.item_id = o.id
        JOIN reviews_head h ON h.tenant_id = r.tenant_id AND h.id = r.decision_id
        WHERE o.tenant_id = %(tenant)s AND o.account_id = %(account)s AND o.entitlement_id = %(entitlement)s
            AND o.campaign_id <> %(campaign)s AND r.state IN ('open', 'in_progress', 'claimed_done')
    ),
    EXISTS (
        SELECT 1 FROM identities_personchange p
        JOIN identities_peoplefeed f ON f.tenant_id = p.tenant_id AND f.id = p.feed_id
        WHERE p.tenant_id = %(tenant)s AND p.identity_id = %(subject)s AND p.kind = 'moved'
            AND f.delivered_at > %(since)s
    )
"""
"""Whether there is a decision about an item, a question, an earlier campaign's revocation that is open, and a move."""


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


def put_to(campaign: Campaign, reviewer: Identity) -> QuerySet[ReviewItem]:
    """Returns the items of a campaign that lie on a reviewer's desk, with the campaign that was given."""
    return campaign.items.filter(assignments__reviewer=reviewer, assignments__until=None)


def items_for(campaign: Campaign, reviewer: Identity) -> QuerySet[ReviewItem]:
    """Returns a reviewer's items of a campaign with what the screen names of each, in no order."""
    return put_to(campaign, reviewer).select_related(*_NAMED)


@dataclass(frozen=True, slots=True)
class DeskRow:
    """Holds one row of the list on the review screen."""

    item: ReviewItem | ControlItem
    decision: Decision | ControlItem | None

    @property
    def decided(self) -> bool:
        """Returns whether somebody decided: what was taken back, or put to another reviewer, waits again."""
        return is_answer(self.decision)

    @property
    def bulk(self) -> bool:
        """Returns whether the row may be kept together with others."""
        item = self.item
        risky = item.privileged or item.advice == Advice.REVOKE or item.evidence.get("conflicts")
        return not (risky or self.decided)


def desk_rows(items: Iterable[ReviewItem]) -> list[DeskRow]:
    """Returns items with the decision that counts now: one query."""
    items = list(items)
    known = heads_of([item.pk for item in items])
    return [DeskRow(item, known.get(item.pk)) for item in items]


@dataclass(frozen=True, slots=True)
class Desk:
    """Holds what is put to a reviewer in a campaign: ids in the order of the list, control items among them."""

    numbers: Sequence[int]
    waiting: frozenset[int]
    privileged: frozenset[int]
    controls: int

    def shown(self, show: str) -> list[int]:
        """Returns the ids of the list, or those that are undecided or privileged alone."""
        among = {"undecided": self.waiting, "privileged": self.privileged}.get(show)
        return [pk for pk in self.numbers if among is None or pk in among]

    def following(self, pk: int) -> int | None:
        """Returns the next id without a decision in the order of the list, from the start again at its end."""
        place = self.numbers.index(pk) if pk in self.numbers else 0
        return next((one for one in [*self.numbers[place + 1 :], *self.numbers[:place]] if one in self.waiting), None)


def desk_for(campaign: Campaign, reviewer: Identity) -> Desk:
    """Returns what is put to a reviewer by risk: privileged first, then what the advice is against.

    As ids alone, in two queries, since the screen needs no 10,000 wide rows; in SQL, since it follows each decision.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PUT, [current_tenant_id(), campaign.pk, reviewer.pk])
        items = cursor.fetchall()
    controls = dict(controls_for(campaign, reviewer).values_list("pk", "outcome"))
    waits = {None, Outcome.NOT_DECIDED} if campaign.state == CampaignState.OPEN else {None}  # as `answers` says
    waiting = {pk for pk, _privileged, outcome in items if outcome in waits}
    if campaign.state == CampaignState.OPEN:
        waiting |= {pk for pk, outcome in controls.items() if not outcome}
    privileged = [pk for pk, urgent, _outcome in items if urgent]
    numbers = merged([pk for pk, *_rest in items], controls, len(privileged))
    return Desk(numbers, frozenset(waiting), frozenset([*privileged, *controls]), len(controls))


def rows_of(campaign: Campaign, reviewer: Identity, numbers: Sequence[int]) -> list[DeskRow]:
    """Returns the rows with these ids, in their order."""
    found = {row.item.pk: row for row in desk_rows(items_for(campaign, reviewer).filter(pk__in=numbers))}
    if len(found) < len(numbers):
        found |= {one.pk: control_row(one) for one in controls_for(campaign, reviewer).filter(pk__in=numbers)}
    return [found[pk] for pk in numbers if pk in found]


def control_row(control: ControlItem) -> DeskRow:
    """Returns a control item as a row of the list."""
    return DeskRow(control, control if control.outcome else None)


def put_item(campaign: Campaign, reviewer: Identity, pk: int) -> ReviewItem | ControlItem | None:
    """Returns what is put to a reviewer under an id, without the account and what else only the screen shows."""
    return put_to(campaign, reviewer).filter(pk=pk).first() or controls_for(campaign, reviewer).filter(pk=pk).first()


def shown_item(
    campaign: Campaign, reviewer: Identity, pk: int, put: Desk | None = None
) -> ReviewItem | ControlItem | None:
    """Returns what a reviewer is shown under an id; `put` is their desk, where it was read before: it says whose."""
    known = put is not None and pk in put.numbers
    items = campaign.items.select_related(*_NAMED) if known else items_for(campaign, reviewer)
    return items.filter(pk=pk).first() or controls_for(campaign, reviewer).filter(pk=pk).first()


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
    still_open: bool
    asked: bool = True
    """Whether anything was asked or noted about it; also true where nobody looked."""
    urgent: bool | None = None
    """Whether the revocation that counts is being carried out already; None where nothing is revoked."""
    moved: Moved | None = None
    """That its person moved lately, where it may be postponed for that."""
    latest_on: date | None = None
    """The last day to which it may be postponed."""

    @property
    def out_of_hours(self) -> float | None:
        """Returns which share of the successful events lay out of hours; None without any, or where none was judged.

        Only people have hours: what service and emergency accounts do is not judged at receipt.
        """
        used, outside = self.evidence["ok_count"], self.evidence["out_of_hours_count"]
        judged = outside or self.evidence["account_kind"] in {AccountKind.HUMAN, AccountKind.SHARED}
        return outside / used if used and judged else None


def item_sheet(item: ReviewItem) -> ItemSheet:
    """Returns an item with its evidence made readable, its decisions, and a revocation still open from before."""
    evidence: dict[str, Any] = item.evidence
    now = timezone.now()
    decided, asked, still_open, has_moved = _told_of(item, now)
    decisions = Decision.objects.filter(item=item) if decided else Decision.objects.none()
    history = list(decisions.prefetch_related("reviewer").order_by("decided_at", "id"))
    superseded = {decision.supersedes_id for decision in history}
    per_mille, previous = evidence.get("coverage_per_mille"), evidence.get("previous")
    head = next((decision for decision in history if decision.pk not in superseded), None)
    gone = head is not None and takes_away(head.outcome)
    moved = moved_lately(item, now) if has_moved else None
    return ItemSheet(
        item=item,
        decision=head,
        history=history,
        chart=weeks_chart(evidence.get("weeks", [])),
        coverage="unknown" if per_mille is None else f"{per_mille / 10:g} %",
        last_used_at=_moment(evidence.get("last_used_at")),
        since_at=_moment(evidence.get("granted_since")),
        previous_at=_moment(previous["decided_at"]) if previous else None,
        evidence=evidence,
        still_open=still_open,
        asked=asked,
        urgent=Remediation.objects.filter(decision=head).exists() if gone else None,
        moved=moved if moved and moved.times < POSTPONED_TIMES else None,
        latest_on=latest_day(day_of(item.campaign_id, now)) if moved else None,
    )


def _told_of(item: ReviewItem, now: datetime) -> tuple[bool, bool, bool, bool]:
    """Returns what `_TOLD` says of an item: mostly nothing."""
    facts = {"account": item.account_id, "entitlement": item.entitlement_id, "campaign": item.campaign_id}
    person: dict[str, int | datetime] = {"subject": item.subject_key, "since": now - timedelta(days=MOVED_DAYS)}
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, {"tenant": current_tenant_id(), "item": item.pk, **facts, **person})
        decided, asked, still_open, moved = cursor.fetchall()[0]
    return decided, asked, still_open, moved


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
        still_open=False,
    )


def _moment(text: str | None) -> datetime | None:
    """Returns the aware time of a manifest's text."""
    return parse_datetime(text) if text else None


def outcome_summary(lines: Sequence[StatementLine]) -> list[tuple[str, int]]:
    """Returns how many decisions have each outcome, in the order of the outcomes, then how many postpone."""
    counted = Counter("postponed" if line.postponed_until else line.outcome for line in lines)
    told = [(outcome.label, counted[outcome]) for outcome in Outcome if counted[outcome]]
    return [*told, ("Postponed", counted["postponed"])] if counted["postponed"] else told
