"""Answers which second looks wait for whom, and how far the second decisions agree with the first."""

from dataclasses import replace

from django.db.models import QuerySet

from identities.models import Identity
from reviews.agreement import Agreement, agreement
from reviews.models import Campaign, SecondLook
from reviews.queries.desk import ItemSheet, item_sheet
from reviews.states import WORKING

_SHOWN = ("campaign", "item__campaign", "item__account", "item__entitlement", "item__system", "item__subject")


def looks_for(person: Identity) -> QuerySet[SecondLook]:
    """Returns what waits for a second reviewer, oldest first; nothing of the first decision is read."""
    rows = SecondLook.objects.filter(second=person, outcome="", decision__superseded_by__isnull=True)
    rows = rows.filter(campaign__state__in=WORKING).select_related(*_SHOWN)
    return rows.order_by("asked_at", "item__n", "pk")


def blind_sheet(look: SecondLook) -> ItemSheet:
    """Returns everything that the first reviewer saw about the item, and nothing of what they or anybody decided."""
    return replace(item_sheet(look.item), decision=None, history=[])


def looks_of(campaign: Campaign) -> QuerySet[SecondLook]:
    """Returns the second looks of a campaign that count, in the order of their items."""
    rows = SecondLook.objects.filter(campaign=campaign, decision__superseded_by__isnull=True)
    return rows.select_related(*_SHOWN, "decision", "first", "second").order_by("item__n")


def agreements(campaign: Campaign) -> dict[int, Agreement]:
    """Returns how far second decisions agree with those of each first reviewer: one query."""
    pairs: dict[int, list[tuple[str, str]]] = {}
    for first, one, other in looks_of(campaign).values_list("first_id", "decision__outcome", "outcome"):
        pairs.setdefault(first, []).append((one, other))
    return {first: agreement(told) for first, told in pairs.items()}


def looks_waiting(campaign: Campaign) -> int:
    """Returns how many second looks of a campaign wait; it does not close before they are taken."""
    return looks_of(campaign).filter(outcome="").order_by().count()
