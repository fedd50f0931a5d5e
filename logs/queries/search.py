"""Search over events: a window of time, filters, free text, and a cursor; a constant number of queries."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.db import connections
from django.db.models import F, Func, Max, Q, QuerySet, TextField, Value

from logs.models import SKEW_SECONDS, AccessEvent, TypeDay, event_key, read_event_key

PAGE: Final = 50
LOOKED_AT: Final = 15_000
"""Events of the tenant that one page of a search without an index reads at most: about 30 ms (bench/ten_million.py)."""

SKEW: Final = timedelta(seconds=SKEW_SECONDS)
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
HEAVY: Final = ("core", "subj", "raw", "salts", "extra")
"""Columns that no list shows."""

_BY_PAGES: Final = "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off"
_AS_BEFORE: Final = "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT"
_IN_ORDER: Final = frozenset({"actor_key", "src_ip"})
"""Columns whose index gives the events in order of time: a search that names one rests on that."""

TEXT_COLUMNS: Final = (
    *("actor_name", "actor_uid", "target_name", "app", "action", "resource", "src_host", "dst_host", "device_uid"),
    *("database", "table", "session_uid", "status_detail", "user_agent", "client", "ticket_ref"),
)
"""Columns that free text looks into."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for. ``since`` and ``until`` are aware and always given; None means any.

    ``where`` is what `logs.queries.conditions` makes of a query. ``source_ids`` are the sources that the asker may see
    (None: all of the tenant).
    """

    since: datetime
    until: datetime
    where: Q = field(default_factory=Q)
    source_id: int | None = None
    system_id: int | None = None
    source_ids: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of events, newest first, and the cursor of the next page ("" at the end).

    ``looked_back_to`` is how far the events were looked at where that is not to the begin of the window.
    """

    events: Sequence[AccessEvent]
    cursor: str
    looked_back_to: datetime | None = None


def window(since: datetime, until: datetime | None = None) -> Q:
    """Return the condition of a time window on when events occurred.

    An event is received later than 120 s before it occurred (the database holds it), so the window's begin bounds the
    months to look into; its end does not, because imported events are received late. Events before 1990 are never
    stored, so a begin before that is taken for it.
    """
    since = max(since, EARLIEST)
    bounds = Q(occurred_at__gte=since, received_at__gte=since - SKEW)
    return bounds & Q(occurred_at__lt=until) if until else bounds


def search_events(
    filters: Filters, *, cursor: str = "", limit: int = PAGE, whole: bool = False, at_most: int | None = None
) -> SearchPage:
    """Return a page of the events that match, newest first, after the cursor; ``whole`` with their sealed bytes.

    With ``at_most`` only so many of the tenant's events are looked at, the newest after the cursor; the page says how
    far back that is, and its cursor goes on from there even when nothing was found.
    """
    edge = _edge(filters, cursor, at_most) if at_most else None
    rows = _after(matching(replace(filters, since=edge[0]) if edge else filters), cursor)
    if edge:
        rows = rows.exclude(occurred_at=edge[0], id__lt=edge[1])
    rows = rows.order_by("-occurred_at", "-id")
    with by_session(filters):
        events = list((rows if whole else rows.defer(*HEAVY))[: limit + 1])
    more = len(events) > limit
    events = events[:limit]
    if more:
        return SearchPage(events, event_key(events[-1].occurred_at, events[-1].id))
    return SearchPage(events, event_key(*edge), edge[0]) if edge else SearchPage(events, "")


def _after(rows: QuerySet[AccessEvent], cursor: str) -> QuerySet[AccessEvent]:
    """Return the rows that come after the cursor, newest first."""
    place = read_event_key(cursor)
    if place is None:
        return rows
    occurred_at, number = place
    rows = rows.filter(Q(occurred_at__lt=occurred_at) | Q(occurred_at=occurred_at, id__lt=number))
    return rows.filter(occurred_at__lte=occurred_at)


def _edge(filters: Filters, cursor: str, at_most: int) -> tuple[datetime, int] | None:
    """Return time and number of the last event that is looked at; None where the window has no more than those."""
    rows = _after(AccessEvent.objects.filter(window(filters.since, filters.until)), cursor)
    found = list(rows.order_by("-occurred_at", "-id").values_list("occurred_at", "id")[at_most - 1 : at_most + 1])
    return found[0] if len(found) > 1 else None


@contextmanager
def by_session(filters: Filters) -> Iterator[None]:
    """Let what is asked inside be found by the index of sessions, where a session that is rare is all that is named.

    That index (BRIN) tells in which pages a session may be. The planner takes the pages of a session for strewn, so
    that they cost it as much as all of them, and an order with a limit less: it walks back through the newest events
    and reads the whole month for a session that is rare (3.9 s for 3 of 715,000 events; by the index 0.01 s). One
    that already fills a page among the newest events is found by that walk.
    """
    names = {child[0] for child in filters.where.children if isinstance(child, tuple)}
    named = "session_uid" in names and filters.where.connector == Q.AND and not filters.where.negated
    if not named or not names.isdisjoint(_IN_ORDER) or not _is_rare(filters):
        yield
        return
    with connections["default"].cursor() as cursor:
        cursor.execute(_BY_PAGES)
        yield
        cursor.execute(_AS_BEFORE)


def _is_rare(filters: Filters) -> bool:
    """Tell whether the newest events that a page may look at do not fill it; not where the window has no more."""
    edge = _edge(filters, "", LOOKED_AT)
    return edge is not None and len(matching(replace(filters, since=edge[0])).values_list("id")[:PAGE]) < PAGE


def matching(filters: Filters) -> QuerySet[AccessEvent]:
    """Return all events that match, in no order."""
    rows = AccessEvent.objects.filter(window(filters.since, filters.until))
    if filters.source_ids is not None:
        rows = rows.filter(source_id__in=list(filters.source_ids))
    for column in ("source_id", "system_id"):
        if (asked := getattr(filters, column)) is not None:
            rows = rows.filter(**{column: asked})
    words = Func(Value(" "), *(F(column) for column in TEXT_COLUMNS), function="concat_ws", output_field=TextField())
    return rows.alias(words=words).filter(filters.where)


def newest_event_at(source_ids: Collection[int] | None = None) -> datetime | None:
    """Return when the newest event occurred, None when there is none; the roll-up says in which day to look."""
    days = TypeDay.objects.all() if source_ids is None else TypeDay.objects.filter(source_id__in=list(source_ids))
    newest = days.aggregate(newest=Max("day"))["newest"]
    if newest is None:
        return None
    rows = AccessEvent.objects.filter(window(datetime.combine(newest, time.min, UTC)))
    if source_ids is not None:
        rows = rows.filter(source_id__in=list(source_ids))
    found: datetime | None = rows.order_by("-occurred_at", "-id").values_list("occurred_at", flat=True).first()
    return found


def event_by_key(key: str, source_ids: Collection[int] | None = None) -> AccessEvent | None:
    """Return the event that an address names, with its sealed bytes, superseded or not; None for one unseen."""
    place = read_event_key(key)
    if place is None:
        return None
    rows = AccessEvent.sealed.filter(received_at=place[0], id=place[1])
    if source_ids is not None:
        rows = rows.filter(source_id__in=list(source_ids))
    return rows.first()
