"""Deeds on the portal's own pages: looking at logs and at review populations is a deed."""

from django.db import transaction

from ledger.kinds import LeafKind
from portal.policies import can_look_at_feed, can_look_at_population
from reviews.models import Campaign
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def look_at_feed(*, sources: int, by: Actor) -> None:
    """Record that somebody opened the feed of accesses (its refreshes are the same look)."""
    enforce(can_look_at_feed(by))
    audit("feed.look", by=by, target="Who touched our data", detail={"sources": sources}, kind=LeafKind.LOOKED)


@transaction.atomic
def look_at_population(*, campaign: Campaign, after: int, by: Actor) -> None:
    """Record that an auditor looked at a page of a campaign's population."""
    enforce(can_look_at_population(by))
    detail = {"campaign": campaign.pk, "after_item": after}
    audit("population.look", by=by, target=campaign.name, detail=detail, kind=LeafKind.LOOKED)
