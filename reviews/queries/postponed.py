"""Answers what may be postponed, what is, and what comes of it on its day."""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, DateField, Exists, F, Func, OuterRef, QuerySet, Value
from django.db.models.functions import Cast

from identities.kinds import PersonChangeKind
from identities.listmodels import PersonChange
from identities.models import Grant
from reviews.models import Campaign, CampaignPlan, Decision, ReviewItem
from reviews.postponing import MOVED_DAYS, Moved, Resumed
from reviews.queries.standing import VERDICTS
from reviews.states import CampaignState

SIGNED = (CampaignState.REMEDIATING, CampaignState.CLOSED)


def moved_lately(item: ReviewItem, at: datetime) -> Moved | None:
    """Returns that the person of an item moved within the days that count, by the newest list that told so, or None."""
    if item.subject_id is None:
        return None
    moves = PersonChange.objects.filter(
        identity=item.subject_id, kind=PersonChangeKind.MOVED, feed__delivered_at__gt=at - timedelta(days=MOVED_DAYS)
    )
    told = list(moves.order_by("-feed__delivered_at", "field").values_list("feed__delivered_at", "field"))
    if not told:
        return None
    newest = told[0][0]
    return Moved(newest, tuple(field for moment, field in told if moment == newest), times_postponed(item))


def times_postponed(item: ReviewItem) -> int:
    """Returns how often the grant of an item was postponed in other campaigns since it was last decided and signed."""
    settled = _settled(OuterRef("item__account"), OuterRef("item__entitlement"), OuterRef("decided_at"))
    same = Decision.objects.filter(item__account=item.account_id, item__entitlement=item.entitlement_id)
    counting = same.filter(superseded_by__isnull=True, postponed_until__isnull=False).exclude(item=item)
    return counting.exclude(campaign__state=CampaignState.CANCELLED).filter(~Exists(settled)).count()


def _settled(account: OuterRef, entitlement: OuterRef, since: OuterRef) -> QuerySet[Decision]:
    """Returns the signed decisions that keep, reduce or revoke a grant of the outer query after a time of it."""
    counting = Decision.objects.filter(superseded_by__isnull=True, outcome__in=VERDICTS, campaign__state__in=SIGNED)
    return counting.filter(item__account=account, item__entitlement=entitlement, decided_at__gt=since)


def day_of(campaign_id: int, at: datetime) -> date:
    """Returns the day of a time in a campaign's zone, in which its days are counted."""
    zone = Campaign.objects.values_list("plan__time_zone", flat=True).get(pk=campaign_id)
    return at.astimezone(ZoneInfo(zone)).date()


def _waiting(at: datetime) -> QuerySet[Decision]:
    """Returns the postponements that count, whose day has come in their campaign's zone, and of which nothing came."""
    today = Cast(Func(F("campaign__plan__time_zone"), Value(at), function="timezone"), DateField())
    counting = Decision.objects.filter(superseded_by__isnull=True, postponed_until__lte=today)
    return counting.filter(resumption__isnull=True)


def plans_to_resume(at: datetime) -> QuerySet[CampaignPlan]:
    """Returns the plans in whose campaigns the day of a postponed item has come."""
    due = _waiting(at).filter(campaign__plan=OuterRef("pk"))
    return CampaignPlan.objects.filter(Exists(due)).order_by("id")


def postponed_due(plan: CampaignPlan, at: datetime) -> dict[Campaign, list[tuple[Decision, Resumed]]]:
    """Returns by campaign what was postponed and is due, and what comes of each; one query."""
    today = at.astimezone(ZoneInfo(plan.time_zone)).date()
    held = Grant.objects.filter(
        account=OuterRef("item__account"), entitlement=OuterRef("item__entitlement"), until__isnull=True
    )
    settled = _settled(OuterRef("item__account"), OuterRef("item__entitlement"), OuterRef("decided_at"))
    rows = _waiting(at).filter(campaign__plan=plan).annotate(held=Exists(held), settled=Exists(settled))
    found: dict[Campaign, list[tuple[Decision, Resumed]]] = {}
    for one in rows.select_related("campaign__plan", "item__subject").order_by("campaign_id", "item__n"):
        person = one.item.subject
        told = (
            (one.campaign.state == CampaignState.CANCELLED, Resumed.CANCELLED),
            (person is not None and person.employed_until is not None and person.employed_until < today, Resumed.LEFT),
            (not one.held, Resumed.GONE),
            (one.settled, Resumed.DECIDED),
        )
        came = next((came for holds, came in told if holds), Resumed.REVIEWED)
        found.setdefault(one.campaign, []).append((one, came))
    return found


class PostponedLine(NamedTuple):
    """Says how many items of a campaign are postponed to a day, and what came of them: None before that day."""

    until: date | None
    came: str | None
    campaign_id: int | None
    campaign: str | None
    items: int

    @property
    def words(self) -> str:
        """Returns what came of them in words."""
        return Resumed(self.came).label if self.came else "Waits for the day"


def postponed_of(campaign: Campaign) -> list[PostponedLine]:
    """Returns what is postponed in a campaign, by day and by what came of it."""
    heads = Decision.objects.filter(campaign=campaign, superseded_by__isnull=True, postponed_until__isnull=False)
    keys = ("postponed_until", "resumption__came", "resumption__campaign_id", "resumption__campaign__name")
    return [PostponedLine(*row) for row in heads.values_list(*keys).annotate(n=Count("id")).order_by(*keys)]


def resumes(campaign: Campaign) -> Campaign | None:
    """Returns the campaign whose postponed items this one reviews, if it is such a one."""
    return Campaign.objects.filter(decisions__resumption__campaign=campaign).order_by("id").first()
