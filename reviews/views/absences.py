"""Shows who is away, and lets reviewers hand their items on."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import AbsenceForm, DelegateForm
from reviews.models import Absence, Campaign
from reviews.queries.campaigns import undecided_of
from reviews.queries.reviewers import absences as absences_now
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused


@requires(Permission.ITEM_REVIEW, Permission.CAMPAIGN_MANAGE)
def absences(request: TenantRequest) -> HttpResponse:
    """Shows who is or will be away, and takes a new absence."""
    me, everybody = identity_of_user(request.actor.user_id), request.actor.may(Permission.CAMPAIGN_MANAGE)
    form = AbsenceForm(request.POST or None, tenant=request.tenant, me=me, everybody=everybody)
    if form.is_valid():
        try:
            noted = actions.note_absence(facts=form.facts(), by=request.actor)
            messages.success(request, f"Noted. {noted.deputy.name} reviews instead of {noted.reviewer.name}.")
            return redirect("reviews:absences", request.tenant.slug)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    rows = absences_now() if everybody else absences_now().filter(reviewer=me)
    context = {"form": form, "absences": rows[:200]}
    return render(request, "reviews/absences.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Permission.ITEM_REVIEW, Permission.CAMPAIGN_MANAGE)
def absence_end(request: TenantRequest, absence_id: int) -> HttpResponse:
    """Ends an absence early."""
    absence = get_object_or_404(Absence.objects.select_related("reviewer", "deputy"), pk=absence_id)
    try:
        actions.end_absence(absence=absence, by=request.actor)
        messages.success(request, "The absence is over; what went to the deputy stays there.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:absences", request.tenant.slug)


@requires(Permission.ITEM_REVIEW)
def delegate(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Hands the undecided items of whoever is logged in on to another reviewer."""
    campaign, me = get_object_or_404(Campaign.objects.all(), pk=campaign_id), identity_of_user(request.actor.user_id)
    items = list(undecided_of(campaign, me.pk)) if me else []
    if not items:
        raise Http404("No undecided item of this campaign is put to you.")
    form = DelegateForm(request.POST or None, tenant=request.tenant)
    if form.is_valid():
        try:
            new, reason = form.cleaned_data["new"], form.cleaned_data["reason"]
            n = actions.delegate_items(items=items, reviewer=new, reason=reason, by=request.actor)
            messages.success(request, f"{'1 item is' if n == 1 else f'{n} items are'} put to {new.name}.")
            return redirect("reviews:inbox", request.tenant.slug)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {"form": form, "campaign": campaign, "items": items}
    return render(request, "reviews/delegate.html", context, status=422 if form.is_bound else 200)
