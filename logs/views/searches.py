"""Views of the search that people keep, and the manifests of exports."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from logs.actions import remove_search, save_search
from logs.exporting import manifest
from logs.forms import SaveForm
from logs.queries.searches import event_export, exports, saved_search
from logs.querylang import address
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


def _search_page(request: TenantRequest, q: str, window: str) -> HttpResponse:
    return redirect(reverse("logs:search", args=[request.tenant.slug]) + address(q, window))


@requires(Permission.EVENT_VIEW)
@require_POST
def search_save(request: TenantRequest) -> HttpResponse:
    """Keep the search under a name, and show it again."""
    form = SaveForm(request.POST)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, f"The view was not saved. {said}")
        return _search_page(request, request.POST.get("q", ""), request.POST.get("window", ""))
    asked = form.cleaned_data
    try:
        save_search(name=asked["name"], q=asked["q"], window=asked["window"], shared=asked["shared"], by=request.actor)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"The view “{asked['name']}” is saved.")
    return _search_page(request, asked["q"], asked["window"])


@requires(Permission.EVENT_VIEW)
@require_POST
def search_remove(request: TenantRequest, search_id: int) -> HttpResponse:
    """Remove a view."""
    found = saved_search(request.actor, search_id)
    if found is None:
        message = "There is no such view, or it is not yours to see."
        raise Http404(message)
    remove_search(search=found, by=request.actor)
    messages.success(request, f"The view “{found.name}” is removed.")
    return redirect("logs:search", request.tenant.slug)


@requires(Permission.EVENT_EXPORT)
@require_safe
def export_list(request: TenantRequest) -> HttpResponse:
    """Show the exports that came to their end, newest first."""
    return render(request, "logs/exports.html", {"exports": exports(request.actor)})


@requires(Permission.EVENT_EXPORT)
@require_safe
def export_manifest(request: TenantRequest, export_id: UUID) -> JsonResponse:
    """Give the manifest of an export as a file."""
    found = event_export(request.actor, export_id)
    if found is None:
        message = "There is no such export, or it is not yours to see."
        raise Http404(message)
    kind = "attendance" if found.form == "attendance" else "events"
    name = f"{kind}-{request.tenant.slug}-{str(export_id)[:8]}.manifest.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return JsonResponse(manifest(found, request.tenant), headers=headers, json_dumps_params={"indent": 2})
