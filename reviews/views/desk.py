"""Shows reviewers their desk: inbox, the one-screen review, the signature and its receipt."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST

from identities.models import Identity
from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import DecisionForm, SignForm
from reviews.kinds import REVIEWER_OUTCOMES, Choice, Outcome, meaning_of_signature
from reviews.models import Campaign, Decision, ReviewItem, SignOff
from reviews.queries import desk
from reviews.queries.standing import StatementLine, has_signed, statement_lines, statement_over, undecided_count
from reviews.reauthentication import by_password, is_asked_too_often, note_refused
from reviews.states import CampaignState
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50
NOT_LINKED = "Your user is not linked to a person in the register. Ask the compliance officer to import you."


@requires(Permission.ITEM_REVIEW)
def inbox(request: TenantRequest) -> HttpResponse:
    """Shows what waits for the reviewer, due soonest first."""
    reviewer = identity_of_user(request.actor.user_id)
    context = {
        "reviewer": reviewer,
        "lines": desk.inbox(reviewer) if reviewer else [],
        "signed": desk.signed_by(reviewer)[:10] if reviewer else [],
        "now": timezone.now(),
    }
    return render(request, "reviews/inbox.html", context)


def _desk(request: TenantRequest, campaign_id: int) -> tuple[Campaign, Identity]:
    """Returns a campaign and the reviewer whose desk it is on; raises Http404 for anybody else."""
    reviewer = identity_of_user(request.actor.user_id)
    campaign = get_object_or_404(Campaign.objects.all(), pk=campaign_id)
    if reviewer is None or not desk.items_for(campaign, reviewer).exists():
        raise Http404(NOT_LINKED)
    return campaign, reviewer


@requires(Permission.ITEM_REVIEW)
def review(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows the one-screen review: the list, and the chosen or first undecided item."""
    campaign, reviewer = _desk(request, campaign_id)
    show = request.GET.get("show", "")
    items = desk.items_for(campaign, reviewer, show)
    page = Paginator(items.values_list("pk", flat=True), PAGE).get_page(request.GET.get("page"))
    rows = desk.desk_rows(list(items.filter(pk__in=list(page.object_list))))  # sorts 10,000 numbers, not wide rows
    first = next((row.item for row in rows if row.decision is None), rows[0].item if rows else None)
    wanted = request.GET.get("item", "")
    chosen = desk.items_for(campaign, reviewer).filter(pk=wanted).first() if wanted.isdecimal() else first
    context = {"page": page, "rows": rows, "show": show, **_around(campaign, reviewer)}
    if chosen is not None:
        context |= _sheet(chosen)
    return render(request, "reviews/review.html", context)


def _around(campaign: Campaign, reviewer: Identity) -> dict[str, object]:
    """Returns what stands above the list: how far the reviewer is, and whether they may still decide."""
    total, undecided = desk.items_for(campaign, reviewer).count(), undecided_count(campaign, reviewer)
    due = campaign.due_at is not None and timezone.now() >= campaign.due_at
    signed = has_signed(campaign, reviewer)
    return {
        "campaign": campaign,
        "total": total,
        "undecided": undecided,
        "decided": total - undecided,
        "signed": signed,
        "may_decide": campaign.state == CampaignState.OPEN and not due and not signed,
    }


def _sheet(item: ReviewItem) -> dict[str, object]:
    """Returns what the detail shows."""
    return {"sheet": desk.item_sheet(item), "outcomes": REVIEWER_OUTCOMES}


@requires(Permission.ITEM_REVIEW)
def item(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Answers the detail of one item for the review screen."""
    campaign, reviewer = _desk(request, campaign_id)
    chosen = get_object_or_404(desk.items_for(campaign, reviewer), pk=item_id)
    return render(request, "reviews/_sheet.html", {**_around(campaign, reviewer), **_sheet(chosen)})


@require_POST
@requires(Permission.ITEM_REVIEW)
def decide(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Records a decision at once; answers the item again, its row in the list and the count, or the refusal."""
    campaign, reviewer = _desk(request, campaign_id)
    chosen = get_object_or_404(desk.items_for(campaign, reviewer), pk=item_id)
    form, refusal = DecisionForm(request.POST), ""
    if form.is_valid():
        try:
            with transaction.atomic():
                seen = form.cleaned_data["seen"]
                actions.decide(item=chosen, choice=form.choice(), by=request.actor, seen=seen)
        except Refused as refused:
            refusal = refused.verdict.reason
    else:
        refusal = "Choose one of the decisions."
    if not request.headers.get("HX-Request"):
        if refusal:
            messages.error(request, refusal)
        return redirect(f"{request.path.rsplit('/items/', 1)[0]}/?item={chosen.pk}")
    context = {**_around(campaign, reviewer), **_sheet(chosen), "refusal": refusal, "saved": not refusal}
    context |= {"row": desk.desk_rows([chosen])[0], "typed": request.POST.get("reason", "") if refusal else ""}
    return render(request, "reviews/_decided.html", context, status=422 if refusal else 200)


@require_POST
@requires(Permission.ITEM_REVIEW)
def bulk(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Keeps the ticked grants together where the rules allow it."""
    campaign, reviewer = _desk(request, campaign_id)
    ticked = [int(pk) for pk in request.POST.getlist("items") if pk.isdecimal()]
    items = list(desk.items_for(campaign, reviewer).filter(pk__in=ticked))
    choice = Choice(Outcome.CERTIFY, request.POST.get("reason", ""))
    try:
        with transaction.atomic():
            done = actions.decide_in_bulk(items=items, choice=choice, by=request.actor)
        messages.success(request, f"{len(done)} grants are kept; they are marked as decided together.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:review", request.tenant.slug, campaign.pk)


@requires(Permission.ITEM_REVIEW)
def sign(request: TenantRequest, campaign_id: int) -> HttpResponse:
    """Shows the statement and takes the signature after the password was given again."""
    campaign, reviewer = _desk(request, campaign_id)
    lines = statement_lines(campaign, reviewer)
    _text, digest = statement_over(campaign, reviewer, lines)
    start = {"printed_name": request.user.name or reviewer.name, "digest": digest}
    form = SignForm(request.POST or None, initial=start)
    if form.is_valid():
        signature = _sign(request, campaign, form)
        if signature is not None:
            return redirect("reviews:receipt", request.tenant.slug, signature.pk)
    meaning = meaning_of_signature(len(lines))
    context = {"form": form, "digest": digest, "meaning": meaning, **_shown(lines), **_around(campaign, reviewer)}
    return render(request, "reviews/sign.html", context, status=422 if form.is_bound else 200)


def _shown(lines: list[StatementLine]) -> dict[str, object]:
    """Returns the statement for the page; every badge is drawn once, since 1,000 drawings take 0.2 s."""
    badges = {
        outcome: render_to_string("reviews/_outcome.html", {"decision": Decision(outcome=outcome)})
        for outcome in {line.outcome for line in lines}
    }
    return {
        "rows": [(line, badges[line.outcome]) for line in lines],
        "privileged": render_to_string("components/_badge.html", {"look": "warn", "word": "Privileged"}),
        "summary": desk.outcome_summary(lines),
    }


def _sign(request: TenantRequest, campaign: Campaign, form: SignForm) -> SignOff | None:
    """Proves who signs and signs; returns None with the form's error where it is refused."""
    told = form.cleaned_data
    if is_asked_too_often(request):
        form.add_error("password", "You tried too often. Wait a minute, then type your password again.")
        return None
    proof = by_password(request.user, told["password"])
    if proof is None:
        note_refused(request)
        form.add_error("password", "This is not your password. Type it again.")
        return None
    try:
        with transaction.atomic():
            return actions.sign_off(
                campaign=campaign,
                by=request.actor,
                printed_name=told["printed_name"],
                shown_digest=told["digest"],
                proof=proof,
            )
    except Refused as refusal:
        form.add_error(None, refusal.verdict.reason)
        return None


@requires(Permission.ITEM_REVIEW, Permission.CAMPAIGN_VIEW)
def receipt(request: TenantRequest, signature_id: int) -> HttpResponse:
    """Shows a signature with its digest: to its signer, and to those who see campaigns."""
    signature = get_object_or_404(SignOff.objects.select_related("campaign", "reviewer"), pk=signature_id)
    reviewer = identity_of_user(request.actor.user_id)
    own = reviewer is not None and reviewer.pk == signature.reviewer_id
    if not own and not request.actor.may(Permission.CAMPAIGN_VIEW):
        raise Http404("This is another reviewer's signature.")
    return render(request, "reviews/receipt.html", {"signature": signature, "own": own})
