"""The page of a source's routing rules: edit, try on what was delivered lately, save as a new version."""

from collections.abc import Mapping

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from logs.actions import look_at_events, route_source
from logs.models import LogSource
from logs.policies import can_route_source
from logs.queries.routing import MOST_EVENTS, Trial, receivers_of, rules_of, try_rules, versions_of
from logs.queries.sources import visible_sources
from logs.routingforms import HINT, RoutingForm
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, enforce
from tenants.models import Tenant
from tenants.queries import actor_for
from tenants.scope import client_scope


@requires(Permission.SOURCE_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: TenantRequest, source_id: int) -> HttpResponse:
    """Show the rules; "try" shows what changed ones would do and stores nothing, "save" makes them a version."""
    found = visible_sources(request.actor).filter(pk=source_id).first()
    if found is None:
        message = "There is no such source, or it is not yours to see."
        raise Http404(message)
    enforce(can_route_source(request.actor, found, request.tenant))
    receivers = receivers_of(request.tenant)
    form = RoutingForm(request.POST or None, rules=rules_of(found), version=found.routing_version, receivers=receivers)
    trial = None
    if form.is_bound and form.is_valid():
        if "save" in request.POST and _saved(request, form, found):
            return redirect("logs:routing", request.tenant.slug, found.pk)
        if "try" in request.POST:
            trial = _tried(request, form, found, receivers)
    return _show(request, form, found, receivers, trial)


def _saved(request: TenantRequest, form: RoutingForm, found: LogSource) -> bool:
    """Save the rules; a refusal becomes an error of the form."""
    try:
        made = route_source(source=found, plan=form.plan(), by=request.actor)
    except ValidationError as wrong:
        form.add_error(None, wrong)
        return False
    messages.success(request, f"Version {made.version} holds for records that arrive from now on.")
    return True


def _tried(request: TenantRequest, form: RoutingForm, found: LogSource, receivers: Mapping[str, Tenant]) -> Trial:
    """Try the rules, and record at each tenant that its events were looked at."""
    trial = try_rules(found, form.cleaned_data["rules"], receivers, by=request.actor)
    asked = {"source": found.name, "dry_run": True}
    for tenant in receivers.values():
        if shown := trial.shown_of[tenant.pk]:
            if tenant.pk == request.tenant.pk:
                look_at_events(what="Routing rules, tried", asked=asked, shown=shown, by=request.actor)
            elif there := actor_for(request.user, tenant):
                with client_scope(tenant):
                    look_at_events(what="Routing rules, tried", asked=asked, shown=shown, by=there)
    return trial


def _show(
    request: TenantRequest, form: RoutingForm, found: LogSource, receivers: Mapping[str, Tenant], trial: Trial | None
) -> HttpResponse:
    context = {
        "source": found,
        "form": form,
        "hint": HINT,
        "trial": trial,
        "most": MOST_EVENTS,
        "versions": versions_of(found, receivers),
        "has_clients": len(receivers) > 1,
    }
    wrong = form.is_bound and bool(form.errors) and "add" not in request.POST
    return render(request, "logs/routing.html", context, status=422 if wrong else 200)
