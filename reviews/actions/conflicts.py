"""Makes the cases of a campaign over conflicts of duties, and takes what a reviewer decides about each."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.decisions import decision_of, may_decide
from reviews.kinds import OWNERLESS, Choice, ConflictDecided, Outcome, Side
from reviews.models import Campaign, CaseGrant, ConflictAnswer, ConflictCase, Decision, ReviewItem
from reviews.policies import can_decide_conflict
from reviews.queries.duties import both_sides, grants_of, removed_elsewhere
from reviews.queries.standing import heads_of
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce

REMOVED = {ConflictDecided.REMOVE_FIRST: Side.FIRST, ConflictDecided.REMOVE_SECOND: Side.SECOND}


def make_cases(campaign: Campaign) -> int:
    """Joins the items of a campaign that is about to open into cases: one for each holder of a conflict's two sides.

    A conflict of which the scope leaves one side out makes no case: its items say so and are decided one by one.
    """
    rows = ReviewItem.objects.filter(campaign=campaign).values_list("pk", "account_id", "entitlement_id")
    known = {(account, entitlement): pk for pk, account, entitlement in rows}
    cases: list[ConflictCase] = []
    sides: list[list[list[int]]] = []
    for both in both_sides():
        inside = [
            [known[key] for one in held if (key := (one.account_id, one.entitlement_id)) in known]
            for held in (both.first, both.second)
        ]
        if all(inside):
            subject = both.person_id
            n = len(cases) + 1
            cases.append(
                ConflictCase(
                    campaign=campaign,
                    n=n,
                    conflict_id=both.conflict_id,
                    why=both.why,
                    subject_id=subject,
                    subject_key=subject or OWNERLESS,
                )
            )
            sides.append(inside)
    ConflictCase.objects.bulk_create(cases, batch_size=500)
    grants = [
        CaseGrant(campaign=campaign, case=case, side=side, item_id=item)
        for case, inside in zip(cases, sides, strict=True)
        for side, items in zip(Side, inside, strict=True)
        for item in items
    ]
    CaseGrant.objects.bulk_create(grants, batch_size=500)
    return len(cases)


@transaction.atomic
def decide_conflict(
    *, case: ConflictCase, answer: ConflictDecided, control: str, choice: Choice, by: Actor
) -> ConflictAnswer:
    """Decides about a conflict as one thing: the side that goes is revoked, the other kept; or both are kept.

    Both are kept only where a compensating control is named. What the answer about another conflict of the same
    holder takes away stays taken away. The outcome of `choice` is not looked at: the answer says it.

    Raises:
        Refused: when a side is put to somebody else, or the reason or the control is missing, or the time is over.
    """
    reviewer, now = identity_of_user(by.user_id), timezone.now()
    grants, reason = grants_of([case]), choice.reason.strip()
    control = control.strip() if answer == ConflictDecided.KEEP else ""
    items = [grant.item for grant in grants]
    enforce(may_decide(items, by, reviewer, now))
    enforce(can_decide_conflict(answer, control=control, reason=reason))
    assert reviewer is not None  # noqa: S101 -- the policy saw to it
    gone = removed_elsewhere(case, items)
    fresh = []
    for grant in grants:
        outcome = Outcome.REVOKE if grant.side == REMOVED.get(answer) else Outcome.CERTIFY
        if outcome == Outcome.REVOKE or grant.item_id not in gone:
            told = replace(choice, outcome=outcome, reason=_words(answer, outcome, control, reason))
            fresh.append(decision_of(grant.item, reviewer, told, by, now))
    heads = heads_of([item.pk for item in items])
    for made in fresh:
        made.supersedes = heads.get(made.item_id)
    with as_refusal():
        stored = ConflictAnswer.objects.create(
            campaign_id=case.campaign_id,
            case=case,
            reviewer=reviewer,
            answer=answer,
            control=control,
            reason=reason,
            answered_at=now,
            answered_by=by.name,
        )
        Decision.objects.bulk_create(fresh)
    detail = _told(stored, fresh)
    target = f"campaign {case.campaign.name}, conflict {case.n}"
    audit("conflict.decide", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return stored


def _words(answer: ConflictDecided, outcome: Outcome, control: str, reason: str) -> str:
    """Returns the reason as it stands beside each item, and so in the signed statement."""
    if answer == ConflictDecided.KEEP:
        return f"{reason} Compensating control: {control}"
    if outcome == Outcome.REVOKE:
        return f"Conflict of duties. {reason}"
    return f"Kept, since the other side of the conflict is removed. {reason}"


def _told(answer: ConflictAnswer, made: Sequence[Decision]) -> dict[str, object]:
    """Returns what the audit trail keeps of an answer, with the decisions that it made."""
    return {
        "case": answer.case_id,
        "answer": answer.answer,
        "control": answer.control,
        "why": answer.reason,
        "decisions": [[one.item.n, str(one.outcome)] for one in made],
    }
