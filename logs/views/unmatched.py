"""The inbox of names in the logs that match nobody in the register, and saying whose one of them is."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from identities.actions import claim_account
from identities.kinds import AccountKind
from logs.claimform import ClaimForm
from logs.queries.unmatched import unmatched_inbox, unmatched_name, written_name
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.REGISTER_VIEW)
@require_safe
def unmatched(request: TenantRequest) -> HttpResponse:
    """List the names that match nobody, last seen first."""
    refused = request.GET.get("refused") == "1"
    inbox = unmatched_inbox(refused=refused, number=request.GET.get("page"))
    return render(request, "logs/unmatched.html", {"inbox": inbox, "refused": refused})


@requires(Permission.REGISTER_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: TenantRequest) -> HttpResponse:
    """Say whose account a name is, or that a service or several people use it."""
    if "name" not in request.GET:
        return redirect("logs:unmatched", request.tenant.slug)
    found = unmatched_name(request.GET.get("system", ""), request.GET.get("name", ""))
    if found is None:
        message = "There is no such name here, or somebody has said whose it is."
        raise Http404(message)
    use, system = found
    name = written_name(use)
    form = ClaimForm(request.POST or None, people_url=reverse("identities:people_choices", args=[request.tenant.slug]))
    if form.is_valid():
        owner, kind = form.cleaned_data["owner"], AccountKind(form.cleaned_data["kind"])
        claim_account(system=system, name=name, owner=owner, kind=kind, by=request.actor)
        messages.success(request, f"{name} on {system.name} is in the register. Its events from now on name it.")
        return redirect("logs:unmatched", request.tenant.slug)
    context = {"form": form, "use": use, "system": system, "name": name}
    return render(request, "logs/claim.html", context, status=422 if form.is_bound else 200)
