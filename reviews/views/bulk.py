"""Keeps grants together on the review screen: first shows exactly which, then keeps them, and takes it back."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from identities.models import Identity
from reviews import actions
from reviews.actions.bulk import may_decide_in_bulk
from reviews.forms import BulkForm
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign
from reviews.queries.bulk import ticked
from reviews.views.desk import DESK, desk_of, listing
from tenants.access import TenantRequest, requires
from tenants.kinds import Refused

NAMED: Final = ("account", "entitlement", "subject", "campaign")
"""What a refusal names of an item."""


def _ids(request: TenantRequest) -> list[int]:
    """Returns the ids of the ticked items."""
    return [int(pk) for pk in request.POST.getlist("items") if pk.isdecimal()]


@require_POST
@requires(*DESK)
def bulk(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows what of the ticked would be kept together; nothing is decided by it."""
    campaign, reviewer = desk_of(request, campaign_id)
    return _preview(request, campaign, reviewer, "")


def _preview(request: TenantRequest, campaign: Campaign, reviewer: Identity, refusal: str) -> HttpResponse:
    """Answers exactly what would be kept, or why nothing can be."""
    chosen = ticked(campaign, reviewer, _ids(request))
    allowed = may_decide_in_bulk(chosen.items, request.actor, reviewer, timezone.now())
    context = {"campaign": campaign, "chosen": chosen, "allowed": allowed, "refusal": refusal}
    part = request.headers.get("HX-Request")
    template = "reviews/_bulk.html" if part else "reviews/bulk.html"
    return render(request, template, context, status=422 if refusal or not allowed.allowed else 200)


@require_POST
@requires(*DESK)
def bulk_keep(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Keeps the listed grants together, or none of them: then the list comes back as it is now."""
    campaign, reviewer = desk_of(request, campaign_id)
    items = list(campaign.items.filter(pk__in=_ids(request)).select_related(*NAMED).order_by("n"))
    try:
        done = actions.decide_in_bulk(items=items, choice=Choice(Outcome.CERTIFY), by=request.actor)
    except Refused as refused:
        return _preview(request, campaign, reviewer, refused.verdict.reason)
    return _done(request, campaign, reviewer, bulk=done[0].bulk, kept=len(done))


@require_POST
@requires(*DESK)
def bulk_undo(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Makes undecided again what of a bulk still counts."""
    campaign, reviewer = desk_of(request, campaign_id)
    form = BulkForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        done = actions.undo_bulk(campaign=campaign, bulk=form.cleaned_data["bulk"], by=request.actor)
    except Refused as refused:
        return _done(request, campaign, reviewer, refusal=refused.verdict.reason)
    return _done(request, campaign, reviewer, undone=len(done))


def _done(request: TenantRequest, campaign: Campaign, reviewer: Identity, **told: Any) -> HttpResponse:
    """Answers what was done, with the list as it is now; without htmx it says so above the whole screen."""
    context = {**listing(campaign, reviewer, request.GET), **told}
    if request.headers.get("HX-Request"):
        return render(request, "reviews/_bulk_done.html", context, status=422 if "refusal" in told else 200)
    if "refusal" in told:
        messages.error(request, told["refusal"])
    else:
        messages.success(request, render_to_string("reviews/_bulk_said.html", context).strip())
    return redirect(f"{reverse('reviews:review', args=[request.tenant.slug, campaign.pk])}?{request.GET.urlencode()}")
