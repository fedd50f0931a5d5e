"""Answers which control items stand among a reviewer's items, and how many of them were taken away."""

from collections.abc import Collection

from django.db.models import Count, Q, QuerySet

from identities.models import Identity
from reviews.kinds import Outcome
from reviews.models import Campaign, ControlItem
from reviews.states import CampaignState


def controls_for(campaign: Campaign, reviewer: Identity) -> QuerySet[ControlItem]:
    """Returns the control items that are put to a reviewer; none for most campaigns, and then without a query."""
    rows = ControlItem.objects.select_related("campaign", "system").order_by("pk")
    if not campaign.definition.get("control_items"):
        return rows.none()
    return rows.filter(campaign=campaign, reviewer=reviewer)


def undecided_controls(campaign: Campaign, reviewer: Identity) -> int:
    """Returns how many control items keep a reviewer from signing: none after the time to decide."""
    if campaign.state != CampaignState.OPEN:
        return 0
    return controls_for(campaign, reviewer).filter(outcome="").count()


def merged(numbers: list[int], controls: Collection[int], first: int) -> list[int]:
    """Returns the ids of items with those of control items among the first so many, where their like stand.

    The place follows from the id, so that it is the same each time that the list is drawn.
    """
    found = list(numbers)
    for pk in controls:
        found.insert(pk * 7919 % (first + 1), pk)
    return found


def caught_by_reviewer(campaign: Campaign) -> dict[int, tuple[int, int]]:
    """Returns for each reviewer how many control items they took away, of how many that they decided."""
    if not campaign.definition.get("control_items"):
        return {}
    rows = ControlItem.objects.filter(campaign=campaign).exclude(outcome="").order_by().values_list("reviewer_id")
    taken = Count("pk", filter=Q(outcome__in=[Outcome.REVOKE, Outcome.MODIFY]))
    return {reviewer: (caught, n) for reviewer, caught, n in rows.annotate(taken=taken, n=Count("pk"))}
