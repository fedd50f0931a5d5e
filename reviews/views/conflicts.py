"""Shows a reviewer the conflicts of duties in a campaign, each as one thing to decide."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from reviews import actions
from reviews.forms import ConflictDecisionForm
from reviews.kinds import Choice, ConflictDecided, Outcome
from reviews.queries import duties
from reviews.views.desk import around, desk_of
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 20


@requires(Permission.ITEM_REVIEW)
def cases(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows the conflicts that are put to the reviewer, both sides of each with their use."""
    campaign, reviewer = desk_of(request, campaign_id)
    page = Paginator(duties.cases_for(campaign, reviewer), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "sheets": duties.case_sheets(list(page.object_list)), **around(campaign, reviewer)}
    return render(request, "reviews/cases.html", context)


@require_POST
@requires(Permission.ITEM_REVIEW)
def decide_case(request: TenantRequest, campaign_id: int, case_id: int) -> HttpResponse:
    """Records what the reviewer decides about a conflict; answers its card, or the refusal in it."""
    campaign, reviewer = desk_of(request, campaign_id)
    case = get_object_or_404(duties.cases_for(campaign, reviewer), pk=case_id)
    form, refusal = ConflictDecisionForm(request.POST), ""
    if form.is_valid():
        told = form.cleaned_data
        choice = Choice(Outcome.CERTIFY, told["reason"], told["seen_seconds"] or 0)
        try:
            answer = ConflictDecided(told["answer"])
            with transaction.atomic():
                actions.decide_conflict(
                    case=case, answer=answer, control=told["control"], choice=choice, by=request.actor
                )
        except Refused as refused:
            refusal = refused.verdict.reason
    else:
        refusal = "Choose one of the decisions."
    if not request.headers.get("HX-Request"):
        if refusal:
            messages.error(request, refusal)
        return redirect("reviews:cases", request.tenant.slug, campaign.pk)
    context = {"sheet": duties.case_sheets([case])[0], "refusal": refusal, "saved": not refusal, "typed": form.data}
    return render(
        request, "reviews/_case_saved.html", context | around(campaign, reviewer), status=422 if refusal else 200
    )
