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
def ask(*, item: ReviewItem, asked: Identity | None, text: str, by: Actor) -> ItemQuestion:
    """Asks a person about an item that is put to the actor, and has them mailed; the item stays undecided.

    Where nobody is asked it is a comment, which stands beside the item and is mailed to nobody.

    Raises:
        Refused: when the item is another reviewer's, the person cannot answer, or there are no words.
    """
    item.campaign = locked(item.campaign)
    me, text = identity_of_user(by.user_id), text.strip()
    may_answer = asked is None or (me is not None and asked.pk in {one.person.pk for one in askable(item, me)})
    enforce(can_ask(by, item, mine=is_put_to(item, me), may_answer=may_answer, text=text))
    fresh = ItemQuestion(
        campaign=item.campaign, item=item, asker=me, asked=asked, text=text, at=timezone.now(), by=by.name
    )
    with as_refusal():
        fresh.save(force_insert=True)
    detail = {"item": item.n, "campaign": item.campaign_id, "question": fresh.pk, "text": text}
    if asked is not None:
        _mail(fresh, by)
        detail["to"] = asked.external_id
    verb = "item.ask" if asked else "item.comment"
    audit(verb, by=by, target=f"campaign {item.campaign.name}, item {item.n}", detail=detail)
    return fresh


def _mail(fresh: ItemQuestion, by: Actor) -> None:
    """Has the person who is asked mailed."""
    assert fresh.asked_id is not None  # noqa: S101 -- a comment is mailed to nobody
    about, step = fresh.asker_id, f"question {fresh.pk}"
    tell(fresh.campaign, NoticeKind.QUESTION, step=step, about=about, to=fresh.asked_id, covers=[fresh.pk])
    enqueue(SENDING, "reviews.jobs.send_notices", title=f"Question about {fresh.campaign.name}", by=by)


@transaction.atomic
def answer_question(*, question: ItemQuestion, text: str, by: Actor) -> ItemAnswer:
    """Answers a question that was put to the actor, and has the reviewer mailed.

    Raises:
        Refused: when somebody else was asked, the deciding is over, or there are no words.
    """
    campaign, me, text = locked(question.campaign), identity_of_user(by.user_id), text.strip()
    enforce(can_answer_question(by, campaign, asked=me is not None and me.pk == question.asked_id, text=text))
    assert me is not None  # noqa: S101 -- the policy saw to it
    fresh = ItemAnswer(question=question, answerer=me, text=text, at=timezone.now(), by=by.name)
    with as_refusal():
        fresh.save(force_insert=True)
    tell(
        campaign,
        NoticeKind.ANSWERED,
        step=f"answer {fresh.pk}",
        about=me.pk,
        to=question.asker_id,
        covers=[question.pk],
    )
    enqueue(SENDING, "reviews.jobs.send_notices", title=f"Answer about {campaign.name}", by=by)
    detail = {"item": question.item.n, "campaign": campaign.pk, "question": question.pk, "text": text}
    audit("item.answer", by=by, target=f"campaign {campaign.name}, item {question.item.n}", detail=detail)
    return fresh
