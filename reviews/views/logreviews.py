"""Shows the reviews of logs: schedules and periods, the one screen of a period, the signature, and the follow-ups."""

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from identities.models import Identity
from identities.queries import identity_of_user
from reviews import actions
from reviews.actions.logdispositions import meaning_of
from reviews.forms import SignForm
from reviews.kinds import Disposed, Looked
from reviews.logforms import DispositionForm, LogReviewersForm, LogScheduleForm
from reviews.models import FollowUp, LogItem, LogReview, LogSchedule, LogSignature
from reviews.queries import logreviews as queries
from reviews.recurrence import BadRule
from reviews.views.proving import take_signature, ways_to_sign
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

PAGE = 50
READERS = (Permission.CAMPAIGN_VIEW, Permission.ITEM_REVIEW)


@requires(*READERS)
def log_reviews(request: TenantRequest) -> HttpResponse:
    """Shows the schedules, and the periods: open ones first, with what is overdue."""
    me, now = identity_of_user(request.actor.user_id), timezone.now()
    page = Paginator(queries.reviews_for(request.actor, me), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": queries.review_lines(list(page.object_list), now),
        "schedules": queries.schedule_lines(now) if request.actor.may(Permission.CAMPAIGN_VIEW) else [],
        "me": me,
    }
    return render(request, "reviews/log_reviews.html", context)


@requires(Permission.CAMPAIGN_MANAGE)
def log_schedule_new(request: TenantRequest) -> HttpResponse:
    """Plans reviews of logs."""
    form = LogScheduleForm(request.POST or None, tenant=request.tenant)
    if form.is_valid():
        try:
            with transaction.atomic():
                made = actions.create_log_schedule(facts=form.facts(), by=request.actor)
            messages.success(request, f"{made.name} is planned. Each period opens two hours after its end.")
            return redirect("reviews:log_reviews", request.tenant.slug)
        except BadRule as bad:
            form.add_error("own_rule" if form.cleaned_data["own_rule"] else "starts_on", str(bad))
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    return render(request, "reviews/log_schedule_new.html", {"form": form}, status=422 if form.is_bound else 200)


@requires(Permission.CAMPAIGN_MANAGE)
def log_schedule(request: TenantRequest, schedule_id: int) -> HttpResponse:
    """Shows one schedule, and names other reviewers for it."""
    schedule = get_object_or_404(LogSchedule.objects.select_related("reviewer", "second"), pk=schedule_id)
    form = LogReviewersForm(request.POST or None, tenant=request.tenant)
    if form.is_valid():
        try:
            with transaction.atomic():
                actions.change_log_reviewers(schedule=schedule, by=request.actor, **form.cleaned_data)
            messages.success(request, "The reviewers are changed, also of the periods that are open.")
            return redirect("reviews:log_reviews", request.tenant.slug)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {"form": form, "schedule": schedule}
    return render(request, "reviews/log_schedule.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def log_schedule_end(request: TenantRequest, schedule_id: int) -> HttpResponse:
    """Ends a schedule with the period that runs now."""
    schedule = get_object_or_404(LogSchedule.objects.all(), pk=schedule_id)
    try:
        with transaction.atomic():
            actions.end_log_schedule(schedule=schedule, reason=request.POST.get("reason", ""), by=request.actor)
        messages.success(request, "The schedule ends with the period that runs now; that one is still reviewed.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:log_schedule", request.tenant.slug, schedule.pk)


def _period(request: TenantRequest, review_id: int) -> tuple[LogReview, Identity | None]:
    """Returns a period that the person may see, and who they are; raises Http404 for anybody else."""
    me = identity_of_user(request.actor.user_id)
    return get_object_or_404(queries.reviews_for(request.actor, me), pk=review_id), me


def _around(review: LogReview, me: Identity | None) -> dict[str, object]:
    """Returns what stands above the list: how far the period is, and whether this person disposes of items."""
    waiting = queries.undisposed(review).count()
    signed = me is not None and me.pk in queries.log_signers(review)
    named = me is not None and me.pk in {review.reviewer_id, review.second_id}
    return {
        "review": review,
        "waiting": waiting,
        "done": review.item_count - waiting,
        "signed": signed,
        "may_dispose": named and review.is_open and not signed,
        "overdue": review.is_overdue(timezone.now()),
        "me": me,
    }


def _sheet(item: LogItem) -> dict[str, object]:
    """Returns what the detail shows."""
    history = list(item.dispositions.select_related("reviewer").order_by("disposed_at", "id"))
    return {"row": queries.log_rows([item])[0], "history": history, "outcomes": Disposed}


@requires(*READERS)
def log_review(request: TenantRequest, review_id: int) -> HttpResponse:
    """Shows the one screen of a period: the list, the chosen or first waiting item, and what came of it."""
    review, me = _period(request, review_id)
    show, wanted = request.GET.get("show", ""), request.GET.get("item", "")
    items = queries.items_of(review, show)
    page = _page(list(items.values_list("pk", flat=True)), wanted, request.GET.get("page"))
    rows = queries.log_rows(list(items.filter(pk__in=list(page.object_list))))
    chosen = queries.items_of(review).filter(pk=wanted).first() if wanted.isdecimal() else _first(rows, me)
    context = {"page": page, "rows": rows, "show": show, **_around(review, me)}
    context |= {"signatures": queries.signatures_of(review), "follow_ups": queries.follow_ups_of(review)}
    if chosen is not None:
        context["sheet"] = _sheet(chosen)
    return render(request, "reviews/log_review.html", context)


def _first(rows: list[queries.LogRow], me: Identity | None) -> LogItem | None:
    """Returns the first item of a page that waits for this person, else the first."""
    mine = (row.item for row in rows if row.disposition is None and not (me and row.item.subject_key == me.pk))
    return next(mine, rows[0].item if rows else None)


def _page(numbers: list[int], wanted: str, number: str | None) -> "Page[int]":
    """Returns the asked page of the list, or without one that on which the wanted item stands."""
    pages = Paginator(numbers, PAGE)
    if number is None and wanted.isdecimal() and int(wanted) in numbers:
        return pages.page(numbers.index(int(wanted)) // PAGE + 1)
    return pages.get_page(number)


@requires(*READERS)
def log_item(request: TenantRequest, review_id: int, log_item_id: int) -> HttpResponse:
    """Answers the detail of one item for the screen of its period."""
    review, me = _period(request, review_id)
    chosen = get_object_or_404(queries.items_of(review), pk=log_item_id)
    return render(request, "reviews/_log_sheet.html", {**_around(review, me), "sheet": _sheet(chosen)})


@require_POST
@requires(Permission.ITEM_REVIEW)
def log_dispose(request: TenantRequest, review_id: int, log_item_id: int) -> HttpResponse:
    """Records a disposition at once; answers the next waiting item with the row and the count, or the refusal."""
    review, me = _period(request, review_id)
    chosen = get_object_or_404(queries.items_of(review), pk=log_item_id)
    form, refusal = DispositionForm(request.POST), "Choose one of the dispositions."
    if form.is_valid():
        refusal = _dispose(request, chosen, form.looked(), form.cleaned_data["seen"])
    if not request.headers.get("HX-Request"):
        if refusal:
            messages.error(request, refusal)
        return redirect(f"{request.path.rsplit('/items/', 1)[0]}/?item={chosen.pk}")
    following = None
    if not refusal and me is not None and not form.cleaned_data["seen"]:  # whoever changes one stays with it
        following = queries.next_open(review, me, chosen)
    context = {**_around(review, me), "sheet": _sheet(following or chosen), "refusal": refusal, "saved": not refusal}
    context |= {"row": queries.log_rows([chosen])[0], "typed": request.POST if refusal else {}}
    return render(request, "reviews/_log_disposed.html", context, status=422 if refusal else 200)


def _dispose(request: TenantRequest, item: LogItem, looked: Looked, seen: int | None) -> str:
    """Disposes of an item; returns the sentence of a refusal, or nothing."""
    try:
        with transaction.atomic():
            actions.dispose(item=item, looked=looked, by=request.actor, seen=seen)
    except Refused as refused:
        return refused.verdict.reason
    return ""


@requires(Permission.ITEM_REVIEW)
def log_sign(request: TenantRequest, review_id: int) -> HttpResponse:
    """Shows the statement over a period and takes the signature after the person proved again who they are."""
    review, me = _period(request, review_id)
    if me is None:
        raise Http404("Your user is not linked to a person in the register.")
    lines = queries.log_lines(review, me)
    _text, digest = queries.log_statement(review, me, lines)
    form = SignForm(request.POST or None, initial={"printed_name": request.user.name or me.name})
    if form.is_valid():
        signature = _sign(request, review, form)
        if signature is not None:
            return redirect("reviews:log_receipt", request.tenant.slug, signature.pk)
    context = {"form": form, "digest": digest, "meaning": meaning_of(review, len(lines)), "rows": lines}
    context |= {**_around(review, me), **ways_to_sign(request, digest)}
    context["signs"] = f"Sign {len(lines):,} disposition{'' if len(lines) == 1 else 's'}"
    return render(request, "reviews/log_sign.html", context, status=422 if form.is_bound else 200)


def _sign(request: TenantRequest, review: LogReview, form: SignForm) -> LogSignature | None:
    """Proves who signs and signs; returns None with the form's error where it is refused."""
    told = form.cleaned_data
    return take_signature(
        request,
        form,
        lambda proof: actions.sign_log_review(
            review=review,
            by=request.actor,
            printed_name=told["printed_name"],
            shown_digest=told["digest"],
            proof=proof,
        ),
    )


@requires(*READERS)
def log_receipt(request: TenantRequest, log_signature_id: int) -> HttpResponse:
    """Shows a signature over a period with its digest."""
    signature = get_object_or_404(LogSignature.objects.select_related("review", "reviewer"), pk=log_signature_id)
    _period(request, signature.review_id)
    return render(request, "reviews/log_receipt.html", {"signature": signature})


@require_POST
@requires(Permission.CAMPAIGN_MANAGE)
def follow_up_close(request: TenantRequest, follow_up_id: int) -> HttpResponse:
    """Writes down how an incident or a policy violation ended."""
    follow_up = get_object_or_404(FollowUp.objects.all(), pk=follow_up_id)
    try:
        with transaction.atomic():
            actions.close_follow_up(
                follow_up=follow_up, resolution=request.POST.get("resolution", ""), by=request.actor
            )
        messages.success(request, "The follow-up is closed.")
    except Refused as refusal:
        messages.error(request, refusal.verdict.reason)
    return redirect("reviews:log_review", request.tenant.slug, follow_up.review_id)
