"""Takes a reviewer's question from the review screen, and shows the person who was asked just that question."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from identities.models import Identity
from identities.queries import identity_of_user
from reviews import actions
from reviews.forms import ReplyForm
from reviews.queries import desk
from reviews.queries.questions import askable, questions_seen, questions_to, thread_of
from reviews.views.desk import around, desk_of
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission, Refused

ANYBODY = tuple(Permission)
"""Who is asked may hold any role: whose question it is decides, and others get 404."""


@require_POST
@requires(Permission.ITEM_REVIEW)
def ask(request: TenantRequest, campaign_id: int, item_id: int) -> HttpResponse:
    """Asks about an item and answers the thread in its place on the review screen."""
    campaign, reviewer = desk_of(request, campaign_id)
    item = get_object_or_404(desk.items_for(campaign, reviewer), pk=item_id)
    people, refusal, text = askable(item, reviewer), "", request.POST.get("text", "")[:1000].replace("\x00", "")
    to = next((one.person for one in people if str(one.person.pk) == request.POST.get("to")), None)
    try:
        with transaction.atomic():
            actions.ask(item=item, asked=to or Identity(), text=text, by=request.actor)
    except Refused as refused:
        refusal = refused.verdict.reason
    if not request.headers.get("HX-Request"):
        messages.add_message(request, messages.ERROR if refusal else messages.SUCCESS, refusal or "Asked.")
        return redirect(f"{request.path.rsplit('/items/', 1)[0]}/?item={item.pk}")
    context = {**around(campaign, reviewer), "item": item, "thread": thread_of(item), "people": people}
    context |= {"refusal": refusal, "asked_text": text if refusal else "", "open": True}
    return render(request, "reviews/_thread.html", context, status=422 if refusal else 200)


@requires(*ANYBODY)
def questions(request: TenantRequest) -> HttpResponse:
    """Shows what whoever is logged in was asked, newest first."""
    me = identity_of_user(request.actor.user_id)
    rows = questions_to(me).prefetch_related("answers")[:200] if me else []
    return render(request, "reviews/questions.html", {"questions": rows})


@requires(*ANYBODY)
def question(request: TenantRequest, question_id: int) -> HttpResponse:
    """Shows one question with its item to the person who was asked, and takes the answer."""
    me = identity_of_user(request.actor.user_id)
    asked = get_object_or_404(questions_seen(request.actor, me), pk=question_id)
    mine = me is not None and asked.asked_id == me.pk
    form = ReplyForm(request.POST or None)
    if form.is_valid():
        try:
            actions.answer_question(question=asked, text=form.cleaned_data["text"], by=request.actor)
            messages.success(request, "Answered. It decides nothing: the reviewer does.")
            return redirect("reviews:question", request.tenant.slug, asked.pk)
        except Refused as refusal:
            form.add_error(None, refusal.verdict.reason)
    context = {
        "form": form,
        "question": asked,
        "item": asked.item,
        "answers": asked.answers.order_by("id"),
        "mine": mine,
    }
    return render(request, "reviews/question.html", context, status=422 if form.is_bound else 200)
