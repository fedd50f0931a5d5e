"""Pages about events: search, export, one event, a person's timeline."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from logs.actions import export_events, look_at_events
from logs.exports import csv_lines, ndjson_lines
from logs.forms import SearchForm
from logs.models import AccessEvent
from logs.queries import (
    Filters,
    event_by_key,
    event_facts,
    newest_event_at,
    person_of,
    person_timeline,
    search_events,
    visible_source_ids,
)
from logs.queries.people import seen
from logs.queries.sessions import sessions_of
from logs.views.lines import event_lines
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission
from tenants.models import Tenant
from tenants.scope import tenant_scope

EXPORT_PAGE = 2000
TIMELINE_DAYS = 90


def _search(request: TenantRequest) -> tuple[SearchForm, Filters]:
    ids = visible_source_ids(request.actor)
    form = SearchForm(request.GET, zone=request.tenant.zone, source_ids=ids)
    typed = bool({"window", "first_day", "last_day"} & set(request.GET))
    return form, form.filters(newest_at=None if typed else newest_event_at(ids), typed=typed)


@requires(Permission.EVENT_VIEW)
@require_safe
def search(request: TenantRequest) -> HttpResponse:
    """Show the events that match, newest first, and the window they were looked for in."""
    form, filters = _search(request)
    page = search_events(filters, cursor=request.GET.get("cursor", ""))
    look_at_events(what="Search", asked=form.asked(filters), shown=len(page.events), by=request.actor)
    context = {
        "form": form,
        "filters": filters,
        "chips": form.chips(request.GET),
        "lines": event_lines(page.events, request.GET),
        "cursor": page.cursor,
        "may_export": request.actor.may(Permission.EVENT_EXPORT),
    }
    return render(request, "logs/search.html", context)


@requires(Permission.EVENT_EXPORT)
@require_safe
def export(request: TenantRequest, form_name: str) -> StreamingHttpResponse:
    """Stream everything that matches as CSV or NDJSON; the audit entry is written before the first row."""
    form, filters = _search(request)
    export_events(form=form_name, asked=form.asked(filters), by=request.actor)
    events = _all_events(request.tenant, filters)
    lines, kind = (
        (csv_lines(events), "text/csv") if form_name == "csv" else (ndjson_lines(events), "application/x-ndjson")
    )
    name = f"events-{request.tenant.slug}-{timezone.now():%Y%m%dT%H%M%SZ}.{form_name}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(lines, content_type=f"{kind}; charset=utf-8", headers=headers)


def _all_events(tenant: Tenant, filters: Filters) -> Iterator[AccessEvent]:
    """Give every match page by page, each in a scope of its own: the request's is closed while the body streams."""
    cursor = ""
    while True:
        with tenant_scope(tenant):
            page = search_events(filters, cursor=cursor, limit=EXPORT_PAGE)
        yield from page.events
        cursor = page.cursor
        if not cursor:
            return


@requires(Permission.EVENT_VIEW)
@require_safe
def event(request: TenantRequest, key: str) -> HttpResponse:
    """Show one event: what is shown, what is sealed, the record as delivered, and where it stands in the ledger."""
    found = event_by_key(key, visible_source_ids(request.actor))
    if found is None:
        message = "There is no such event, or it is not yours to see."
        raise Http404(message)
    look_at_events(what=f"Event {key}", asked={}, shown=1, by=request.actor)
    context = {"event": found, "line": event_lines([found])[0], **event_facts(found)}
    return render(request, "logs/event.html", context)


@requires(Permission.EVENT_VIEW)
@require_safe
def timeline(request: TenantRequest, key: str) -> HttpResponse:
    """Show everything one person, account, name or address did, over all kinds of log."""
    person = person_of(key)
    if person is None:
        message = "There is nobody by this name here, or they are not yours to see."
        raise Http404(message)
    ids, totals = visible_source_ids(request.actor), seen(person)
    days = _days(request.GET.get("days", ""))
    since, until = _span(totals.last_at, days)
    cursor = request.GET.get("cursor", "")
    page = person_timeline(person, since=since, until=until, cursor=cursor, source_ids=ids)
    asked = {"since": since, "until": until}
    look_at_events(what=f"Timeline of {person.title}", asked=asked, shown=len(page.events), by=request.actor)
    context: dict[str, Any] = {
        "person": person,
        "totals": totals if ids is None else None,
        "days": days,
        "since": since,
        "until": until,
    }
    context |= {"lines": event_lines(page.events), "cursor": page.cursor, "spans": (7, 30, 90, 365)}
    if not cursor:
        context["sessions"] = sessions_of(person, since=since, until=until, source_ids=ids)
    return render(request, "logs/timeline.html", context)


def _span(last_at: datetime | None, days: int) -> tuple[datetime, datetime]:
    """Return a window that ends now, or a day after the last event where that is longer ago than the window."""
    end = timezone.now() + timedelta(minutes=2)
    if last_at is not None and last_at < end - timedelta(days=days):
        end = last_at + timedelta(days=1)
    return end - timedelta(days=days), end


def _days(text: str) -> int:
    return min(3650, max(1, int(text))) if text.isdecimal() and len(text) < 5 else TIMELINE_DAYS
