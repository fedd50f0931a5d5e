"""Takes a reviewer's question from the review screen, and shows the person who was asked just that question."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from identities.models import Identity
from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import ReplyForm
from reviews.models import ControlItem, ControlQuestion, ItemQuestion, ReviewItem
from reviews.queries import desk
from reviews.queries.questions import (
    askable,
    questions_about_controls,
    questions_seen,
    questions_to,
    thread_about_control,
    thread_of,
)
from reviews.views.desk import around, desk_of
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

ANYBODY = tuple(Permission)
"""Who is asked may hold any role: whose question it is decides, and others get 404."""


@require_POST
@requires(Permission.ITEM_REVIEW)
def ask(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Asks about an item, or comments on it, and answers the thread in its place on the review screen."""
    campaign, reviewer = desk_of(request, campaign_id)
    item = desk.shown_item(campaign, reviewer, item_id)
    if item is None:
        raise Http404
    people, refusal, text = askable(item, reviewer), "", request.POST.get("text", "")[:1000].replace("\x00", "")
    named = next((one.person for one in people if str(one.person.pk) == request.POST.get("to")), Identity())
    try:
        with transaction.atomic():
            _ask(item, None if "comment" in request.POST else named, text, request)
    except Refused as refused:
        refusal = refused.verdict.reason
    if not request.headers.get("HX-Request"):
        messages.add_message(request, messages.ERROR if refusal else messages.SUCCESS, refusal or "Saved.")
        return redirect(f"{request.path.rsplit('/items/', 1)[0]}/?item={item.pk}")
    thread = thread_about_control(item) if isinstance(item, ControlItem) else thread_of(item)
    context = {**around(campaign, reviewer), "item": item, "thread": thread, "people": people}
    context |= {"refusal": refusal, "asked_text": text if refusal else "", "open": True}
    return render(request, "reviews/_thread.html", context, status=422 if refusal else 200)


def _ask(item: ReviewItem | ControlItem, to: Identity | None, text: str, request: TenantRequest) -> None:
    """Asks about an item, or about a control item, which looks the same; a comment asks nobody."""
    if isinstance(item, ControlItem):
        actions.ask_about_control(control=item, asked=to, text=text, by=request.actor)
    else:
        actions.ask(item=item, asked=to, text=text, by=request.actor)


@requires(*ANYBODY)
def questions(request: TenantRequest) -> HttpResponse:
    """Shows what whoever is logged in was asked, newest first."""
    me = identity_of_user(request.actor.user_id)
    rows = questions_to(me).prefetch_related("answers")[:200] if me else []
    controls = questions_about_controls(request.actor).prefetch_related("answers")[:200]
    return render(request, "reviews/questions.html", {"questions": [*controls, *rows]})


@requires(*ANYBODY)
def question(request: TenantRequest, question_id: int) -> HttpResponse:
    """Shows one question with its item to the person who was asked, and takes the answer."""
    me = identity_of_user(request.actor.user_id)
    about_control = questions_about_controls(request.actor).filter(pk=question_id).first()
    asked = about_control or get_object_or_404(questions_seen(request.actor, me), pk=question_id)
    mine = about_control is not None or (me is not None and asked.asked_id == me.pk)
    form = ReplyForm(request.POST or None)
    if form.is_valid():
        try:
            _answer(asked, form.cleaned_data["text"], request)
            messages.success(request, "Answered. It decides nothing: the reviewer does.")
            return redirect("reviews:question", request.tenant.slug, asked.pk)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {
        "form": form,
        "question": asked,
        "item": asked.item,
        "about_control": about_control is not None,
        "answers": asked.answers.order_by("id"),
        "mine": mine,
    }
    return render(request, "reviews/question.html", context, status=422 if form.is_bound else 200)


def _answer(asked: ItemQuestion | ControlQuestion, text: str, request: TenantRequest) -> None:
    """Answers a question, of an item as whoever was asked, of a control item as one who runs campaigns."""
    if isinstance(asked, ControlQuestion):
        actions.answer_about_control(question=asked, text=text, by=request.actor)
    else:
        actions.answer_question(question=asked, text=text, by=request.actor)
