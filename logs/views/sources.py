"""Pages about sources: the list, one source with its tokens and coverage, adding one, and the quarantine."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from logs.actions import (
    add_source,
    change_source,
    issue_source_token,
    look_at_quarantine,
    revoke_source_token,
    switch_source,
)
from logs.certificateform import CertificateForm
from logs.models import LogSource, SourceToken, event_key, read_event_key
from logs.policies import can_change_source, can_manage_sources, can_route_source
from logs.queries import coverage, quarantine, source_lines, source_week, visible_source_ids
from logs.queries.again import unread
from logs.queries.calendars import WEEKS, coverage_overview, gapped_streams
from logs.queries.sources import certificates_of, deliveries_of, tokens_of, visible_sources
from logs.sourceforms import SourceForm
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, enforce

QUARANTINE_PAGE = 50


@requires(Permission.SOURCE_VIEW)
@require_safe
def sources(request: TenantRequest) -> HttpResponse:
    """List the sources that the person may see: freshness, grade, coverage, quarantine."""
    context = {"lines": source_lines(request.actor), "may_manage": can_manage_sources(request.actor)}
    return render(request, "logs/sources.html", context)


def source_or_404(request: TenantRequest, source_id: int) -> LogSource:
    """Return a source that the person may see; answers 404 otherwise."""
    found = visible_sources(request.actor).filter(pk=source_id).first()
    if found is None:
        message = "There is no such source, or it is not yours to see."
        raise Http404(message)
    return found


@requires(Permission.SOURCE_VIEW)
@require_safe
def source(request: TenantRequest, source_id: int) -> HttpResponse:
    """Show one source: settings, freshness, a week's coverage, deliveries, tokens."""
    return shown(request, source_or_404(request, source_id))


def shown(
    request: TenantRequest, found: LogSource, issued: str = "", form: CertificateForm | None = None
) -> HttpResponse:
    """Show a source; ``issued`` is a new token, ``form`` a certificate that was refused."""
    now = timezone.now()
    (covered,) = coverage(since=now - timedelta(days=30), until=now, source_ids=[found.pk])
    may_manage = can_change_source(request.actor, found)
    half_year = coverage_overview([found], zone=found.zone, now=now)
    context = {
        "source": found,
        "calendar": half_year.calendar,
        "health": half_year.lines[0],
        "weeks": WEEKS,
        "gapped": gapped_streams(found) if half_year.lines[0].missing_numbers else (),
        "covered": covered,
        "strip": source_week(found, now),
        "deliveries": deliveries_of(found),
        "tokens": tokens_of(found) if may_manage else (),
        "certificates": certificates_of(found) if may_manage else (),
        "certificate_form": form or CertificateForm(),
        "may_manage": may_manage,
        "may_route": can_route_source(request.actor, found, request.tenant),
        "unread": unread(found) if may_manage else None,
        "issued": issued,
        "now": now,
        "door": request.build_absolute_uri(f"/api/v1/t/{request.tenant.slug}/ingest/{found.key}"),
    }
    return render(request, "logs/source.html", context, status=422 if form else 200)


@requires(Permission.SOURCE_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def source_add(request: TenantRequest) -> HttpResponse:
    """Add a source on one page; the preview shows how a sample would be read before anything is stored."""
    form = SourceForm(request.POST or None, zone=request.tenant.time_zone)
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        added = add_source(plan=form.plan(), by=request.actor)
        token = issue_source_token(source=added, by=request.actor)
        messages.success(request, f"{added.name} is added. Send its records with the token below.")
        return shown(request, added, token)
    return _form(request, form, None)


@requires(Permission.SOURCE_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def source_change(request: TenantRequest, source_id: int) -> HttpResponse:
    """Change a source's settings; what is stored already stays as it was read."""
    found = source_or_404(request, source_id)
    enforce(can_change_source(request.actor, found))
    form = SourceForm(request.POST or None, source=found, initial=_initial(found), zone=found.time_zone)
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        change_source(source=found, plan=form.plan(), by=request.actor)
        messages.success(request, "The settings hold for records that arrive from now on.")
        return redirect("logs:source", request.tenant.slug, found.pk)
    return _form(request, form, found)


def _form(request: TenantRequest, form: SourceForm, found: LogSource | None) -> HttpResponse:
    shown = form.preview() if form.is_bound and form.is_valid() else None
    wrong = form.is_bound and bool(form.errors) and "preview" not in request.POST
    context = {"form": form, "source": found, "preview": shown}
    return render(request, "logs/source_form.html", context, status=422 if wrong else 200)


def _initial(found: LogSource) -> dict[str, object]:
    hours = found.expected.get("hours") or []
    names = ("name", "format", "system", "log_types", "time_zone", "year", "grade")
    return {
        **{name: getattr(found, name) for name in names},
        "every_minutes": str(found.expected.get("every_minutes", "")),
        "first_hour": hours[0] if hours else None,
        "last_hour": hours[-1] if hours else None,
        "weekdays": found.expected.get("weekdays") or [],
    }


@requires(Permission.SOURCE_MANAGE)
@require_POST
def token_issue(request: TenantRequest, source_id: int) -> HttpResponse:
    """Issue a token and show it this one time."""
    found = source_or_404(request, source_id)
    return shown(request, found, issue_source_token(source=found, by=request.actor))


@requires(Permission.SOURCE_MANAGE)
@require_POST
def token_revoke(request: TenantRequest, source_id: int, token_id: int) -> HttpResponse:
    """Revoke a token."""
    token = get_object_or_404(SourceToken.objects.select_related("source"), pk=token_id, source_id=source_id)
    revoke_source_token(token=token, by=request.actor)
    messages.success(request, "The token is revoked: the door refuses it from now on.")
    return redirect("logs:source", request.tenant.slug, source_id)


@requires(Permission.SOURCE_MANAGE)
@require_POST
def switch(request: TenantRequest, source_id: int) -> HttpResponse:
    """Switch a source on or off."""
    found = source_or_404(request, source_id)
    switch_source(source=found, enabled=not found.enabled, by=request.actor)
    messages.success(request, f"{found.name} is switched {'on' if found.enabled else 'off'}.")
    return redirect("logs:source", request.tenant.slug, source_id)


@requires(Permission.SOURCE_MANAGE, Permission.EVENT_VIEW)
@require_safe
def quarantined(request: TenantRequest) -> HttpResponse:
    """List the records that could not be read, newest first, with the reason."""
    ids, asked = visible_source_ids(request.actor), request.GET.get("source", "")
    source_id = int(asked) if asked.isdecimal() and len(asked) < 19 else None
    before, resolved = read_event_key(request.GET.get("cursor", "")), request.GET.get("state") == "resolved"
    found = quarantine(ids, source_id=source_id, before=before, resolved=resolved)
    rows = list(found[: QUARANTINE_PAGE + 1])
    more, rows = len(rows) > QUARANTINE_PAGE, rows[:QUARANTINE_PAGE]
    look_at_quarantine(asked={"source": source_id or ""}, shown=len(rows), by=request.actor)
    context = {
        "rows": rows,
        "cursor": event_key(rows[-1].received_at, rows[-1].pk) if more else "",
        "sources": visible_sources(request.actor).order_by("name"),
        "source_id": source_id,
        "resolved": resolved,
    }
    return render(request, "logs/quarantine.html", context)
