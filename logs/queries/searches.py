"""The views that a person may open, and the exports that they may read the manifest of."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from logs.models import EventExport, SavedSearch
from tenants.kinds import Actor

SHOWN = 200


def saved_searches(by: Actor) -> Sequence[SavedSearch]:
    """Return the person's own views and those that others show, by name."""
    rows = SavedSearch.objects.select_related("owner").filter(Q(owner_id=by.user_id) | Q(shared=True))
    return list(rows.order_by("name", "id")[:SHOWN])


def saved_search(by: Actor, search_id: int) -> SavedSearch | None:
    """Return a view that the person may see."""
    return SavedSearch.objects.filter(Q(owner_id=by.user_id) | Q(shared=True), pk=search_id).first()


def exports(by: Actor) -> Sequence[EventExport]:
    """Return the newest exports: all of the tenant, or only the actor's own where they do not see every source."""
    return list(_seen(by)[:SHOWN])


def event_export(by: Actor, export_id: UUID) -> EventExport | None:
    """Return one export."""
    return _seen(by).filter(pk=export_id).first()


def _seen(by: Actor) -> QuerySet[EventExport]:
    rows = EventExport.objects.order_by("-ended_at", "id")
    return rows if by.sees_all_shareable else rows.filter(by=by.name)
