"""Pages about events: search, export, one event."""

from collections.abc import Iterator

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from logs.actions import export_events, look_at_events
from logs.exports import FORMS
from logs.forms import Asked, SearchForm
from logs.models import AccessEvent
from logs.queries import (
    Filters,
    event_by_key,
    event_facts,
    newest_event_at,
    search_events,
    visible_source_ids,
)
from logs.views.lines import event_lines
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission
from tenants.models import Tenant
from tenants.scope import tenant_scope

EXPORT_PAGE = 2000


def _search(request: TenantRequest) -> tuple[SearchForm, Asked]:
    ids = visible_source_ids(request.actor)
    form = SearchForm(request.GET, zone=request.tenant.zone, source_ids=ids)
    return form, form.asked(newest_at=None if form.own_window else newest_event_at(ids))


@requires(Permission.EVENT_VIEW)
@require_safe
def search(request: TenantRequest) -> HttpResponse:
    """Show the events that match, newest first, and the window they were looked for in."""
    form, asked = _search(request)
    page = search_events(asked.filters, cursor=request.GET.get("cursor", ""))
    look_at_events(what="Search", asked=asked.facts(), shown=len(page.events), by=request.actor)
    context = {
        "form": form,
        "asked": asked,
        "filters": asked.filters,
        "chips": asked.chips,
        "lines": event_lines(page.events, asked),
        "cursor": page.cursor,
        "may_export": request.actor.may(Permission.EVENT_EXPORT),
    }
    return render(request, "logs/search.html", context)


@requires(Permission.EVENT_EXPORT)
@require_safe
def export(request: TenantRequest, form_name: str) -> HttpResponseBase:
    """Stream everything that matches as CSV or NDJSON; the audit entry is written before the first row."""
    _form, asked = _search(request)
    if asked.fault:
        return redirect(f"{reverse('logs:search', args=[request.tenant.slug])}?{request.GET.urlencode()}")
    export_events(form=form_name, asked=asked.facts(), by=request.actor)
    lines, kind = FORMS[form_name]
    name = f"events-{request.tenant.slug}-{timezone.now():%Y%m%dT%H%M%SZ}.{form_name}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    body = lines(_all_events(request.tenant, asked.filters))
    return StreamingHttpResponse(body, content_type=f"{kind}; charset=utf-8", headers=headers)


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
