"""Pages of the alerts room."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from alerts import actions, queries
from alerts.forms import AlertFilterForm, CloseForm, SettingsForm
from alerts.kinds import CloseReason
from alerts.models import Alert
from alerts.policies import (
    can_acknowledge_alert,
    can_close_alert,
    can_open_incident,
    can_preview_settings,
    can_save_settings,
)
from alerts.queries.preview import preview_settings
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, enforce

PAGE = 50


@requires(Permission.ALERT_VIEW)
@require_safe
def alerts(request: TenantRequest) -> HttpResponse:
    """List the alerts, newest first, with what waits and mail that could not be sent."""
    form = AlertFilterForm(request.GET or {"state": "open"})
    filters = form.filters()
    rows = queries.alerts_page(filters, before=form.cleaned_data.get("before"), limit=PAGE)
    context = {
        "form": form,
        "alerts": rows[:PAGE],
        "next_before": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "counts": queries.alert_counts(),
        "failing": queries.failing_notices(),
        "watch": queries.watch_state(),
        "can_configure": can_save_settings(request.actor),
        "can_handle": request.actor.may(Permission.ALERT_HANDLE),
    }
    return render(request, "alerts/alerts.html", context)


def _alert(alert_id: int) -> Alert:
    found = queries.alert(alert_id)
    if found is None:
        message = "There is no such alert, or it is not yours to see."
        raise Http404(message)
    return found


@requires(Permission.ALERT_VIEW)
@require_safe
def alert_page(request: TenantRequest, alert_id: int) -> HttpResponse:
    """Show one alert: why it was raised, the events it stands on, and what people did about it."""
    found = _alert(alert_id)
    return _show(request, found, CloseForm())


def _show(request: TenantRequest, found: Alert, form: CloseForm, status: int = 200) -> HttpResponse:
    actions.look_at_alert(alert=found, by=request.actor)
    context = {
        "alert": found,
        "events": queries.alert_events(found),
        "can_acknowledge": can_acknowledge_alert(request.actor, found),
        "can_close": can_close_alert(request.actor, found),
        "can_open_incident": can_open_incident(request.actor),
        "incidents": queries.incidents_of(found),
        "can_see_timeline": request.actor.may(Permission.EVENT_VIEW),
        "form": form,
    }
    return render(request, "alerts/alert.html", context, status=status)


@requires(Permission.ALERT_HANDLE)
@require_POST
def acknowledge(request: TenantRequest, alert_id: int) -> HttpResponse:
    """Take an alert into work."""
    actions.acknowledge_alert(alert=_alert(alert_id), by=request.actor)
    messages.success(request, "You have taken this alert into work.")
    return redirect("alerts:alert", request.tenant.slug, alert_id)


@requires(Permission.ALERT_HANDLE)
@require_POST
def close(request: TenantRequest, alert_id: int) -> HttpResponse:
    """Close an alert with a reason."""
    found = _alert(alert_id)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form, status=422)
    values = form.cleaned_data
    actions.close_alert(alert=found, reason=CloseReason(values["reason"]), note=values["note"], by=request.actor)
    messages.success(request, "The alert is closed.")
    return redirect("alerts:alert", request.tenant.slug, alert_id)


@requires(Permission.ALERT_CONFIGURE)
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: TenantRequest) -> HttpResponse:
    """Show and change the tenant's thresholds, hours and recipients."""
    current, version = queries.current_settings(request.tenant)
    form = SettingsForm(request.POST) if request.method == "POST" else SettingsForm.showing(current)
    if request.method == "POST" and form.is_valid():
        saved = actions.save_settings(settings=form.settings(), by=request.actor)
        messages.success(request, f"Saved as version {saved.version}. It holds for events that arrive from now on.")
        return redirect("alerts:settings", request.tenant.slug)
    context = {"form": form, "version": version, "history": queries.settings_history(), "current": current}
    return render(request, "alerts/settings.html", context, status=422 if form.errors else 200)


@requires(Permission.ALERT_CONFIGURE)
@require_POST
def settings_preview(request: TenantRequest) -> HttpResponse:
    """Answer with what the entered settings would have raised in the last 30 days."""
    enforce(can_preview_settings(request.actor))
    form = SettingsForm(request.POST)
    preview = preview_settings(form.settings(), request.tenant) if form.is_valid() else None
    return render(request, "alerts/_preview.html", {"preview": preview, "form": form})


@requires(Permission.ALERT_HANDLE)
@require_POST
def retry_mail(request: TenantRequest, notice_id: int) -> HttpResponse:
    """Send a failed mail again now."""
    notice = queries.notice(notice_id)
    if notice is None:
        message = "There is no such mail, or it is not yours to see."
        raise Http404(message)
    actions.retry_notice(notice=notice, by=request.actor)
    messages.success(request, "The mail is sent again within a few seconds.")
    return redirect("alerts:alerts", request.tenant.slug)
