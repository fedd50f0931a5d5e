"""Attendance: what was planned for people, and what the logs show of it, day by day; and its export."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from identities.queries import newest_roster
from logs.actions import export_events, look_at_events
from logs.attendancesheet import sheet
from logs.exporting import Export, sealed
from logs.places import made_on
from logs.queries import visible_source_ids
from logs.queries.attendance import attendance as days_of
from logs.queries.attendance import attended_people
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission

PEOPLE: Final = 10
USUAL_DAYS: Final = 14
MOST_DAYS: Final = 92
EARLIEST: Final = date(1990, 1, 2)


@dataclass(frozen=True, slots=True)
class AskedDays:
    """What is asked for: words in the name, id, programme or site of people, and the first and last local day."""

    text: str
    first: date
    last: date

    def facts(self, zone: ZoneInfo) -> dict[str, str | datetime]:
        """Return what the audit trail says was asked for."""
        since, until = self.span(zone)
        return {"q": self.text, "since": since, "until": until}

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the begin of the first and the end of the last day."""
        end = datetime.combine(self.last + timedelta(days=1), time(), zone)
        return datetime.combine(self.first, time(), zone), end


def asked_days(asked: dict[str, str], today: date) -> AskedDays:
    """Return the days of an address: by default the last 14; at most 92, and none after tomorrow."""
    last = min(_day(asked.get("last", "")) or today, today + timedelta(days=1))
    last = max(last, EARLIEST)
    first = _day(asked.get("first", "")) or last - timedelta(days=USUAL_DAYS - 1)
    first = max(min(first, last), last - timedelta(days=MOST_DAYS - 1), EARLIEST)
    return AskedDays(asked.get("q", "").replace("\x00", "").strip()[:200], first, last)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@requires(Permission.EVENT_VIEW)
@require_safe
def attendance(request: TenantRequest) -> HttpResponse:
    """Show people's days: planned, first and last seen, in sessions, from where, and which sources were silent."""
    zone, ids = request.tenant.zone, visible_source_ids(request.actor)
    asked = asked_days(request.GET.dict(), timezone.localdate(timezone=zone))
    page = Paginator(attended_people(asked.text, asked.first, asked.last), PEOPLE).get_page(request.GET.get("page"))
    people = days_of(list(page), asked.first, asked.last, zone=zone, source_ids=ids)
    shown = sum(len(one.days) for one in people)
    look_at_events(what="Attendance", asked=asked.facts(zone), shown=shown, by=request.actor)
    context = {
        "asked": asked,
        "page": page,
        "people": people,
        "roster": newest_roster(),
        "places_on": made_on(),
        "most_days": MOST_DAYS,
        "may_export": request.actor.may(Permission.EVENT_EXPORT),
    }
    return render(request, "logs/attendance.html", context)


@requires(Permission.EVENT_EXPORT)
@require_safe
def attendance_export(request: TenantRequest) -> HttpResponseBase:
    """Stream the days of everybody who fits as CSV; the audit entry is written before the first row."""
    zone, ids = request.tenant.zone, visible_source_ids(request.actor)
    asked = asked_days(request.GET.dict(), timezone.localdate(timezone=zone))
    export_id = uuid4()
    export_events(export_id=export_id, form="attendance", asked=asked.facts(zone), by=request.actor)
    since, until = asked.span(zone)
    rows = sheet(request.tenant, asked.text, asked.first, asked.last, ids)
    facts = Export(export_id, request.tenant, "attendance", asked.text, since, until)
    name = f"attendance-{request.tenant.slug}-{str(export_id)[:8]}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    body = sealed(facts, rows, by=request.actor)
    return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)
