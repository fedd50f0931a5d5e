"""Shows reviewers their desk: inbox and the one-screen review."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from identities.models import Identity
from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import DecisionForm
from reviews.kinds import REVIEWER_OUTCOMES
from reviews.models import Campaign, ControlItem, Decision, ReviewItem
from reviews.queries import desk
from reviews.queries.bulk import bulks_of
from reviews.queries.deadline import silences_for
from reviews.queries.logreviews import inbox_lines
from reviews.queries.questions import askable, thread_about_control, thread_of, unanswered_by
from reviews.queries.risks import risks_to_sign
from reviews.queries.second_looks import looks_for
from reviews.queries.standing import has_signed, is_answer
from reviews.states import CampaignState
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50
DESK = (Permission.ITEM_REVIEW, Permission.ITEM_COSIGN)
"""Opens the pages that show what is put to the person alone: to reviewers, and to clients who co-sign."""

NOT_LINKED = "Your user is not linked to a person in the register. Ask the compliance officer to import you."


@requires(*DESK)
def inbox(request: TenantRequest) -> HttpResponse:
    """Shows what waits for the reviewer, due soonest first."""
    reviewer = identity_of_user(request.actor.user_id)
    if reviewer is None and not request.actor.may(Permission.ITEM_REVIEW):
        raise Http404(NOT_LINKED)
    context = {
        "reviewer": reviewer,
        "lines": desk.inbox(reviewer) if reviewer else [],
        "unanswered": silences_for(reviewer).count() if reviewer else 0,
        "looks": looks_for(reviewer).count() if reviewer else 0,
        "signed": desk.signed_by(reviewer)[:10] if reviewer else [],
        "questions": unanswered_by(reviewer).count() if reviewer else 0,
        "risks": risks_to_sign(request.actor, reviewer, timezone.now()).count() if reviewer else 0,
        "log_lines": inbox_lines(reviewer, timezone.now()) if reviewer else [],
        "now": timezone.now(),
    }
    return render(request, "reviews/inbox.html", context)


@requires(Permission.ITEM_COSIGN)
def waiting(request: TenantRequest) -> HttpResponse:
    """Answers, for the home of a client, what waits for their co-signature; nothing to whoever co-signs nothing."""
    reviewer = identity_of_user(request.actor.user_id)
    lines = [line for line in desk.inbox(reviewer) if not line.signed_at] if reviewer else []
    context = {"reviewer": reviewer, "lines": lines, "items": sum(line.items for line in lines), "now": timezone.now()}
    return render(request, "reviews/_waiting.html", context)


def desk_of(request: TenantRequest, campaign_id: int) -> tuple[Campaign, Identity]:
    """Returns a campaign and the reviewer whose desk it is on; raises Http404 for anybody else."""
    campaign, reviewer = _asked(request, campaign_id)
    if not desk.items_for(campaign, reviewer).exists():
        raise Http404(NOT_LINKED)
    return campaign, reviewer


def _asked(request: TenantRequest, campaign_id: int) -> tuple[Campaign, Identity]:
    """Returns a campaign and who asks for it as a reviewer; whether it is on their desk is asked with the item."""
    reviewer = identity_of_user(request.actor.user_id)
    if reviewer is None:
        raise Http404(NOT_LINKED)
    return get_object_or_404(Campaign.objects.all(), pk=campaign_id), reviewer


@requires(*DESK)
def review(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows the one-screen review: the list, and the chosen or first undecided item."""
    campaign, reviewer = desk_of(request, campaign_id)
    wanted, context = request.GET.get("item", ""), listing(campaign, reviewer, request.GET)
    rows: list[desk.DeskRow] = context["rows"]
    first = next((row.item for row in rows if not row.decided), rows[0].item if rows else None)
    chosen = desk.shown_item(campaign, reviewer, int(wanted)) if wanted.isdecimal() else first
    if chosen is not None:
        context |= _sheet(chosen, reviewer)
    return render(request, "reviews/review.html", context)


def listing(campaign: Campaign, reviewer: Identity, asked: QueryDict) -> dict[str, Any]:
    """Returns the list as the query of the address asks for it, what stands above it, and the bulks below it."""
    show, put = asked.get("show", ""), desk.desk_for(campaign, reviewer)
    page = _page(put.shown(show), asked.get("item", ""), asked.get("page"))
    context = {"page": page, "show": show, **around(campaign, reviewer, put)}
    context["rows"] = desk.rows_of(campaign, reviewer, list(page.object_list))
    context["waiting"] = next((pk for pk in put.numbers if pk in put.waiting), None)
    context["bulks"] = bulks_of(campaign, reviewer) if context["may_decide"] else []
    return context


def _page(numbers: list[int], wanted: str, number: str | None) -> "Page[int]":
    """Returns the asked page of the list, or without one that on which the wanted item stands."""
    pages = Paginator(numbers, PAGE)
    if number is None and wanted.isdecimal() and int(wanted) in numbers:
        return pages.page(numbers.index(int(wanted)) // PAGE + 1)
    return pages.get_page(number)


def around(
    campaign: Campaign, reviewer: Identity, put: desk.Desk | None = None, *, just_decided: bool = False
) -> dict[str, Any]:
    """Returns what stands above the list: how far the reviewer is, and whether they may still decide.

    Whoever has just decided had not signed, or they would have been refused.
    """
    put = put or desk.desk_for(campaign, reviewer)
    total, undecided = len(put.numbers), len(put.waiting)
    due = campaign.due_at is not None and timezone.now() >= campaign.due_at
    signed = not just_decided and has_signed(campaign, reviewer)
    return {
        "campaign": campaign,
        "total": total,
        "undecided": undecided,
        "decided": total - undecided,
        "signed": signed,
        "controls": put.controls,
        "may_decide": campaign.state == CampaignState.OPEN and not due and not signed,
    }


def _sheet(item: ReviewItem | ControlItem, reviewer: Identity) -> dict[str, object]:
    """Returns what the detail shows, with the box for questions."""
    sheet = desk.control_sheet(item) if isinstance(item, ControlItem) else desk.item_sheet(item)
    thread = thread_about_control(item) if isinstance(item, ControlItem) else thread_of(item)
    thread = thread if sheet.asked else thread.none()
    return {"sheet": sheet, "outcomes": REVIEWER_OUTCOMES, "thread": thread, "people": askable(item, reviewer)}


def _chosen(campaign: Campaign, reviewer: Identity, pk: int, put: desk.Desk | None = None) -> ReviewItem | ControlItem:
    """Returns what is shown under an id; raises Http404 for anything else."""
    found = desk.shown_item(campaign, reviewer, pk, put)
    if found is None:
        raise Http404
    return found


def _decide(
    put: ReviewItem | ControlItem, form: DecisionForm, request: TenantRequest, reviewer: Identity
) -> tuple[Decision | ControlItem | None, str]:
    """Records the decision about an item or a control item; returns it, or none with the sentence of a refusal."""
    if not form.is_valid():
        return None, form.refusal()
    try:
        if isinstance(put, ControlItem):
            return actions.decide_control(control=put, choice=form.choice(), by=request.actor), ""
        seen = form.cleaned_data["seen"]
        return actions.decide(item=put, choice=form.choice(), by=request.actor, seen=seen, reviewer=reviewer), ""
    except Refused as refused:
        return None, refused.verdict.reason


def _changed(decision: Decision | ControlItem, form: DecisionForm) -> bool:
    """Returns whether an answer was changed; what was taken back, or put to another reviewer, had none."""
    before = decision.supersedes if isinstance(decision, Decision) else None
    return bool(form.cleaned_data["seen"]) and (before is None or is_answer(before))


@requires(*DESK)
def item(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Answers the detail of one item for the review screen."""
    campaign, reviewer = _asked(request, campaign_id)
    chosen = _chosen(campaign, reviewer, item_id)
    return render(request, "reviews/_sheet.html", {**around(campaign, reviewer), **_sheet(chosen, reviewer)})


@require_POST
@requires(*DESK)
def decide(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Records a decision at once; answers the next undecided item with the marks and the count, or the refusal."""
    campaign, reviewer = _asked(request, campaign_id)
    decided = desk.put_item(campaign, reviewer, item_id)
    if decided is None:
        raise Http404
    form = DecisionForm(request.POST)
    decision, refusal = _decide(decided, form, request, reviewer)
    if not request.headers.get("HX-Request"):
        if refusal:
            messages.error(request, refusal)
        return redirect(f"{request.path.rsplit('/items/', 1)[0]}/?item={item_id}")
    put, following = desk.desk_for(campaign, reviewer), None
    if decision is not None and not _changed(decision, form):  # whoever changes a decision stays with it
        following = put.following(item_id)
    typed = request.POST.get("reason", "") if refusal else ""
    context = {"row": desk.DeskRow(decided, decision), "refusal": refusal, "typed": typed}
    shown = _chosen(campaign, reviewer, following or item_id, put)
    context |= {**around(campaign, reviewer, put, just_decided=not refusal), **_sheet(shown, reviewer)}
    return render(request, "reviews/_decided.html", context, status=422 if refusal else 200)


@require_POST
@requires(*DESK)
def carry_out(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Has a revocation carried out before it is signed, and comes back to the item."""
    campaign, reviewer = _asked(request, campaign_id)
    put = desk.put_item(campaign, reviewer, item_id)
    if not isinstance(put, ReviewItem):
        raise Http404
    try:
        actions.carry_out_now(item=put, by=request.actor)
        done = "It is for the owner of the system to carry out now. You still sign the decision with the others."
        messages.success(request, done)
    except Refused as refused:
        messages.error(request, refused.verdict.reason)
    return redirect(f"{reverse('reviews:review', args=(request.tenant.slug, campaign.pk))}?item={item_id}")
