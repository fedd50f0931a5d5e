"""Shows campaigns to those who run them: the list, the one-page creation, progress, and what follows a signature."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from identities.models import Identity
from identities.personfield import SHOWN, label_of
from reviews import actions
from reviews.campaignform import CampaignForm, typed_like
from reviews.charts import burn_down_chart
from reviews.forms import DueForm, ReassignForm
from reviews.models import Campaign, CampaignPlan, Remediation
from reviews.policies import can_view_campaign
from reviews.queries import campaigns as queries
from reviews.queries.deadline import answered_by_manager, deadline_effect, silences_of
from reviews.queries.desk import desk_rows, item_sheet
from reviews.queries.findings import absent_of
from reviews.queries.notices import mailed
from reviews.queries.plans import first_words
from reviews.queries.postponed import postponed_of, resumes
from reviews.queries.preview import Preview, preview
from reviews.queries.questions import thread_of
from reviews.queries.reviewers import reviewers, terms
from reviews.recurrence import BadRule
from reviews.states import CampaignState
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused, enforce
from tenants.sharing import is_shared

PAGE = 50
VIEWERS = (Permission.CAMPAIGN_VIEW, Permission.ROOM_VIEW)


@requires(*VIEWERS)
def campaigns(request: TenantRequest) -> HttpResponse:
    """Shows the campaigns, those at work first."""
    page = Paginator(queries.campaigns_list(request.actor), PAGE).get_page(request.GET.get("page"))
    lines = queries.campaign_lines(list(page.object_list))
    return render(request, "reviews/campaigns.html", {"page": page, "lines": lines})


@requires(Permission.CAMPAIGN_MANAGE)
def campaign_new(request: TenantRequest, plan_id: int | None = None) -> HttpResponse:
    """Makes a campaign on one page, with live counts of what it would hold; with a plan's id, filled as that one."""
    like = get_object_or_404(CampaignPlan.objects.select_related("named", "fallback"), pk=plan_id) if plan_id else None
    typed = typed_like(like) if like else {}
    form = CampaignForm(request.POST or None, tenant=request.tenant, initial=typed)
    if form.is_valid():
        try:
            return _make(request, form)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
        except BadRule as bad:
            form.add_error("rule", str(bad))
    status = 422 if form.is_bound else 200
    shown = form if form.is_bound else CampaignForm(typed or None, tenant=request.tenant)
    context = {"form": form, "like": like, "counts": _preview(shown) if shown.is_bound else None}
    return render(request, "reviews/campaign_new.html", {**context, "openings": shown.openings()}, status=status)


def _make(request: TenantRequest, form: CampaignForm) -> HttpResponse:
    """Stores the plan; makes its campaign at once where nothing else does: no rule of the calendar and no trigger."""
    with transaction.atomic():
        plan = actions.create_plan(facts=form.facts(), by=request.actor)
        if plan.by_itself:
            messages.success(request, f"{plan.name} is planned. {first_words(plan)}")
            return redirect("reviews:plans", request.tenant.slug)
        made = actions.create_campaign(plan=plan, occurrence_at=timezone.now(), by=request.actor)
    return redirect("reviews:campaign", request.tenant.slug, made.pk)


@requires(Permission.CAMPAIGN_MANAGE)
def campaign_counts(request: TenantRequest) -> HttpResponse:
    """Answers the live counts of the creation page."""
    form = CampaignForm(request.GET, tenant=request.tenant)
    return render(request, "reviews/_counts.html", {"counts": _preview(form), "openings": form.openings()})


@requires(Permission.CAMPAIGN_MANAGE, Permission.ITEM_REVIEW)
def reviewer_choices(request: TenantRequest) -> HttpResponse:
    """Answers the reviewers that fit what was typed into a form's field, whose name is in the address."""
    text = request.GET.get(request.GET.get("field", ""), "").strip().replace("\x00", "")
    labels = [(label_of(one), one.email) for one in reviewers(text)[:SHOWN]]
    return render(request, "identities/_people_choices.html", {"people": labels})


def _preview(form: CampaignForm) -> Preview | None:
    """Returns the counts as soon as systems and a fallback are chosen."""
    form.is_valid()
    told = form.cleaned_data
    if not told.get("systems") or not told.get("fallback") or not told.get("strategy"):
        return None
    return preview(
        system_ids=[system.pk for system in told["systems"]],
        told=told,
        terms_of=terms(told["strategy"], told.get("named"), told["fallback"], told.get("group", "")),
    )


def _campaign(request: TenantRequest, campaign_id: int) -> Campaign:
    """Returns a campaign that the actor may see; raises Http404 or Refused."""
    campaign = get_object_or_404(Campaign.objects.select_related("plan", "follows"), pk=campaign_id)
    enforce(can_view_campaign(request.actor, shared=is_shared(request.actor, campaign)))
    return campaign


def _population(campaign: Campaign) -> dict[str, object]:
    """Returns where the population of a campaign comes from, and who worked and stands in none of its lists."""
    absent = absent_of(campaign)
    return {
        "scope": queries.scope_lines(campaign),
        "absent": list(absent[:PAGE]),
        "absent_total": absent.count(),
    }


@requires(*VIEWERS)
def campaign_page(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows how a campaign stands and what keeps it from its next state."""
    campaign = _campaign(request, campaign_id)
    standing, lines = queries.standing(campaign), queries.reviewer_lines(campaign)
    later = (campaign.due_at or timezone.now()) + timedelta(days=7)
    silences = list(silences_of(campaign)[:PAGE])
    context = {
        "campaign": campaign,
        "effect": deadline_effect(campaign),
        "followers": campaign.followers.all(),
        "silences": silences,
        "mailed": mailed(campaign),
        "left": answered_by_manager(silences) if request.actor.may(Permission.CAMPAIGN_MANAGE) else set(),
        "standing": standing,
        "lines": lines,
        "postponed": postponed_of(campaign),
        "resumes": resumes(campaign),
        **_population(campaign),
        "blockers": queries.blockers(campaign, standing, lines),
        "chart": burn_down_chart(queries.burn_down(campaign), campaign.due_at, ended=campaign.closed_at is not None),
        "moves": queries.moves_of(campaign),
        "sign_offs": queries.sign_offs_of(campaign),
        "overdue": campaign.is_overdue(timezone.now()),
        "due_form": DueForm(initial={"due_at": later}),
        "states": CampaignState,
    }
    return render(request, "reviews/campaign.html", context)


@requires(*VIEWERS)
def campaign_items(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows all items of a campaign with the decisions that count."""
    campaign = _campaign(request, campaign_id)
    page = Paginator(queries.items_of(campaign), PAGE).get_page(request.GET.get("page"))
    context = {"campaign": campaign, "page": page, "rows": desk_rows(list(page.object_list))}
    return render(request, "reviews/items.html", context)


@requires(*VIEWERS)
def campaign_item(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Shows one item with its evidence and the history of its decisions."""
    campaign = _campaign(request, campaign_id)
    item = get_object_or_404(queries.items_of(campaign), pk=item_id)
    context = {"campaign": campaign, "sheet": item_sheet(item), "put": queries.assignments_of(item)}
    context["thread"] = thread_of(item)
    return render(request, "reviews/item.html", context)


@requires(*VIEWERS)
def remediations(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows the revocations of a campaign and how far each is."""
    campaign = _campaign(request, campaign_id)
    page = Paginator(queries.remediations_of(campaign), PAGE).get_page(request.GET.get("page"))
    late = {fix.pk for fix in page if fix.is_late(timezone.now())}
    changed = queries.changed_remediations(campaign)
    context = {"campaign": campaign, "page": page, "late": late, "changed": changed[:PAGE], "changes": changed.count()}
    return render(request, "reviews/remediations.html", context)


Deed = Callable[[TenantRequest, Campaign], str]


def _collect(request: TenantRequest, campaign: Campaign) -> str:
    done = actions.collect_snapshots(campaign=campaign, by=request.actor)
    ready = done.state == CampaignState.READY
    return "Every system has its snapshot." if ready else "A system still lacks a complete snapshot."


def _remind(request: TenantRequest, campaign: Campaign) -> str:
    return f"{actions.remind_reviewers(campaign=campaign, by=request.actor)} reviewers are mailed."


def _close(request: TenantRequest, campaign: Campaign) -> str:
    actions.close_campaign(campaign=campaign, by=request.actor)
    return "The campaign is closed for good."


def _end(request: TenantRequest, campaign: Campaign) -> str:
    actions.close_deciding(campaign=campaign, by=request.actor)
    return "The time to decide is over; what was undecided is recorded as not decided."


def _verify(request: TenantRequest, _campaign: Campaign) -> str:
    done = actions.verify_remediations(by=request.actor)
    verified = "1 revocation" if done.verified == 1 else f"{done.verified} revocations"
    failed = "1 claim" if done.failed == 1 else f"{done.failed} claims"
    return f"{verified} verified, {failed} failed, {done.used_afterwards} used afterwards."


def _cancel(request: TenantRequest, campaign: Campaign) -> str:
    actions.cancel_campaign(campaign=campaign, reason=request.POST.get("reason", ""), by=request.actor)
    return "The campaign is cancelled; everything in it is kept."


def _new_due(request: TenantRequest, campaign: Campaign) -> str:
    form = DueForm(request.POST)
    if not form.is_valid():
        return "Give a new due time and the reason for it."
    deed = actions.extend_campaign if campaign.state == CampaignState.OPEN else actions.reopen_campaign
    deed(campaign=campaign, due_at=form.due(), reason=form.cleaned_data["reason"], by=request.actor)
    return "The campaign has its new due time."


def _stage(request: TenantRequest, campaign: Campaign) -> str:
    return f"{actions.begin_stage(campaign=campaign, by=request.actor).name} is made; open it when it is ready."


def _follow(request: TenantRequest, campaign: Campaign) -> str:
    made = actions.follow_up(campaign=campaign, reason=request.POST.get("reason", ""), by=request.actor)
    return f"{made.name} is made and points back to this campaign."


DEEDS: dict[str, Deed] = {
    "stage": _stage,
    "follow": _follow,
    "collect": _collect,
    "remind": _remind,
    "close": _close,
    "end": _end,
    "verify": _verify,
    "cancel": _cancel,
    "due": _new_due,
}


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def campaign_deed(request: TenantRequest, campaign_id: int, deed: str) -> HttpResponse:
    """Does one deed on a campaign and shows it again; a refusal is shown in its place."""
    campaign = get_object_or_404(Campaign.objects.all(), pk=campaign_id)
    try:
        with transaction.atomic():
            messages.success(request, DEEDS[deed](request, campaign))
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:campaign", request.tenant.slug, campaign_id)


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def campaign_open(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Has a campaign opened in the background and shows the progress."""
    campaign = get_object_or_404(Campaign.objects.all(), pk=campaign_id)
    work = actions.request_opening(campaign=campaign, by=request.actor)
    return redirect("tenants:work", request.tenant.slug, work.pk)


@require_POST
@requires(Permission.REMEDIATION_MANAGE)
def claim(request: TenantRequest, remediation_id: int) -> HttpResponse:
    """Records that a revocation is said to be carried out."""
    rows = Remediation.objects.select_related("campaign", "decision", "item")
    remediation = get_object_or_404(rows, pk=remediation_id)
    try:
        actions.claim_remediation(
            remediation=remediation, ticket=request.POST.get("ticket", "")[:100], by=request.actor
        )
        messages.success(request, "Recorded. It counts when a later complete snapshot shows it.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:remediations", request.tenant.slug, remediation.campaign_id)


@requires(Permission.CAMPAIGN_MANAGE)
def reassign(request: TenantRequest, campaign_id: int, reviewer_id: int) -> HttpResponse:
    """Puts a reviewer's undecided items to another reviewer."""
    campaign = get_object_or_404(Campaign.objects.all(), pk=campaign_id)
    reviewer = get_object_or_404(Identity.objects.all(), pk=reviewer_id)
    items, decided = (list(rows(campaign, reviewer.pk)) for rows in (queries.undecided_of, queries.decided_of))
    form = ReassignForm(request.POST or None, tenant=request.tenant)
    if form.is_valid():
        try:
            new, reason = form.cleaned_data["new"], form.cleaned_data["reason"]
            chosen = items + decided if form.cleaned_data["decided_too"] else items
            n = actions.reassign_items(items=chosen, reviewer=new, reason=reason, by=request.actor)
            messages.success(request, f"{'1 item is' if n == 1 else f'{n} items are'} put to {new.name}.")
            return redirect("reviews:campaign", request.tenant.slug, campaign.pk)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {"form": form, "campaign": campaign, "items": items, "decided": decided}
    return render(request, "reviews/reassign.html", context, status=422 if form.is_bound else 200)
