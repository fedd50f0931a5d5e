"""Shows what is wrong with access and what is to be done about it, and which duties conflict."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from reviews import actions
from reviews.forms import ConflictForm
from reviews.kinds import FindingKind
from reviews.models import DutyConflict, Finding
from reviews.queries import findings as queries
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50


@requires(Permission.CAMPAIGN_VIEW)
def findings(request: TenantRequest) -> HttpResponse:
    """Shows what is wrong and not resolved, of every kind or of one, or what was resolved."""
    asked, resolved = request.GET.get("kind", ""), request.GET.get("show") == "resolved"
    kind = asked if asked in FindingKind.values else ""
    found = queries.findings_list(kind=kind, resolved=resolved)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": queries.finding_lines(list(page.object_list)),
        "kinds": queries.open_by_kind(),
        "kind": kind,
        "kind_label": FindingKind(kind).label if kind else "",
        "resolved": resolved,
        "now": timezone.now(),
    }
    return render(request, "reviews/findings.html", context)


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def search(request: TenantRequest) -> HttpResponse:
    """Looks for findings now, as the clock does every hour."""
    found = actions.find_causes(by=request.actor)
    messages.success(request, f"Looked through all access: {found.opened} new, {found.resolved} gone.")
    return redirect("reviews:findings", request.tenant.slug)


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def resolve(request: TenantRequest, finding_id: int) -> HttpResponse:
    """Ends a finding with the words that say what was done."""
    finding = get_object_or_404(Finding.objects.all(), pk=finding_id)
    try:
        actions.resolve_finding(finding=finding, resolution=request.POST.get("reason", "")[:300], by=request.actor)
        messages.success(request, "The finding is resolved.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:findings", request.tenant.slug)


@requires(Permission.CAMPAIGN_MANAGE)
def conflicts(request: TenantRequest) -> HttpResponse:
    """Shows which entitlements nobody may hold together, and adds a rule."""
    form = ConflictForm(request.POST or None)
    if form.is_valid():
        told = form.cleaned_data
        try:
            with transaction.atomic():
                actions.add_conflict(one=told["one"], other=told["other"], why=told["why"], by=request.actor)
                actions.find_causes(by=request.actor)
            messages.success(request, "The conflict is in force. Who holds both is among the findings.")
            return redirect("reviews:conflicts", request.tenant.slug)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    page = Paginator(queries.conflicts_list(), PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page}
    return render(request, "reviews/conflicts.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def conflict_end(request: TenantRequest, conflict_id: int) -> HttpResponse:
    """Ends a conflict; it stays in the list."""
    conflict = get_object_or_404(DutyConflict.objects.all(), pk=conflict_id)
    try:
        actions.end_conflict(conflict=conflict, reason=request.POST.get("reason", "")[:300], by=request.actor)
        messages.success(request, "The conflict is ended. It stays in the list with your words.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:conflicts", request.tenant.slug)
