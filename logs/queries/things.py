"""Timelines of things: an address, a device, an object and so on, over all kinds of log; and counts for their strip."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.db.models.functions import TruncDay, TruncHour

from logs.queries.search import Filters, by_session, matching
from logs.querylang import QueryError, Term, term

Counts = Mapping[tuple[datetime, int], int]
"""Events by the begin of their day or hour (aware, in the tenant's zone) and their kind of log."""

KINDS: Final = {
    "address": ("ip", "Network address"),
    "device": ("device", "Device"),
    "object": ("object", "Object"),
    "session": ("session", "Session"),
    "host": ("host", "Host"),
    "application": ("app", "Application"),
}
"""Kinds of thing that have a timeline: the qualifier that finds their events, and their name on the page."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a timeline is of: its kind in words, its value as a title, and the term that finds its events."""

    kind: str
    title: str
    term: Term


def thing_of(kind: str, value: str) -> Thing | None:
    """Return the thing that an address names, None when there is no such kind or the value makes no sense."""
    known = KINDS.get(kind)
    if known is None or not value.strip():
        return None
    try:
        found = term(known[0], value)
    except QueryError:
        return None
    return Thing(known[1], found.text, found)


def event_counts(filters: Filters, *, by_hour: bool, zone: ZoneInfo) -> Counts:
    """Return how many events match in each day, or hour, of the zone and of each kind of log; one query."""
    begin = (TruncHour if by_hour else TruncDay)("occurred_at", tzinfo=zone)
    rows = matching(filters).annotate(begin=begin).values_list("begin", "log_type").annotate(n=Count("id"))
    with by_session(filters):
        return {(begin, kind): number for begin, kind, number in rows.order_by()}
