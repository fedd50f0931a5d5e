"""Shows the plans of campaigns to those who see campaigns, and ends them."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from reviews import actions
from reviews.models import CampaignPlan
from reviews.queries.plans import plan_lines, plans_list
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50


@requires(Permission.CAMPAIGN_VIEW)
def plans(request: TenantRequest) -> HttpResponse:
    """Shows what makes campaigns, when the next one comes, and what has ended."""
    page = Paginator(plans_list(), PAGE).get_page(request.GET.get("page"))
    return render(request, "reviews/plans.html", {"page": page, "lines": plan_lines(list(page.object_list))})


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def plan_end(request: TenantRequest, plan_id: int) -> HttpResponse:
    """Ends a plan for a reason; a refusal is shown in its place."""
    plan = get_object_or_404(CampaignPlan.objects.all(), pk=plan_id)
    try:
        with transaction.atomic():
            actions.end_plan(plan=plan, reason=request.POST.get("reason", ""), by=request.actor)
        messages.success(request, f"{plan.name} has ended: it makes no further campaign. Those it made go on.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:plans", request.tenant.slug)
