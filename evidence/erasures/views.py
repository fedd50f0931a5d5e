"""Pages of erasure: what would go and what stands against it, asking, and the second officer's answer."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from evidence.erasures.actions import answer_erasure, ask_to_erase
from evidence.erasures.forms import AskForm, ScopeForm
from evidence.erasures.kinds import Found
from evidence.erasures.queries import erasure_by_id, found_for
from evidence.erasures.queries import erasures as newest
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused


@requires(Permission.RETENTION_MANAGE)
@require_safe
def erasures(request: TenantRequest) -> HttpResponse:
    """Show the deeds, and for a subject and days what an erasure would take and what stands against it."""
    form = ScopeForm(request.GET) if "subject" in request.GET else ScopeForm()
    found = _found(request, form) if form.is_bound and form.is_valid() else None
    ask = AskForm(initial={**request.GET.dict(), "subject": form.cleaned_data["subject"]}) if found else None
    return _page(request, form, found, ask, status=422 if form.errors else 200)


def _found(request: TenantRequest, form: ScopeForm) -> Found | None:
    """Return what was found; a scope that names nobody is said beside the form."""
    try:
        return found_for(form.scope(request.tenant.zone))
    except ValidationError as fault:
        form.add_error("subject", fault)
        return None


def _page(
    request: TenantRequest, form: ScopeForm, found: Found | None, ask: AskForm | None, *, status: int
) -> HttpResponse:
    words: dict[str, Any] = {"form": form, "found": found, "ask": ask, "deeds": newest(), "me": request.actor.user_id}
    return render(request, "evidence/erasures.html", words, status=status)


@requires(Permission.RETENTION_MANAGE)
@require_POST
def erasure_ask(request: TenantRequest) -> HttpResponse:
    """Ask for an erasure; another officer confirms it."""
    form = AskForm(request.POST)
    if not form.is_valid():
        scope = ScopeForm(request.POST)
        found = _found(request, scope) if scope.is_valid() else None
        return _page(request, scope, found, form, status=422)
    try:
        ask_to_erase(scope=form.scope(request.tenant.zone), grounds=form.grounds(), by=request.actor)
    except (Refused, ValidationError) as fault:
        messages.error(request, fault.verdict.reason if isinstance(fault, Refused) else " ".join(fault.messages))
    else:
        messages.success(request, "The erasure is asked for. Nothing goes before another officer has confirmed it.")
    return redirect("evidence:erasures", request.tenant.slug)


@requires(Permission.RETENTION_MANAGE)
@require_POST
def erasure_answer(request: TenantRequest, erasure_id: UUID) -> HttpResponse:
    """Confirm or decline an erasure that another officer asked for."""
    found = erasure_by_id(erasure_id)
    if found is None:
        raise Http404("There is no such erasure.")
    confirm = request.POST.get("answer") == "confirm"
    try:
        answer_erasure(erasure=found, confirm=confirm, note=request.POST.get("reason", ""), by=request.actor)
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    else:
        done = "confirmed: the next run of `retain` erases" if confirm else "declined: nothing is erased"
        messages.success(request, f"The erasure is {done}.")
    return redirect("evidence:erasures", request.tenant.slug)
