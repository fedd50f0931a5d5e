"""The auditor's room: packs, campaigns and populations that are shared with the person, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Prefetch

from evidence.models import EvidencePack
from evidence.states import PackState
from ledger.kinds import SignedCheckpoint
from ledger.queries import latest_checkpoint, verifier_key
from reviews.kinds import Outcome
from reviews.models import Campaign, Decision, ReviewItem, ScopeLine, SignOff
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.sharing import visible

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Room:
    """What the room holds; campaigns carry ``items_total``."""

    packs: Sequence[EvidencePack]
    campaigns: Sequence[Campaign]
    checkpoint: SignedCheckpoint | None
    verifier_key: str


@dataclass(frozen=True, slots=True)
class RoomItem:
    """One item of a shared campaign with the decision that counts, or None."""

    item: ReviewItem
    decision: Decision | None


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


def room(by: Actor, tenant: Tenant) -> Room:
    """Return what is shared with the actor in the open tenant, and what is needed to verify it."""
    packs = visible(by, EvidencePack.objects.filter(state=PackState.ISSUED)).order_by("-issued_at", "-id")
    campaigns = visible(by, Campaign.objects.all()).annotate(items_total=Count("items")).order_by("-opened_at", "-id")
    checkpoint = latest_checkpoint(tenant.uuid)
    return Room(list(packs), list(campaigns), checkpoint, verifier_key(tenant.uuid) if checkpoint else "")


def room_campaign(by: Actor, campaign_id: int, *, after: int = 0) -> RoomCampaign | None:
    """Return a shared campaign with the items after a number; None when it is not shared or does not exist."""
    campaign = visible(by, Campaign.objects.filter(pk=campaign_id)).first()
    if campaign is None:
        return None
    items = _items(campaign, after)
    counts = Decision.objects.filter(campaign=campaign, superseded_by=None).values_list("outcome")
    tally = dict(counts.annotate(n=Count("id")).order_by())
    decided = sum(number for outcome, number in tally.items() if outcome != Outcome.NOT_DECIDED)
    return RoomCampaign(
        campaign=campaign,
        scope=list(ScopeLine.objects.filter(campaign=campaign).select_related("system", "snapshot").order_by("id")),
        tally=[(outcome.label, tally[outcome]) for outcome in Outcome if outcome in tally],
        undecided=ReviewItem.objects.filter(campaign=campaign).count() - decided,
        signatures=list(SignOff.objects.filter(campaign=campaign).select_related("reviewer").order_by("id")),
        items=items[:PAGE],
        next_after=items[PAGE - 1].item.n if len(items) > PAGE else None,
    )


def _items(campaign: Campaign, after: int) -> list[RoomItem]:
    heads = Decision.objects.filter(superseded_by=None).select_related("reviewer")
    rows = ReviewItem.objects.filter(campaign=campaign, n__gt=after).order_by("n")
    rows = rows.select_related("system", "account", "entitlement", "subject")
    rows = rows.prefetch_related(Prefetch("decisions", queryset=heads, to_attr="heads"))
    return [RoomItem(item, item.heads[0] if item.heads else None) for item in rows[: PAGE + 1]]
