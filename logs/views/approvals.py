"""The page of approved places: from where remote access is allowed, and from where it was."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from logs.actions import approve_place, end_approved_place
from logs.approvalforms import PlaceForm
from logs.queries.approvals import approved_place, place_lines
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.EVENT_VIEW)
@require_safe
def approvals(request: TenantRequest) -> HttpResponse:
    """Show from where remote access is allowed."""
    return _page(request, PlaceForm(zone=request.tenant.zone))


def _page(request: TenantRequest, form: PlaceForm, status: int = 200) -> HttpResponse:
    context = {"lines": place_lines(), "form": form, "may_approve": request.actor.may(Permission.PLACE_APPROVE)}
    return render(request, "logs/approvals.html", context, status=status)


@requires(Permission.PLACE_APPROVE)
@require_POST
def place_approve(request: TenantRequest) -> HttpResponse:
    """Approve a place."""
    form = PlaceForm(request.POST, zone=request.tenant.zone)
    if form.is_valid():
        try:
            approve_place(facts=form.facts(), by=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "The place is approved: remote sessions are compared with the list from now on.")
            return redirect("logs:approvals", request.tenant.slug)
    return _page(request, form, status=422)


@requires(Permission.PLACE_APPROVE)
@require_POST
def place_end(request: TenantRequest, place_id: int) -> HttpResponse:
    """End an approval."""
    found = approved_place(place_id)
    if found is None:
        message = "There is no such approval."
        raise Http404(message)
    try:
        end_approved_place(place=found, reason=request.POST.get("reason", ""), by=request.actor)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "The approval has ended: sessions from there come from elsewhere from now on.")
    return redirect("logs:approvals", request.tenant.slug)
