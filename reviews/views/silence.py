"""Puts access that nobody decided in time to the owner of its system, and takes the answer."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import AnswerForm
from reviews.models import SilentItem
from reviews.queries.deadline import silences_for
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50


@requires(Permission.ITEM_REVIEW)
def unanswered(request: TenantRequest) -> HttpResponse:
    """Shows what waits for the answer of whoever is logged in."""
    person = identity_of_user(request.actor.user_id)
    rows = silences_for(person) if person else SilentItem.objects.none()
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "reviews/unanswered.html", {"page": page})


@require_POST
@requires(Permission.ITEM_REVIEW, Permission.CAMPAIGN_MANAGE)
def answer(request: TenantRequest, silence_id: int) -> HttpResponse:
    """Takes the answer about one grant and shows the page it came from again."""
    silence = get_object_or_404(SilentItem.objects.select_related("campaign"), pk=silence_id)
    form = AnswerForm(request.POST)
    try:
        with transaction.atomic():
            if not form.is_valid():
                messages.error(request, "Choose an answer and write why.")
            else:
                told = actions.answer_silence(silence=silence, by=request.actor, **form.cleaned_data)
                messages.success(request, f"Recorded for item {told.item.n}: {told.get_answer_display()}.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    if request.actor.may(Permission.CAMPAIGN_MANAGE):
        return redirect("reviews:campaign", request.tenant.slug, silence.campaign_id)
    return redirect("reviews:unanswered", request.tenant.slug)
