"""Answers how campaigns stand: the list, one campaign's progress by reviewer, and what blocks its closing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Case, Count, Exists, IntegerField, Max, Prefetch, Q, QuerySet, Value, When
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from identities.queries import latest_complete_snapshots
from reviews.kinds import Outcome
from reviews.models import (
    Assignment,
    Campaign,
    CampaignMove,
    Decision,
    Exclusion,
    Finding,
    Remediation,
    ReviewItem,
    RiskProposal,
    ScopeLine,
    SignOff,
    SilentItem,
)
from reviews.queries.second_looks import looks_waiting
from reviews.queries.standing import VERDICTS, answers, heads, undecided_items
from reviews.states import WORKING, CampaignState, RemediationState
from tenants.kinds import Actor, WorkState
from tenants.models import Work
from tenants.sharing import visible

OPENING = "reviews.open"
"""The kind of the work that opens a campaign."""
BY_HOUR = timedelta(days=3)
"""A campaign that is younger shows its course by the hour."""
MOST_POINTS = 120


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """Holds one line of the list of campaigns."""

    campaign: Campaign
    items: int
    decided: int
    overdue: bool

    @property
    def percent(self) -> int:
        """Returns the share of decided items, rounded down."""
        return 100 * self.decided // self.items if self.items else 0


def campaigns_list(by: Actor) -> QuerySet[Campaign]:
    """Returns the campaigns that the actor may see: working ones by due time, then the others, newest first."""
    working = Q(state__in=[CampaignState.OPEN, CampaignState.SIGNING, CampaignState.REMEDIATING])
    order = Case(When(working, then=Value(0)), default=Value(1), output_field=IntegerField())
    return visible(by, Campaign.objects.select_related("plan")).order_by(order, "-occurrence_at", "-id")


def campaign_lines(campaigns: Sequence[Campaign]) -> list[CampaignLine]:
    """Returns the campaigns of one page with their counts: two queries whatever their number."""
    ids, now = [campaign.pk for campaign in campaigns], timezone.now()
    items = _counts(ReviewItem.objects.filter(campaign_id__in=ids))
    verdicts = Decision.objects.filter(campaign_id__in=ids, superseded_by__isnull=True, outcome__in=VERDICTS)
    decided = _counts(verdicts)
    return [
        CampaignLine(campaign, items.get(campaign.pk, 0), decided.get(campaign.pk, 0), campaign.is_overdue(now))
        for campaign in campaigns
    ]


def _counts(rows: QuerySet[ReviewItem] | QuerySet[Decision]) -> dict[int, int]:
    """Returns how many rows each campaign has."""
    return dict(rows.order_by().values_list("campaign_id").annotate(Count("id")))


@dataclass(frozen=True, slots=True)
class ReviewerLine:
    """Holds how far one reviewer of a campaign is."""

    reviewer_id: int
    name: str
    items: int
    decided: int
    signed_at: datetime | None
    last_at: datetime | None

    @property
    def percent(self) -> int:
        """Returns the share of decided items, rounded down."""
        return 100 * self.decided // self.items if self.items else 0


def reviewer_lines(campaign: Campaign) -> list[ReviewerLine]:
    """Returns the reviewers of a campaign, those with most undecided items first; three queries."""
    decided = answers(campaign, "item").exclude(outcome=Outcome.NOT_DECIDED)
    rows = (
        Assignment.objects.filter(campaign=campaign, until__isnull=True)
        .annotate(done=Case(When(Exists(decided), then=Value(1)), default=Value(0), output_field=IntegerField()))
        .values("reviewer_id", "reviewer__name", "done")
        .annotate(n=Count("id"))
        .order_by()
    )
    totals: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for row in rows:
        names[row["reviewer_id"]] = row["reviewer__name"]
        totals.setdefault(row["reviewer_id"], [0, 0])[row["done"]] += row["n"]
    signed = dict(
        SignOff.objects.filter(campaign=campaign, round=campaign.round).values_list("reviewer_id", "signed_at")
    )
    last = dict(heads(campaign.pk).order_by().values_list("reviewer_id").annotate(Max("decided_at")))
    lines = [
        ReviewerLine(pk, names[pk], waiting + done, done, signed.get(pk), last.get(pk))
        for pk, (waiting, done) in totals.items()
    ]
    return sorted(lines, key=lambda line: (line.decided - line.items, line.name))


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts what a campaign's page shows at its head.

    What is postponed, and where a reviewer abstained, is not decided and waits for nobody: `undecided` are the others.
    """

    rows: int
    items: int
    exclusions: int
    privileged: int
    decided: int
    not_decided: int
    postponed: int
    abstained: int
    undecided: int
    outcomes: dict[str, int]
    remediations: dict[str, int]
    findings: int
    unanswered: int

    @property
    def percent(self) -> int:
        """Returns the share of items with a decision, rounded down."""
        return 100 * (self.decided + self.not_decided) // self.items if self.items else 0


def standing(campaign: Campaign) -> Standing:
    """Returns how a campaign stands; nine queries."""
    counted = ReviewItem.objects.filter(campaign=campaign).aggregate(
        n=Count("id"), privileged=Count("id", filter=Q(privileged=True))
    )
    rows = ScopeLine.objects.filter(campaign=campaign).values_list("snapshot__row_total", flat=True)
    outcomes = dict(heads(campaign.pk).order_by().values_list("outcome").annotate(Count("id")))
    states = Remediation.objects.filter(campaign=campaign, decision__superseded_by__isnull=True)
    undecided = undecided_items(campaign).count()
    silent = 0 if campaign.state == CampaignState.OPEN else outcomes.get(Outcome.NOT_DECIDED, 0)
    postponed = heads(campaign.pk).filter(postponed_until__isnull=False).count()
    return Standing(
        rows=sum(total or 0 for total in rows),
        items=counted["n"],
        exclusions=Exclusion.objects.filter(campaign=campaign).count(),
        privileged=counted["privileged"],
        decided=sum(outcomes.get(verdict, 0) for verdict in VERDICTS),
        not_decided=silent,
        postponed=postponed,
        abstained=outcomes.get(Outcome.ABSTAIN, 0) - postponed,
        undecided=undecided,
        outcomes={str(key): n for key, n in outcomes.items()},
        remediations={str(key): n for key, n in states.order_by().values_list("state").annotate(Count("id"))},
        findings=Finding.objects.filter(campaign=campaign, resolved_at__isnull=True).count(),
        unanswered=SilentItem.objects.filter(
            campaign=campaign, answer="", decision__superseded_by__isnull=True
        ).count(),
    )


def blockers(campaign: Campaign, now_standing: Standing, lines: Sequence[ReviewerLine]) -> list[str]:
    """Returns the sentences that say what keeps a campaign from its next state; none when nothing does."""
    if campaign.state in {CampaignState.DRAFT, CampaignState.COLLECTING}:
        missing = ScopeLine.objects.filter(campaign=campaign, snapshot__isnull=True, waiver_reason="")
        return [
            f"{line.system.name} has no complete snapshot that is recent enough."
            for line in missing.select_related("system").order_by("system__name")
        ]
    if campaign.state == CampaignState.READY:
        return ["A compliance officer opens it. Until then no grant is put to a reviewer and nobody is told."]
    if campaign.state == CampaignState.OPEN and now_standing.undecided:
        waiting = sum(1 for line in lines if line.decided < line.items)
        people = "1 reviewer" if waiting == 1 else f"{waiting} reviewers"
        left, of = (f"{n:,}".replace(",", "\u202f") for n in (now_standing.undecided, now_standing.items))
        return [f"{left} of {of} items are undecided, with {people}."]
    if campaign.state in {CampaignState.OPEN, CampaignState.SIGNING}:
        return [f"{line.name} has not signed." for line in lines if line.decided and line.signed_at is None]
    if campaign.state == CampaignState.REMEDIATING:
        silent = now_standing.unanswered
        whose = "1 grant that nobody decided waits" if silent == 1 else f"{silent} grants that nobody decided wait"
        looks = looks_waiting(campaign)
        second = "1 second look waits" if looks == 1 else f"{looks} second looks wait"
        told = (
            (silent, f"{whose} for the answer of the system's owner."),
            (looks, f"{second} for the second reviewer; 'Care taken' says for whom."),
        )
        return [*(sentence for n, sentence in told if n), *_unverified(campaign)]
    return []


def _unverified(campaign: Campaign) -> list[str]:
    """Returns how many revocations wait for a list that lacks them, apart from those whose newest list is empty."""
    settled = (RemediationState.VERIFIED, RemediationState.RISK_ACCEPTED)
    waiting = Remediation.objects.filter(campaign=campaign, decision__superseded_by__isnull=True)
    rows = waiting.exclude(state__in=settled).values_list(
        "item__system_id", "item__system__name", "decision__decided_at"
    )
    left = list(rows)
    newest = latest_complete_snapshots({system for system, _name, _at in left})
    empty = {pk: snapshot.captured_at for pk, snapshot in newest.items() if not snapshot.source_total}
    counts = Counter(name if system in empty and at < empty[system] else "" for system, name, at in left)
    return [
        f"{_revocations(n)} not verified: the newest list of {name} is empty, and an empty list verifies nothing."
        if name
        else f"{_revocations(n)} not verified by a later complete snapshot."
        for name, n in sorted(counts.items())
    ]


def _revocations(n: int) -> str:
    """Returns so many revocations with their verb."""
    return "1 revocation is" if n == 1 else f"{n} revocations are"


def burn_down(campaign: Campaign) -> list[tuple[datetime, int]]:
    """Returns how many items were undecided from the opening on: at the end of each UTC day, or hour at first."""
    if campaign.opened_at is None:
        return []
    start, end = campaign.opened_at, min(timezone.now(), campaign.closed_at or timezone.now())
    step, cut = (timedelta(hours=1), TruncHour) if end - start < BY_HOUR else (timedelta(days=1), TruncDay)
    total = ReviewItem.objects.filter(campaign=campaign).count()
    first = Decision.objects.filter(campaign=campaign, supersedes__isnull=True)
    counts = first.annotate(at=cut("decided_at", tzinfo=UTC)).order_by().values_list("at").annotate(Count("id"))
    decided, points, left = dict(counts), [(start, total)], total
    at = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    at = at if cut is TruncHour else at.replace(hour=0)
    while at <= end and len(points) < MOST_POINTS:
        left -= decided.get(at, 0)
        at += step
        points.append((min(at, end), left))
    return points


def scope_lines(campaign: Campaign) -> QuerySet[ScopeLine]:
    """Returns the systems of a campaign with the snapshots that prove their population."""
    return (
        ScopeLine.objects.filter(campaign=campaign)
        .select_related("system", "snapshot", "waiver")
        .order_by("system__name")
    )


def times_extended(campaign: Campaign) -> int:
    """Returns how many times the due time of a campaign was moved while it was open, in all of its rounds."""
    return CampaignMove.objects.filter(campaign=campaign, old=CampaignState.OPEN, new=CampaignState.OPEN).count()


def moves_of(campaign: Campaign) -> QuerySet[CampaignMove]:
    """Returns how the campaign changed its state and due time, oldest first."""
    return CampaignMove.objects.filter(campaign=campaign).order_by("at", "id")


def items_of(campaign: Campaign) -> QuerySet[ReviewItem]:
    """Returns a campaign's items in order, with what a list shows of them."""
    rows = ReviewItem.objects.filter(campaign=campaign)
    return rows.select_related("account", "entitlement", "system", "subject").order_by("n")


def assignments_of(item: ReviewItem) -> QuerySet[Assignment]:
    """Returns to whom an item was put, oldest first."""
    return Assignment.objects.filter(item=item).select_related("reviewer").order_by("since", "id")


def undecided_of(campaign: Campaign, reviewer_id: int) -> QuerySet[ReviewItem]:
    """Returns the items that are put to one reviewer and wait for a decision."""
    return undecided_items(campaign).filter(pk__in=_put_to(campaign, reviewer_id)).order_by("n")


def decided_of(campaign: Campaign, reviewer_id: int) -> QuerySet[ReviewItem]:
    """Returns the items that one reviewer decided and did not sign yet, in this round."""
    signed = SignOff.objects.filter(campaign=campaign, round=campaign.round, reviewer_id=reviewer_id)
    mine = ReviewItem.objects.filter(pk__in=_put_to(campaign, reviewer_id)).exclude(
        pk__in=undecided_items(campaign).values("pk")
    )
    return mine.filter(~Exists(signed)).order_by("n")


def _put_to(campaign: Campaign, reviewer_id: int) -> QuerySet[Assignment, int]:
    """Returns the ids of the items that are put to one reviewer now."""
    put = Assignment.objects.filter(campaign=campaign, reviewer_id=reviewer_id, until__isnull=True)
    return put.values_list("item_id", flat=True)


def decisions_of(campaign: Campaign) -> QuerySet[Decision]:
    """Returns all decisions of a campaign in the order of items and time, superseded ones too."""
    rows = Decision.objects.filter(campaign=campaign)
    rows = rows.select_related("item__account", "item__entitlement", "item__system", "item__subject", "reviewer")
    return rows.order_by("item__n", "decided_at", "id")


def sign_offs_of(campaign: Campaign) -> QuerySet[SignOff]:
    """Returns the signatures of a campaign, oldest first; those of an earlier round are withdrawn."""
    return SignOff.objects.filter(campaign=campaign).select_related("reviewer").order_by("signed_at")


def remediations_of(campaign: Campaign) -> QuerySet[Remediation]:
    """Returns the revocations of a campaign that count, most urgent first."""
    rows = Remediation.objects.filter(campaign=campaign, decision__superseded_by__isnull=True)
    rows = rows.select_related(
        "item__account", "item__entitlement", "item__system", "decision__silence", "verified_snapshot", "owner"
    ).prefetch_related(Prefetch("proposals", RiskProposal.objects.select_related("signature").order_by("-id")))
    return rows.order_by("due_at", "id")


def changed_remediations(campaign: Campaign) -> QuerySet[Remediation]:
    """Returns the revocations of a campaign whose decision was changed after they had begun, newest change first."""
    rows = Remediation.objects.filter(campaign=campaign, decision__superseded_by__isnull=False)
    shown = ("item__account", "item__entitlement", "item__system", "owner", "decision__superseded_by__reviewer")
    return rows.select_related(*shown).order_by("-decision__superseded_by__id")


def collecting() -> list[Campaign]:
    """Returns the campaigns that wait for snapshots."""
    waiting = Campaign.objects.filter(state__in=[CampaignState.DRAFT, CampaignState.COLLECTING])
    return list(waiting.select_related("plan").order_by("id"))


def to_open() -> list[Campaign]:
    """Returns the campaigns of recurring plans, later stages and postponed items that are ready and not opening yet.

    A follow-up is opened by a person, whatever made the campaign before it.
    """
    makes_itself = ~Q(plan__rule="") | ~Q(plan__trigger="") | Q(definition__has_key="postponed")
    by_itself = Q(follows__isnull=True) & makes_itself | Q(stage__gt=1)
    ready = Campaign.objects.filter(by_itself, state=CampaignState.READY).select_related("plan")
    works = Work.objects.filter(kind=OPENING, state__in=[WorkState.QUEUED, WorkState.RUNNING])
    asked = {work.arguments[0] for work in works}
    return [campaign for campaign in ready.order_by("id") if campaign.pk not in asked]


def overdue() -> list[Campaign]:
    """Returns the open campaigns whose due time is over."""
    return list(Campaign.objects.filter(state=CampaignState.OPEN, due_at__lte=timezone.now()).order_by("id"))


def working() -> list[Campaign]:
    """Returns the campaigns between their opening and their closing."""
    return list(Campaign.objects.filter(state__in=WORKING).order_by("id"))
