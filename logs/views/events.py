"""Pages about events: search, export, one event."""

from uuid import uuid4

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from logs.actions import export_events, look_at_events
from logs.exporting import exported
from logs.exports import FORMS
from logs.forms import Asked, SaveForm, SearchForm
from logs.places import made_on
from logs.queries import (
    event_by_key,
    event_facts,
    newest_event_at,
    search_events,
    visible_source_ids,
)
from logs.queries.conditions import reads_all
from logs.queries.erasures import why_gone
from logs.queries.search import LOOKED_AT
from logs.queries.searches import saved_searches
from logs.views.lines import event_lines
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


def _search(request: TenantRequest) -> tuple[SearchForm, Asked]:
    ids = visible_source_ids(request.actor)
    form = SearchForm(request.GET, zone=request.tenant.zone, source_ids=ids)
    return form, form.asked(newest_at=None if form.own_window else newest_event_at(ids))


@requires(Permission.EVENT_VIEW)
@require_safe
def search(request: TenantRequest) -> HttpResponse:
    """Show the events that match, newest first, and the window they were looked for in."""
    form, asked = _search(request)
    most = LOOKED_AT if reads_all(asked.query) else None
    page = search_events(asked.filters, cursor=request.GET.get("cursor", ""), at_most=most)
    look_at_events(what="Search", asked=asked.facts(), shown=len(page.events), by=request.actor)
    context = {
        "form": form,
        "asked": asked,
        "filters": asked.filters,
        "chips": asked.chips,
        "lines": event_lines(page.events, asked),
        "places_on": made_on(),
        "cursor": page.cursor,
        "back_to": page.looked_back_to,
        "looked_at": LOOKED_AT,
        "views": saved_searches(request.actor),
        "save_form": SaveForm(initial={"q": asked.text, "window": asked.window}, auto_id="view_%s"),
        "may_export": request.actor.may(Permission.EVENT_EXPORT),
    }
    return render(request, "logs/search.html", context)


@requires(Permission.EVENT_EXPORT)
@require_safe
def export(request: TenantRequest, form_name: str) -> HttpResponseBase:
    """Stream everything that matches as CSV, NDJSON or OCSF; the audit entry is written before the first row."""
    _form, asked = _search(request)
    if asked.fault:
        return redirect(f"{reverse('logs:search', args=[request.tenant.slug])}?{request.GET.urlencode()}")
    export_id = uuid4()
    export_events(export_id=export_id, form=form_name, asked=asked.facts(), by=request.actor)
    name = f"events-{request.tenant.slug}-{str(export_id)[:8]}.{FORMS[form_name].ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    body = exported(
        export_id=export_id,
        tenant=request.tenant,
        form=form_name,
        q=asked.text,
        filters=asked.filters,
        by=request.actor,
    )
    return StreamingHttpResponse(body, content_type=f"{FORMS[form_name].media}; charset=utf-8", headers=headers)


@requires(Permission.EVENT_VIEW)
@require_safe
def event(request: TenantRequest, key: str) -> HttpResponse:
    """Show one event: what is shown, what is sealed, the record as delivered, and where it stands in the ledger."""
    found = event_by_key(key, visible_source_ids(request.actor))
    if found is None:
        if request.actor.sees_all_shareable and (gone := why_gone(key)):
            return render(request, "logs/event_gone.html", gone, status=410)
        message = "There is no such event, or it is not yours to see."
        raise Http404(message)
    look_at_events(what=f"Event {key}", asked={}, shown=1, by=request.actor)
    may_erase = request.actor.may(Permission.RETENTION_MANAGE)
    context = {"may_erase": may_erase, "event": found, "line": event_lines([found])[0], **event_facts(found)}
    return render(request, "logs/event.html", context)
