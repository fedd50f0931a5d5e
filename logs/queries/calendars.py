"""The coverage page: every source's half year against its schedule, and how well it delivers, from roll-ups alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connections
from django.utils import timezone

from logs.calendars import (
    Calendar,
    DayCount,
    Span,
    add_counts,
    count_days,
    covered_of,
    draw,
    expected_in,
    hour_number,
    silent_since,
    spans,
)
from logs.coverage import Schedule, schedule_of
from logs.health import Arrival, Way, way_of
from logs.models import LogSource, SourceStream
from logs.queries.coverage import GRACE
from logs.sequences import NUMBERED, Run, Track
from tenants.scope import current_tenant_id

WEEKS: Final = 26
RECENT: Final = timedelta(days=30)
NEWEST: Final = 50
"""Deliveries of a source that its grade and delay are taken from."""

_HOURS: Final = """
SELECT s.id,
    (SELECT min(hour) FROM logs_sourcehour AS f WHERE f.tenant_id = %(tenant)s AND f.source_id = s.id AND f.events > 0),
    h.hours, coalesce(h.events, 0), coalesce(h.quarantined, 0), coalesce(h.future, 0)
FROM unnest(%(sources)s::bigint[]) AS s (id) LEFT JOIN LATERAL (
    SELECT array_agg((date_part('epoch', hour) / 3600)::int) FILTER (WHERE events > 0) AS hours,
        sum(events) FILTER (WHERE hour >= %(recent)s)::bigint AS events,
        sum(quarantined) FILTER (WHERE hour >= %(recent)s)::bigint AS quarantined,
        sum(future) FILTER (WHERE hour >= %(recent)s)::bigint AS future
    FROM logs_sourcehour WHERE tenant_id = %(tenant)s AND source_id = s.id AND hour >= %(since)s
) AS h ON true
"""
_ARRIVALS: Final = """
SELECT s.id, d.door, d.last_record, d.received_at, d.last_occurred_at
FROM unnest(%(sources)s::bigint[]) AS s (id) CROSS JOIN LATERAL (
    SELECT door, last_record, received_at, last_occurred_at FROM logs_delivery
    WHERE tenant_id = %(tenant)s AND source_id = s.id AND stored + routed > 0 AND door <> 'again'
    ORDER BY received_at DESC LIMIT %(newest)s
) AS d
"""
_GAPS: Final = """
SELECT source_id, count(*), sum(missing)::bigint FROM logs_sourcestream
WHERE tenant_id = %(tenant)s AND source_id = ANY(%(sources)s) AND missing > 0 GROUP BY source_id
"""


class _Held(NamedTuple):
    """What the roll-ups hold of a source: its first hour of all, the hours with events, and a month's counts."""

    first: datetime | None
    hours: frozenset[int]
    events: int
    quarantined: int
    future: int


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source on the coverage page: half a year's expected and covered hours, its days, and how it delivers.

    ``silent_since`` is the first expected hour since which nothing came. ``unreadable`` and ``future`` are of the last
    30 days: the part of the records that could not be read, and events whose time lay after their receipt.
    """

    source: LogSource
    expected: int
    received: int
    days: Sequence[DayCount]
    silent_since: datetime | None
    unreadable: float | None
    future: int
    way: Way
    gapped_streams: int
    missing_numbers: int

    @property
    def numbered(self) -> bool:
        """Whether the source's format numbers its records one after the other."""
        return self.source.format in NUMBERED

    @property
    def ratio(self) -> float | None:
        """The covered part of the expected hours, None where nothing was expected."""
        return self.received / self.expected if self.expected else None

    @property
    def missing(self) -> int:
        """How many expected hours hold nothing."""
        return self.expected - self.received

    @property
    def falls_short(self) -> bool:
        """Whether the source delivers in a worse way than was stated of it."""
        return self.way.grade > self.source.grade


@dataclass(frozen=True, slots=True)
class Overview:
    """All sources' half year in one calendar, and each source's line."""

    calendar: Calendar
    lines: Sequence[SourceHealth]


def coverage_overview(sources: Sequence[LogSource], *, zone: ZoneInfo, now: datetime | None = None) -> Overview:
    """Return 26 weeks of coverage of the sources by local days of the zone; three queries, none over events."""
    until = (now or timezone.now()) - GRACE
    last = until.astimezone(zone).date()
    days = spans(zone, last - timedelta(weeks=WEEKS) + timedelta(days=1), last)
    window = range(days[0].hours.start, int(until.timestamp()) // 3600)
    held, ways = _held([source.pk for source in sources], days[0].on, zone, until), _ways(sources)
    memo: dict[Schedule, frozenset[int]] = {}
    gaps = _gaps(sources)
    lines = [
        _line(source, days, _expected(source, window, held[source.pk], memo), held[source.pk], ways[source.pk], gaps)
        for source in sources
    ]
    return Overview(draw(days, add_counts([line.days for line in lines], len(days))), lines)


def _held(ids: list[int], first: date, zone: ZoneInfo, until: datetime) -> dict[int, _Held]:
    since = datetime(first.year, first.month, first.day, tzinfo=zone)
    asked: dict[str, Any] = {"tenant": current_tenant_id(), "sources": ids, "since": since, "recent": until - RECENT}
    with connections["default"].cursor() as cursor:
        cursor.execute(_HOURS, asked)
        return {
            source: _Held(begin, frozenset(hours or ()), *counts) for source, begin, hours, *counts in cursor.fetchall()
        }


def _ways(sources: Sequence[LogSource]) -> dict[int, Way]:
    asked: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "sources": [source.pk for source in sources],
        "newest": NEWEST,
    }
    arrivals: dict[int, list[Arrival]] = {source.pk: [] for source in sources}
    with connections["default"].cursor() as cursor:
        cursor.execute(_ARRIVALS, asked)
        for source, *facts in cursor.fetchall():
            arrivals[source].append(Arrival(*facts))
    return {source: way_of(found) for source, found in arrivals.items()}


def _gaps(sources: Sequence[LogSource]) -> dict[int, tuple[int, int]]:
    """Return for the sources that lack numbers in how many streams, and how many numbers."""
    asked: dict[str, Any] = {"tenant": current_tenant_id(), "sources": [source.pk for source in sources]}
    with connections["default"].cursor() as cursor:
        cursor.execute(_GAPS, asked)
        return {source: (streams, missing) for source, streams, missing in cursor.fetchall()}


def _expected(
    source: LogSource, window: range, held: _Held, memo: dict[Schedule, frozenset[int]]
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the hours of the window at which the source had to give events, and those of them that are covered."""
    schedule = schedule_of(source.expected, source.zone)
    if schedule is None:
        return frozenset(), frozenset()
    if schedule not in memo:
        memo[schedule] = expected_in(schedule, window)
    known = hour_number(min(source.created_at, held.first or source.created_at))
    expected = memo[schedule] if known <= window.start else frozenset(n for n in memo[schedule] if n >= known)
    return expected, covered_of(expected, held.hours, schedule.every_hours)


def _line(
    source: LogSource,
    days: list[Span],
    hours: tuple[frozenset[int], frozenset[int]],
    held: _Held,
    way: Way,
    gaps: dict[int, tuple[int, int]],
) -> SourceHealth:
    expected, covered = hours
    records = held.events + held.quarantined
    streams, missing = gaps.get(source.pk, (0, 0))
    return SourceHealth(
        source=source,
        expected=len(expected),
        received=len(covered),
        days=count_days(days, expected, covered, held.hours),
        silent_since=silent_since(expected, covered),
        unreadable=held.quarantined / records if records else None,
        future=held.future,
        way=way,
        gapped_streams=streams,
        missing_numbers=missing,
    )


@dataclass(frozen=True, slots=True)
class GappedStream:
    """A stream of a source whose numbers have gaps: the newest of them, as first and last missing number."""

    name: str
    missing: int
    gaps: Sequence[Run]
    seen_at: datetime


def gapped_streams(source: LogSource, limit: int = 10) -> list[GappedStream]:
    """Return the streams of a source with gaps, last seen first."""
    rows = SourceStream.objects.filter(source_id=source.pk, missing__gt=0).order_by("-seen_at", "stream")[:limit]
    return [GappedStream(row.stream, row.missing, Track(row.first, row.runs).gaps[-5:], row.seen_at) for row in rows]
