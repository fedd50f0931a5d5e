"""Asks about an item and answers; neither decides anything."""

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from reviews.actions.moves import locked
from reviews.actions.notices import SENDING, tell
from reviews.kinds import NoticeKind
from reviews.models import ItemAnswer, ItemQuestion, ReviewItem
from reviews.policies import can_answer_question, can_ask
from reviews.queries.questions import askable, is_put_to
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.work import enqueue


@transaction.atomic
def ask(*, item: ReviewItem, asked: Identity, text: str, by: Actor) -> ItemQuestion:
    """Asks a person about an item that is put to the actor, and has them mailed; the item stays undecided.

    Raises:
        Refused: when the item is another reviewer's, the person cannot answer, or there are no words.
    """
    item.campaign = locked(item.campaign)
    me, text = identity_of_user(by.user_id), text.strip()
    may_answer = me is not None and asked.pk in {one.person.pk for one in askable(item, me)}
    enforce(can_ask(by, item, mine=is_put_to(item, me), may_answer=may_answer, text=text))
    fresh = ItemQuestion(
        campaign=item.campaign, item=item, asker=me, asked=asked, text=text, at=timezone.now(), by=by.name
    )
    with as_refusal():
        fresh.save(force_insert=True)
    assert me is not None  # noqa: S101 -- the policy saw to it
    tell(item.campaign, NoticeKind.QUESTION, step=f"question {fresh.pk}", about=me.pk, to=asked.pk, covers=[fresh.pk])
    enqueue(SENDING, "reviews.jobs.send_notices", title=f"Question about {item.campaign.name}", by=by)
    detail = {"item": item.n, "campaign": item.campaign_id, "question": fresh.pk, "to": asked.external_id, "text": text}
    audit("item.ask", by=by, target=f"campaign {item.campaign.name}, item {item.n}", detail=detail)
    return fresh


@transaction.atomic
def answer_question(*, question: ItemQuestion, text: str, by: Actor) -> ItemAnswer:
    """Answers a question that was put to the actor, and has the reviewer mailed.

    Raises:
        Refused: when somebody else was asked, the deciding is over, or there are no words.
    """
    campaign, me, text = locked(question.campaign), identity_of_user(by.user_id), text.strip()
    enforce(can_answer_question(by, campaign, asked=me is not None and me.pk == question.asked_id, text=text))
    fresh = ItemAnswer(question=question, answerer_id=question.asked_id, text=text, at=timezone.now(), by=by.name)
    with as_refusal():
        fresh.save(force_insert=True)
    step, about = f"answer {fresh.pk}", question.asked_id
    tell(campaign, NoticeKind.ANSWERED, step=step, about=about, to=question.asker_id, covers=[question.pk])
    enqueue(SENDING, "reviews.jobs.send_notices", title=f"Answer about {campaign.name}", by=by)
    detail = {"item": question.item.n, "campaign": campaign.pk, "question": question.pk, "text": text}
    audit("item.answer", by=by, target=f"campaign {campaign.name}, item {question.item.n}", detail=detail)
    return fresh
