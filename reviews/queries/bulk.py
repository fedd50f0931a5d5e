"""Answers what would be kept together, and which bulks of a reviewer still count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Max, QuerySet
from django.utils.dateparse import parse_datetime

from identities.models import Identity
from reviews.models import Campaign, Decision, ReviewItem
from reviews.queries.desk import items_for
from reviews.queries.standing import heads, heads_of, is_answer

NAMED: Final = 5
"""How many items a sentence names; it counts the others."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Holds the items that a reviewer ticked and that are undecided, and in words those that are decided already."""

    items: Sequence[ReviewItem]
    decided: str

    @property
    def lines(self) -> list[tuple[ReviewItem, datetime | None]]:
        """Returns each item with its last successful use."""
        return [(item, parse_datetime(item.evidence.get("last_used_at") or "")) for item in self.items]


def ticked(campaign: Campaign, reviewer: Identity, ids: Iterable[int]) -> Ticked:
    """Returns what of these items lies on a reviewer's desk, in the order of their numbers: two queries."""
    items = list(items_for(campaign, reviewer).filter(pk__in=set(ids)).order_by("n"))
    known = heads_of([item.pk for item in items])
    return Ticked([item for item in items if not is_answer(known.get(item.pk))], names_of_decided(items, known))


def names_of_decided(items: Sequence[ReviewItem], known: Mapping[int, Decision]) -> str:
    """Returns the names and outcomes of the items with an answer in `known` (by item), or an empty text."""
    found = [
        f"{_name(item)} ({known[item.pk].get_outcome_display()})" for item in items if is_answer(known.get(item.pk))
    ]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more


def _name(item: ReviewItem) -> str:
    """Returns how the list names an item."""
    return f"{item.subject.name if item.subject else item.account.name}, {item.entitlement}"


@dataclass(frozen=True, slots=True)
class Bulk:
    """Holds one bulk of a reviewer: when it was decided, and how many of its decisions still count."""

    bulk: UUID
    decided_at: datetime
    count: int


def kept_in(campaign: Campaign, bulk: UUID) -> QuerySet[Decision]:
    """Returns the decisions of a bulk that still count."""
    return heads(campaign.pk).filter(bulk=bulk)


def bulks_of(campaign: Campaign, reviewer: Identity) -> list[Bulk]:
    """Returns the bulks of a reviewer of which something still counts, newest first."""
    rows = heads(campaign.pk).filter(reviewer=reviewer, bulk__isnull=False).order_by().values_list("bulk")
    counted = rows.annotate(decided_at=Max("decided_at"), count=Count("pk")).order_by("-decided_at")
    return [Bulk(bulk, at, count) for bulk, at, count in counted if bulk is not None]
