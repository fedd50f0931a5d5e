"""The page on which a source's old records are read again: what there is, what would differ, and the work."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from logs.actions import look_at_events, request_reading_again
from logs.againform import AgainForm
from logs.kinds import ParseError
from logs.models import LogSource
from logs.queries.again import (
    SHOWN,
    Compared,
    last_reading_again,
    preview_again,
    reading_again,
    rereadings_of,
    unread,
)
from logs.views.sources import source_or_404
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.SOURCE_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def read_again(request: TenantRequest, source_id: int) -> HttpResponse:
    """Show how many records an older parser or mapping has read and what would differ; hand the work over."""
    found = source_or_404(request, source_id)
    form = AgainForm(request.POST if request.method == "POST" else request.GET)
    window = form.window(request.tenant.zone) if form.is_valid() else (None, None)
    if request.method == "POST" and form.is_valid():
        request_reading_again(source=found, since=window[0], until=window[1], by=request.actor)
        return redirect("logs:read_again", request.tenant.slug, found.pk)
    work = reading_again(found)
    context = {
        "source": found,
        "form": form,
        "unread": unread(found, *window),
        "work": work,
        "last": last_reading_again(found),
        "compared": None if work or "preview" not in request.GET else _compared(request, found, form),
        "shown": SHOWN,
        "past": rereadings_of(found),
        "may_read": request.actor.may(Permission.EVENT_VIEW),
    }
    return render(request, "logs/again.html", context, status=422 if form.errors else 200)


def _compared(request: TenantRequest, found: LogSource, form: AgainForm) -> Compared | None:
    """Return what would differ, for whoever may read events; looking at records is a deed."""
    if not request.actor.may(Permission.EVENT_VIEW) or not form.is_valid():
        return None
    try:
        compared = preview_again(found, *form.window(request.tenant.zone))
    except ParseError as error:
        return Compared(problem=error.reason)
    what = f"Records of {found.name}, before they are read again"
    look_at_events(what=what, asked={"source": found.pk}, shown=len(compared.differences), by=request.actor)
    return compared
