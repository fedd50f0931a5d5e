"""Shows the officer how carefully reviewers decided and sets the thresholds; takes second looks."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from identities.queries import identity_of_user
from reviews import actions
from reviews.agreement import LEAST_FOR_KAPPA
from reviews.forms import CareRuleForm, DelegateForm, SecondLookForm
from reviews.models import Campaign, SecondLook
from reviews.quality import figures_of, thresholds_of
from reviews.queries import second_looks as queries
from reviews.queries.quality import care_lines, care_rules, named_pairs
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50


@requires(Permission.CAMPAIGN_MANAGE)
def care(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows how carefully each reviewer decided: by person, and so for the officer alone."""
    campaign = get_object_or_404(Campaign.objects.select_related("plan"), pk=campaign_id)
    looks = Paginator(queries.looks_of(campaign), PAGE).get_page(request.GET.get("page"))
    context = {
        "campaign": campaign,
        "lines": care_lines(campaign),
        "limits": thresholds_of(campaign.definition),
        "pairs": named_pairs(campaign),
        "looks": looks,
        "least_for_kappa": LEAST_FOR_KAPPA,
    }
    return render(request, "reviews/care.html", context)


@requires(Permission.CAMPAIGN_MANAGE)
def care_rule(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Sets the thresholds of a campaign's plan, for its campaigns that are not open yet."""
    campaign = get_object_or_404(Campaign.objects.select_related("plan"), pk=campaign_id)
    rules = care_rules(campaign.plan)
    newest = rules.first()
    figures = {name: getattr(newest, name) for name in CareRuleForm.FIGURES} if newest else figures_of({})
    form = CareRuleForm(request.POST or None, initial=figures)
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            actions.set_care_rule(plan=campaign.plan, figures=form.figures(), reason=reason, by=request.actor)
            messages.success(request, "The thresholds hold for every campaign of this plan that is not open yet.")
            return redirect("reviews:care", request.tenant.slug, campaign.pk)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {"form": form, "campaign": campaign, "rules": list(rules[:PAGE])}
    return render(request, "reviews/care_rule.html", context, status=422 if form.is_bound else 200)


@requires(Permission.CAMPAIGN_MANAGE)
def look_put(request: TenantRequest, look_id: int) -> HttpResponse:
    """Asks somebody else for a second look."""
    rows = SecondLook.objects.select_related("campaign", "item__account", "item__entitlement", "item__system", "second")
    look = get_object_or_404(rows, pk=look_id)
    form = DelegateForm(request.POST or None, tenant=request.tenant)
    if form.is_valid():
        try:
            new, reason = form.cleaned_data["new"], form.cleaned_data["reason"]
            actions.put_second_look(look=look, reviewer=new, reason=reason, by=request.actor)
            messages.success(request, f"{new.name} is asked for the second look.")
            return redirect("reviews:care", request.tenant.slug, look.campaign_id)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    return render(request, "reviews/look_put.html", {"form": form, "look": look}, status=422 if form.is_bound else 200)


@requires(Permission.ITEM_REVIEW)
def second_looks(request: TenantRequest) -> HttpResponse:
    """Shows what waits for a second look of whoever is logged in."""
    person = identity_of_user(request.actor.user_id)
    rows = queries.looks_for(person) if person else SecondLook.objects.none()
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "reviews/second_looks.html", {"page": page})


@requires(Permission.ITEM_REVIEW)
def second_look(request: TenantRequest, look_id: int) -> HttpResponse:
    """Shows one item as the first reviewer saw it, without what they decided, and takes the second decision."""
    person = identity_of_user(request.actor.user_id)
    if person is None:
        raise Http404
    look = get_object_or_404(queries.looks_for(person), pk=look_id)
    form = SecondLookForm(request.POST or None)
    if form.is_valid():
        try:
            with transaction.atomic():
                actions.take_second_look(look=look, choice=form.choice(), by=request.actor)
            messages.success(request, "Your second look is recorded. The first decision stays as it was signed.")
            following = queries.looks_for(person).first()
            if following is None:
                return redirect("reviews:inbox", request.tenant.slug)
            return redirect("reviews:second_look", request.tenant.slug, following.pk)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {
        "look": look,
        "sheet": queries.blind_sheet(look),
        "form": form,
        "left": queries.looks_for(person).count(),
    }
    return render(request, "reviews/second_look.html", context, status=422 if form.is_bound else 200)
