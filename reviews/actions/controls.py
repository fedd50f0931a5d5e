"""Puts control items among those of reviewers, and takes what they say: access that is made up and counts nowhere."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from identities.models import Account, Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.findings import write_finding
from reviews.actions.moves import locked
from reviews.actions.notices import SENDING, tell
from reviews.causes import Cause
from reviews.invented import NAMES, invented_evidence, invented_person
from reviews.kinds import WINDOW_DAYS, Advice, Choice, FindingKind, NoticeKind
from reviews.manifest import moment
from reviews.models import Assignment, Campaign, ControlAnswer, ControlItem, ControlQuestion, SignOff
from reviews.policies import can_answer_question, can_ask, can_decide_control, can_manage_campaigns, is_due
from reviews.postponing import can_postpone
from reviews.queries.questions import askable
from reviews.queries.standing import has_signed
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.work import enqueue


def make_control_items(campaign: Campaign, now: datetime) -> int:
    """Puts the plan's number of control items to each reviewer of a campaign that is about to open."""
    each = int(campaign.definition.get("control_items", 0))
    if not each:
        return 0
    put = Assignment.objects.filter(campaign=campaign, until__isnull=True).order_by("reviewer_id", "-privileged", "pk")
    names = ("reviewer_id", "item__system_id", "item__entitlement__title", "item__entitlement__key")
    first: dict[int, tuple[int, str]] = {}
    for reviewer, system, title, key in put.values_list(*names):
        first.setdefault(reviewer, (system, title or key))
    taken = _taken()
    ids = iter(_ids(each * len(first)))
    fresh: list[ControlItem] = []
    for reviewer, (system, entitlement) in first.items():
        for _ in range(each):
            person, account = invented_person(len(fresh), taken)
            taken |= {person.lower(), account}
            fresh.append(
                ControlItem(
                    pk=next(ids),
                    campaign=campaign,
                    reviewer_id=reviewer,
                    system_id=system,
                    person_name=person,
                    account_name=account,
                    entitlement_name=entitlement,
                    advice=Advice.REVOKE,
                    advice_reason=f"No successful use in the last {WINDOW_DAYS} days; the logs cover all of that time.",
                    evidence=invented_evidence(moment(now), moment(now)),
                )
            )
    return len(ControlItem.objects.bulk_create(fresh))


def _taken() -> set[str]:
    """Returns which of the invented names and accounts exist, in lower case."""
    accounts = [name.lower().replace(" ", ".") for name in NAMES]
    people = Identity.objects.filter(name__in=NAMES).values_list("name", flat=True)
    known: Iterable[str] = Account.objects.filter(name_key__in=accounts).values_list("name_key", flat=True)
    return {name.lower() for name in people} | set(known)


def _ids(n: int, sequence: str = "reviews_reviewitem_id_seq") -> list[int]:
    """Returns numbers from the sequence of the items, so that an address does not tell a control item apart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, n])
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def decide_control(*, control: ControlItem, choice: Choice, by: Actor) -> ControlItem:
    """Records what a reviewer says about a control item, as often as they change their mind before they sign.

    Raises:
        Refused: as for any item: put to somebody else, too late, signed, or without a reason.
    """
    reviewer, now, reason = identity_of_user(by.user_id), timezone.now(), choice.reason.strip()
    signed = has_signed(control.campaign, reviewer)
    enforce(can_decide_control(by, control, reviewer=reviewer, reason=reason, signed=signed))
    enforce(is_due(control.campaign, now))
    if choice.postponed_until:  # nobody who is made up has moved: refused as for any other item
        enforce(can_postpone(None, choice.postponed_until, today=now.date()))
    control.outcome, control.reason, control.decided_at, control.decided_by = choice.outcome, reason, now, by.name
    control.seen_seconds = min(choice.seen_seconds, 86_400)
    with as_refusal():
        control.save(update_fields=["outcome", "reason", "seen_seconds", "decided_at", "decided_by"])
    detail = {"control_item": control.pk, "outcome": control.outcome, "reason": reason}
    target = f"campaign {control.campaign.name}, control item"
    audit("control_item.decide", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return control


@transaction.atomic
def ask_about_control(*, control: ControlItem, asked: Identity | None, text: str, by: Actor) -> ControlQuestion:
    """Takes a reviewer's question about a control item, for those who run campaigns; whom they named never gets it.

    Where nobody is asked it is a comment, as about any item.

    Raises:
        Refused: as for any item (`ask`).
    """
    control.campaign = locked(control.campaign)
    me, text = identity_of_user(by.user_id), text.strip()
    mine = me is not None and me.pk == control.reviewer_id
    may_answer = asked is None or (me is not None and asked.pk in {one.person.pk for one in askable(control, me)})
    enforce(can_ask(by, control, mine=mine, may_answer=may_answer, text=text))
    (number,) = _ids(1, "reviews_itemquestion_id_seq")
    fresh = ControlQuestion(pk=number, campaign=control.campaign, item=control, asker=me, asked=asked, text=text)
    fresh.at, fresh.by = timezone.now(), by.name
    with as_refusal():
        fresh.save(force_insert=True)
    detail = {"control_item": control.pk, "question": fresh.pk, "text": text}
    detail |= {"named": asked.external_id} if asked else {}
    verb = "control_item.ask" if asked else "control_item.comment"
    audit(verb, by=by, target=f"campaign {control.campaign.name}, control item", detail=detail)
    return fresh


@transaction.atomic
def answer_about_control(*, question: ControlQuestion, text: str, by: Actor) -> ControlAnswer:
    """Answers a reviewer about a control item, and has them mailed as for any answer.

    Raises:
        Refused: for whoever does not run campaigns, when the deciding is over, or without words.
    """
    campaign, text = locked(question.campaign), text.strip()
    enforce(can_manage_campaigns(by))
    enforce(can_answer_question(by, campaign, asked=question.asked_id is not None, text=text))
    assert question.asked_id is not None  # noqa: S101 -- the policy saw to it
    fresh = ControlAnswer(question=question, text=text, at=timezone.now(), by=by.name)
    with as_refusal():
        fresh.save(force_insert=True)
    step, about = f"answer {question.pk} at {fresh.at:%H:%M:%S}", question.asked_id
    tell(campaign, NoticeKind.ANSWERED, step=step, about=about, to=question.asker_id, covers=[question.pk])
    enqueue(SENDING, "reviews.jobs.send_notices", title=f"Answer about {campaign.name}", by=by)
    detail = {"control_item": question.item_id, "question": question.pk, "text": text}
    audit("control_item.answer", by=by, target=f"campaign {campaign.name}, control item", detail=detail)
    return fresh


def judge_controls(campaign: Campaign, signature: SignOff) -> None:
    """Stores a finding where the signer kept access that is made up; it names nobody."""
    rows = ControlItem.objects.filter(campaign=campaign, reviewer=signature.reviewer).exclude(outcome="")
    missed = sum(not one.caught for one in rows)
    if missed:
        sentence = (
            f"{missed} of {len(rows)} control items, access that is made up, were not taken away by one reviewer of "
            f"'{campaign.name}'."
        )
        cause = Cause(FindingKind.CONTROL_MISSED, f"signature {signature.pk}", sentence)
        write_finding(cause, at=signature.signed_at, campaign=campaign)
