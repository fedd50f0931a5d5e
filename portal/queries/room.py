"""The auditor's room: packs, campaigns and populations that are shared with the person, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Prefetch

from evidence.models import EvidencePack
from evidence.room.populations import campaigns_within
from evidence.room.pseudonyms import WITHHELD, pseudonym
from evidence.room.queries import packs_within, requests
from evidence.states import RequestState
from ledger.kinds import SignedCheckpoint
from ledger.queries import latest_checkpoint, verifier_key
from reviews.kinds import Outcome
from reviews.models import Campaign, Decision, ReviewItem, ScopeLine, SignOff
from reviews.queries.standing import VERDICTS
from tenants.kinds import Actor
from tenants.models import Engagement, Tenant
from tenants.sharing import visible

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Room:
    """What the room holds; campaigns carry ``items_total``, ``waiting`` counts provided requests nobody judged yet."""

    engagement: Engagement
    packs: Sequence[EvidencePack]
    campaigns: Sequence[Campaign]
    waiting: int
    checkpoint: SignedCheckpoint | None
    verifier_key: str


@dataclass(frozen=True, slots=True)
class RoomItem:
    """One item of a shared campaign with the decision that counts, or None; people as the engagement shows them."""

    item: ReviewItem
    decision: Decision | None
    person: str
    account: str
    reviewer: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoomCampaign:
    """One shared campaign: its population with completeness, the tally of decisions, signatures and a page of items."""

    campaign: Campaign
    scope: Sequence[ScopeLine]
    tally: Sequence[tuple[str, int]]
    undecided: int
    signatures: Sequence[SignOff]
    items: Sequence[RoomItem]
    next_after: int | None


def room(by: Actor, tenant: Tenant, engagement: Engagement) -> Room:
    """Return what is shared with the actor and lies in their engagement, and what is needed to verify it."""
    packs = visible(by, packs_within(engagement)).order_by("-issued_at", "-id")
    campaigns = visible(by, campaigns_within(engagement)).annotate(items_total=Count("items"))
    checkpoint = latest_checkpoint(tenant.uuid)
    key = verifier_key(tenant.uuid) if checkpoint else ""
    waiting = requests(engagement).filter(state=RequestState.PROVIDED).count()
    return Room(engagement, list(packs), list(campaigns), waiting, checkpoint, key)


def room_campaign(by: Actor, engagement: Engagement, campaign_id: int, *, after: int = 0) -> RoomCampaign | None:
    """Return a shared campaign with the items after a number; None when it is not in the room or does not exist."""
    campaign = visible(by, campaigns_within(engagement).filter(pk=campaign_id)).first()
    if campaign is None:
        return None
    items = _items(campaign, after, engagement)
    heads = Decision.objects.filter(campaign=campaign, superseded_by=None)
    postponed = heads.filter(postponed_until__isnull=False).count()
    counts = heads.filter(postponed_until=None).values_list("outcome")
    tally = dict(counts.annotate(n=Count("id")).order_by())
    decided = sum(tally.get(verdict, 0) for verdict in VERDICTS)
    return RoomCampaign(
        campaign=campaign,
        scope=list(
            ScopeLine.objects.filter(campaign=campaign).select_related("system", "snapshot", "waiver").order_by("id")
        ),
        tally=[(outcome.label, tally[outcome]) for outcome in Outcome if outcome in tally]
        + ([("Postponed", postponed)] if postponed else []),
        undecided=ReviewItem.objects.filter(campaign=campaign).count() - decided,
        signatures=[]
        if engagement.controlled
        else list(SignOff.objects.filter(campaign=campaign).select_related("reviewer").order_by("id")),
        items=items[:PAGE],
        next_after=items[PAGE - 1].item.n if len(items) > PAGE else None,
    )


def _items(campaign: Campaign, after: int, engagement: Engagement) -> list[RoomItem]:
    heads = Decision.objects.filter(superseded_by=None).select_related("reviewer")
    rows = ReviewItem.objects.filter(campaign=campaign, n__gt=after).order_by("n")
    rows = rows.select_related("system", "account", "entitlement", "subject")
    rows = rows.prefetch_related(Prefetch("decisions", queryset=heads, to_attr="heads"))
    return [_item(item, engagement) for item in rows[: PAGE + 1]]


def _item(item: ReviewItem, engagement: Engagement) -> RoomItem:
    heads: list[Decision] = item.heads  # type: ignore[attr-defined]  # the prefetch's name
    decision = heads[0] if heads else None
    person = item.subject.name if item.subject else "no owner"
    reviewer = decision.reviewer.name if decision and decision.reviewer else "by the system"
    shown = (person, str(item.account.name), reviewer)
    reason = decision.reason if decision else ""
    if engagement.controlled:
        salt = bytes(engagement.salt)
        shown = (pseudonym(shown[0], salt), pseudonym(shown[1], salt), pseudonym(shown[2], salt))
        reason = WITHHELD if reason else ""
    return RoomItem(item, decision, *shown, reason)
