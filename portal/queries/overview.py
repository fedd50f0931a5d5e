"""The overview: where reviews, alerts, logs and evidence of the tenant stand now, each number from its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from alerts.kinds import OPEN_STATES
from alerts.models import Alert
from alerts.queries import alert_counts
from evidence.calendar import Due, due_dates
from evidence.models import EvidencePack
from evidence.states import PackState
from ledger.kinds import SignedCheckpoint
from ledger.queries import head, latest_checkpoint
from logs.queries import SourceLine, source_lines
from reviews.kinds import Outcome
from reviews.models import Assignment, Campaign, Decision, Finding, ReviewItem
from reviews.queries.daymails import overdue_desk
from reviews.queries.standing import VERDICTS
from reviews.states import WORKING, CampaignState
from tenants.kinds import Actor, Permission
from tenants.models import Tenant

SHOWN: Final = 5
"""Lines in each panel; the panel's link leads to all."""


@dataclass(frozen=True, slots=True)
class Late:
    """How many items a reviewer has left undecided after their due time; ``what`` names the campaign or the period."""

    reviewer: str
    what: str
    due_at: datetime
    items: int


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole; ``ratio`` is None while there is nothing to be part of."""

    part: int
    whole: int

    @property
    def ratio(self) -> float | None:
        """The part divided by the whole, 0 to 1."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class AtWork:
    """A campaign between its opening and its closing, with how much of it is decided."""

    campaign: Campaign
    decided: Share


@dataclass(frozen=True, slots=True)
class Reviews:
    """Where the campaigns stand."""

    campaigns: Sequence[AtWork]
    privileged: Share
    late: Sequence[Late]
    findings: int = 0
    findings_late: int = 0

    @property
    def late_items(self) -> int:
        """How many items are overdue in all."""
        return sum(line.items for line in self.late)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview shows; a part that the actor may not see is None."""

    reviews: Reviews | None
    alert_counts: dict[str, int] | None
    alerts: Sequence[Alert]
    sources: Sequence[SourceLine] | None
    last_pack: EvidencePack | None
    leaves: int | None
    checkpoint: SignedCheckpoint | None
    sees_due: bool = False

    @property
    def silent(self) -> list[SourceLine]:
        """The sources that should have delivered by now and have not."""
        return [line for line in self.sources or () if line.late]


def overview(by: Actor, tenant: Tenant) -> Overview:
    """Return the overview of the open tenant, with the parts that the actor may see."""
    sees_alerts, sees_ledger = by.may(Permission.ALERT_VIEW), by.may(Permission.LEDGER_VIEW)
    return Overview(
        reviews=_reviews() if by.may(Permission.CAMPAIGN_VIEW) else None,
        alert_counts=alert_counts() if sees_alerts else None,
        alerts=_gravest_alerts() if sees_alerts else (),
        sources=source_lines(by) if by.may(Permission.SOURCE_VIEW) else None,
        last_pack=_last_pack() if by.may(Permission.PACK_VIEW) else None,
        leaves=head(tenant.uuid).size if sees_ledger else None,
        checkpoint=latest_checkpoint(tenant.uuid) if sees_ledger else None,
        sees_due=by.may(Permission.CONTROL_VIEW),
    )


def due_now(tenant: Tenant) -> tuple[Sequence[Due], date]:
    """Return what evidence is due in the open tenant, and the day it is there; less than twenty queries."""
    now = timezone.now()
    return due_dates(tenant, now), timezone.localtime(now, tenant.zone).date()


def _gravest_alerts() -> Sequence[Alert]:
    rows = Alert.objects.filter(state__in=OPEN_STATES).select_related("identity", "system")
    return list(rows.order_by("-severity", "-last_at", "-id")[:SHOWN])


def _reviews() -> Reviews:
    counted = Decision.objects.filter(item=OuterRef("pk"), superseded_by__isnull=True, outcome__in=VERDICTS)
    items = ReviewItem.objects.filter(campaign__state__in=WORKING).alias(decided=Exists(counted))
    tally = items.values("campaign_id").annotate(
        total=Count("id"),
        done=Count("id", filter=Q(decided=True)),
        privileged_total=Count("id", filter=Q(privileged=True)),
        privileged_done=Count("id", filter=Q(privileged=True, decided=True)),
    )
    by_campaign = {row["campaign_id"]: row for row in tally.order_by()}
    at_work = []
    for campaign in Campaign.objects.filter(state__in=WORKING).order_by("due_at", "id"):
        row = by_campaign.get(campaign.pk)
        at_work.append(AtWork(campaign, Share(row["done"], row["total"]) if row else Share(0, 0)))
    part = sum(row["privileged_done"] for row in by_campaign.values())
    whole = sum(row["privileged_total"] for row in by_campaign.values())
    now = timezone.now()
    wrong = Finding.objects.filter(resolved_at__isnull=True)
    found = wrong.aggregate(n=Count("id"), late=Count("id", filter=Q(due_at__lt=now)))
    return Reviews(at_work, Share(part, whole), _late(now), found["n"], found["late"])


def _late(now: datetime) -> list[Late]:
    """Return the undecided items past their due time, by reviewer and campaign or period, most first."""
    counted = Decision.objects.filter(item=OuterRef("item"), superseded_by__isnull=True)
    decided = counted.exclude(outcome=Outcome.NOT_DECIDED)  # of an earlier round: the item waits again
    rows = Assignment.objects.filter(
        ~Exists(decided), until=None, campaign__state=CampaignState.OPEN, campaign__due_at__lt=now
    )
    named = rows.values_list("reviewer__name", "campaign__name", "campaign_id", "campaign__due_at")
    found = [Late(who, what, due_at, n) for who, what, _pk, due_at, n in named.annotate(items=Count("id")).order_by()]
    found += [Late(one.reviewer, one.what, one.due_at, one.items) for one in overdue_desk(now)]
    return sorted(found, key=lambda one: (-one.items, one.reviewer, one.what))


def _last_pack() -> EvidencePack | None:
    return EvidencePack.objects.filter(state=PackState.ISSUED).order_by("-issued_at", "-id").first()
