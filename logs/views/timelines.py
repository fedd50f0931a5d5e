"""Timelines of a person and of a thing: the strip by day or hour, and the events, over all kinds of log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from identities.kinds import IdentityKind
from logs.actions import look_at_events
from logs.places import made_on
from logs.queries import (
    Filters,
    condition,
    event_counts,
    person_counts,
    person_of,
    person_timeline,
    search_events,
    thing_of,
    visible_source_ids,
)
from logs.queries.attendance import PersonDays
from logs.queries.attendance import attendance as days_of
from logs.queries.people import Person, seen
from logs.queries.sessions import sessions_of
from logs.queries.things import Counts
from logs.querylang import Query, address, written
from logs.querytimes import read_moment
from logs.timestrips import begins, time_strip
from logs.views.lines import event_lines
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission

PERSON_DAYS: Final = 90
THING_DAYS: Final = 7
SPANS: Final = (1, 7, 30, 90, 365)
ATTENDED_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Window:
    """What a timeline shows: a number of days, one day (``day``), or one hour of it (``hour``, 0 to 24)."""

    since: datetime
    until: datetime
    days: int
    day: date | None
    columns_since: datetime
    columns_until: datetime

    @property
    def by_hour(self) -> bool:
        """Whether the strip has a column for each hour."""
        return self.columns_until - self.columns_since <= timedelta(days=2)


def window_of(asked: dict[str, str], *, usual: int, last_at: datetime | None, zone: ZoneInfo) -> Window:
    """Return the window that an address asks for: ``days``, ``day`` (a date) and ``from`` (the begin of an hour)."""
    days = min(3650, max(1, int(asked["days"]))) if _is_number(asked.get("days", "")) else usual
    day = read_moment(asked.get("day", ""))
    if type(day) is not date:
        end = timezone.now() + timedelta(minutes=2)
        if last_at is not None and last_at < end - timedelta(days=days):
            end = last_at + timedelta(days=1)
        since = end - timedelta(days=days)
        return Window(since, end, days, None, since, end)
    begin = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    hour = read_moment(asked.get("hour", ""))
    if isinstance(hour, datetime) and hour.tzinfo and begin <= hour < end:
        return Window(hour, hour + timedelta(hours=1), days, day, begin, end)
    return Window(begin, end, days, day, begin, end)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


@requires(Permission.EVENT_VIEW)
@require_safe
def timeline(request: TenantRequest, key: str) -> HttpResponse:
    """Show everything one person, account, name or address did, over all kinds of log."""
    person = person_of(key)
    if person is None:
        message = "There is nobody by this name here, or they are not yours to see."
        raise Http404(message)
    ids, totals, zone = visible_source_ids(request.actor), seen(person), request.tenant.zone
    window = window_of(request.GET.dict(), usual=PERSON_DAYS, last_at=totals.last_at, zone=zone)
    cursor = request.GET.get("cursor", "")
    page = person_timeline(person, since=window.since, until=window.until, cursor=cursor, source_ids=ids)
    filters = Filters(window.columns_since, window.columns_until, source_ids=ids)
    counts = person_counts(person, filters, by_hour=window.by_hour, zone=zone)
    asked = {"since": window.since, "until": window.until}
    look_at_events(what=f"Timeline of {person.title}", asked=asked, shown=len(page.events), by=request.actor)
    context: dict[str, Any] = {
        "person": person,
        "title": person.title,
        "kind": person.kind,
        "totals": totals if ids is None else None,
    }
    context |= {"lead": "Everything they did and everything done to their rights, over all kinds of log, newest first."}
    context |= {"lines": event_lines(page.events), "cursor": page.cursor, **_picture(counts, window, zone)}
    if not cursor:
        context["sessions"] = sessions_of(person, since=window.since, until=window.until, source_ids=ids)
        context["attendance"] = _attendance(person, window, zone, ids)
    return render(request, "logs/timeline.html", context)


@requires(Permission.EVENT_VIEW)
@require_safe
def thing(request: TenantRequest, kind: str, value: str) -> HttpResponse:
    """Show everything that happened with one address, device, object and so on, over all kinds of log."""
    found = thing_of(kind, value)
    if found is None:
        message = "There is no timeline of such a thing."
        raise Http404(message)
    ids, zone, query = visible_source_ids(request.actor), request.tenant.zone, Query((found.term,))
    window = window_of(request.GET.dict(), usual=THING_DAYS, last_at=None, zone=zone)
    filters = Filters(window.since, window.until, where=condition(query), source_ids=ids)
    page = search_events(filters, cursor=request.GET.get("cursor", ""))
    whole = Filters(window.columns_since, window.columns_until, where=filters.where, source_ids=ids)
    counts = event_counts(whole, by_hour=window.by_hour, zone=zone)
    asked = {"q": written(query), "since": window.since, "until": window.until}
    look_at_events(what=f"Timeline of {found.title}", asked=asked, shown=len(page.events), by=request.actor)
    context: dict[str, Any] = {
        "title": found.title,
        "kind": found.kind,
        "search": address(written(query), str(window.days)),
    }
    context |= {"lead": "Everything that happened with it, over all kinds of log, newest first."}
    context |= {"lines": event_lines(page.events), "cursor": page.cursor, **_picture(counts, window, zone)}
    return render(request, "logs/timeline.html", context)


def _attendance(person: Person, window: Window, zone: ZoneInfo, ids: Collection[int] | None) -> PersonDays | None:
    """Return the window's days of a person in the register, at most the last 14 of them."""
    if person.identity is None or person.identity.kind == IdentityKind.SERVICE:
        return None
    last = (window.until - timedelta(microseconds=1)).astimezone(zone).date()
    first = max(window.since.astimezone(zone).date(), last - timedelta(days=ATTENDED_DAYS - 1))
    (found,) = days_of([person.identity], first, last, zone=zone, source_ids=ids)
    return found


def _picture(counts: Counts, window: Window, zone: ZoneInfo) -> dict[str, Any]:
    """Return the strip and the window for the page."""
    columns = begins(window.columns_since, window.columns_until, zone, by_hour=window.by_hour)
    strip = time_strip(counts, columns, by_hour=window.by_hour)
    shown = {"strip": strip, "window": window, "since": window.since, "until": window.until, "spans": SPANS}
    return shown | {"places_on": made_on()}
