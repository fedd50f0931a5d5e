"""Pages of incidents: the list, a new one, and one with its clocks and entries."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from alerts import actions, queries
from alerts.forms import IncidentForm, StepForm
from alerts.kinds import IncidentStep
from alerts.models import Alert, Incident
from alerts.policies import can_open_incident, can_record_step
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.ALERT_VIEW)
@require_safe
def incidents(request: TenantRequest) -> HttpResponse:
    """List the incidents, newest first."""
    words = {"lines": queries.incident_lines(), "can_open": can_open_incident(request.actor)}
    return render(request, "alerts/incidents.html", words)


@requires(Permission.ALERT_HANDLE)
@require_http_methods(["GET", "HEAD", "POST"])
def incident_new(request: TenantRequest) -> HttpResponse:
    """Open an incident; `?alert=` names the alert that stands behind it."""
    alert = _alert(request.GET.get("alert", ""))
    form = IncidentForm(request.POST or None, initial=_initial(alert))
    if request.method == "POST" and form.is_valid():
        try:
            row = actions.open_incident(facts=form.facts(), alert=alert, by=request.actor)
        except ValidationError as error:
            form.add_error("known_at", error)
        else:
            messages.success(request, "The incident is open. Record each step when it has happened.")
            return redirect("alerts:incident", request.tenant.slug, row.pk)
    return render(
        request, "alerts/incident_new.html", {"form": form, "alert": alert}, status=422 if form.errors else 200
    )


def _alert(text: str) -> Alert | None:
    """Return the alert that the address names; a number of none of the tenant's alerts answers 404."""
    if not text:
        return None
    found = queries.alert(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    if found is None:
        message = "There is no such alert, or it is not yours to see."
        raise Http404(message)
    return found


def _initial(alert: Alert | None) -> dict[str, Any]:
    """Return what is entered already: what the alert says, and now."""
    now = timezone.now()
    if alert is None:
        return {"known_at": now}
    return {"title": str(alert)[:200], "what": alert.why, "found_at": alert.raised_at, "known_at": now}


@requires(Permission.ALERT_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def incident_page(request: TenantRequest, incident_id: int) -> HttpResponse:
    """Show an incident with its entries, and record a further step."""
    row = queries.incident(incident_id)
    if row is None:
        message = "There is no such incident, or it is not yours to see."
        raise Http404(message)
    form = StepForm(request.POST or None, initial={"happened_at": timezone.now()})
    if request.method == "POST" and _recorded(request, row, form):
        return redirect("alerts:incident", request.tenant.slug, row.pk)
    entries = queries.incident_entries(row)
    closed = any(entry.step == IncidentStep.CLOSED for entry in entries)
    may = can_record_step(request.actor, closed=closed)
    words = {"incident": row, "entries": entries, "form": form, "may_record": may, "closed": closed}
    return render(request, "alerts/incident.html", words, status=422 if form.errors else 200)


def _recorded(request: TenantRequest, row: Incident, form: StepForm) -> bool:
    """Record the step of the form; what the deed refuses is said beside the form."""
    if not form.is_valid():
        return False
    told = form.cleaned_data
    step, at, note = IncidentStep(told["step"]), told["happened_at"], told["note"]
    try:
        actions.record_step(incident=row, step=step, happened_at=at, note=note, by=request.actor)
    except ValidationError as error:
        form.add_error("happened_at", error)
    return form.is_valid()
