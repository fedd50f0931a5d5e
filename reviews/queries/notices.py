"""Answers who is to be mailed about a campaign, and whether what a mail is about still waits."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from reviews.kinds import NoticeKind
from reviews.models import (
    Assignment,
    Campaign,
    CampaignMove,
    Decision,
    ItemQuestion,
    Remediation,
    ReviewNotice,
    SignOff,
    SilentItem,
)
from reviews.queries.standing import answers
from reviews.states import CampaignState, NoticeState, RemediationState

UNDONE = (RemediationState.OPEN, RemediationState.IN_PROGRESS, RemediationState.FAILED)


@dataclass(frozen=True, slots=True)
class Undecided:
    """Holds one assignment whose item waits: who holds it since when, and who owns the system."""

    pk: int
    reviewer_id: int
    since: datetime
    owner_id: int | None


def undecided(campaign: Campaign) -> list[Undecided]:
    """Returns the assignments whose items wait for a decision; one query."""
    rows = _undecided(campaign).order_by("item__n")
    return [Undecided(*row) for row in rows.values_list("pk", "reviewer_id", "since", "item__system__owner_id")]


def _undecided(campaign: Campaign) -> QuerySet[Assignment]:
    put = Assignment.objects.filter(campaign=campaign, until__isnull=True)
    return put.filter(~Exists(answers(campaign, "item")))


def newest_put(campaign: Campaign) -> dict[int, datetime]:
    """Returns up to which assignment each reviewer was told what is put to them."""
    rows = ReviewNotice.objects.filter(campaign=campaign, kind=NoticeKind.PUT)
    told = rows.order_by().values_list("recipient_id").annotate(at=Max("step"))
    return {who: datetime.fromisoformat(at) for who, at in told}


def due_since(campaign: Campaign) -> datetime:
    """Returns since when the campaign has its due time: its opening, extension or reopening."""
    moves = CampaignMove.objects.filter(campaign=campaign, new_due_at=campaign.due_at)
    found = moves.exclude(old_due_at=F("new_due_at")).aggregate(at=Max("at"))["at"]
    return found or campaign.opened_at or timezone.now()


def unsigned(campaign: Campaign) -> dict[int, list[int]]:
    """Returns the assignments of reviewers who decided and did not sign in this round."""
    signed = SignOff.objects.filter(campaign=campaign, round=campaign.round, reviewer=OuterRef("reviewer"))
    rows = Decision.objects.filter(
        ~Exists(signed), campaign=campaign, superseded_by__isnull=True, reviewer__isnull=False
    )
    deciders = set(rows.values_list("reviewer_id", flat=True))
    put = Assignment.objects.filter(campaign=campaign, until__isnull=True, reviewer__in=deciders)
    return _grouped(put.values_list("reviewer_id", "pk"))


def unanswered(campaign: Campaign) -> dict[int, list[int]]:
    """Returns what owners did not answer about access that nobody decided."""
    rows = SilentItem.objects.filter(
        campaign=campaign, answer="", confirmer__isnull=False, decision__superseded_by__isnull=True
    )
    return _grouped(rows.order_by("pk").values_list("confirmer_id", "pk"))


def unrevoked(campaign: Campaign, now: datetime) -> dict[int, list[int]]:
    """Returns the revocations that are late, by the owner of their system."""
    rows = _late(now).filter(campaign=campaign, item__system__owner__isnull=False)
    return _grouped(rows.order_by("pk").values_list("item__system__owner_id", "pk"))


def _late(now: datetime) -> QuerySet[Remediation]:
    return Remediation.objects.filter(state__in=UNDONE, due_at__lte=now, decision__superseded_by__isnull=True)


def _grouped(rows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for person, pk in rows:
        groups[person].append(pk)
    return dict(groups)


def still_waiting(notice: ReviewNotice, now: datetime) -> int:
    """Returns how many of the grants that a mail is about still wait for what it says; 0 when it is out of date."""
    campaign = notice.campaign
    if notice.kind == NoticeKind.SIGN:
        return len(unsigned(campaign).get(notice.about_id, [])) if campaign.state == CampaignState.SIGNING else 0
    if notice.kind == NoticeKind.ANSWER:
        return len(set(notice.covers) & set(unanswered(campaign).get(notice.about_id, [])))
    if notice.kind == NoticeKind.REVOKE:
        return _late(now).filter(pk__in=notice.covers).count()
    if notice.kind in {NoticeKind.QUESTION, NoticeKind.ANSWERED}:
        return _spoken(notice) if campaign.state == CampaignState.OPEN else 0
    moved = notice.kind != NoticeKind.PUT and campaign.due_at != notice.due_at
    if campaign.state != CampaignState.OPEN or moved:
        return 0
    return _undecided(campaign).filter(pk__in=notice.covers).count()


def _spoken(notice: ReviewNotice) -> int:
    """Returns how many questions wait for their answer, or, of answers, how many were given."""
    if notice.kind == NoticeKind.ANSWERED:
        return len(notice.covers)
    return ItemQuestion.objects.filter(pk__in=notice.covers, answers__isnull=True).count()


@dataclass(frozen=True, slots=True)
class Mailed:
    """Counts the mails of one kind, with the last fault."""

    label: str
    sent: int
    waiting: int
    failed: int
    dropped: int
    fault: str


def mailed(campaign: Campaign) -> list[Mailed]:
    """Returns how the mails of a campaign went, by kind; one query."""
    rows = ReviewNotice.objects.filter(campaign=campaign).order_by("kind").values("kind")
    counted = rows.annotate(
        sent=Count("pk", filter=Q(state=NoticeState.SENT)),
        waiting=Count("pk", filter=Q(state__in=[NoticeState.WAITING, NoticeState.FAILED])),
        failed=Count("pk", filter=Q(state=NoticeState.GIVEN_UP)),
        dropped=Count("pk", filter=Q(state=NoticeState.DROPPED)),
        fault=Max("last_error"),
    )
    return [
        Mailed(NoticeKind(row["kind"]).label, row["sent"], row["waiting"], row["failed"], row["dropped"], row["fault"])
        for row in counted
    ]
