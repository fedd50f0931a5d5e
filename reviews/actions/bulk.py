"""Keeps several grants together where the risk is low, and takes such a bulk back until it is signed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.assignments import withdrawal
from reviews.actions.decisions import decision_of, may_decide
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Decision, ReviewItem
from reviews.policies import can_decide_in_bulk, has_reason
from reviews.queries.bulk import kept_in, names_of_decided
from reviews.queries.standing import heads_of
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import ALLOWED, Actor, Refused, Verdict, denied, enforce

UNDONE = "The reviewer took the bulk back before signing."
"""The reason of the withdrawals, as it is printed in the evidence."""


def may_decide_in_bulk(items: Sequence[ReviewItem], by: Actor, reviewer: Identity | None, at: datetime) -> Verdict:
    """Returns the verdict about keeping items together, whatever was decided about each so far."""
    verdict = may_decide(items, by, reviewer, at) if items else ALLOWED
    return can_decide_in_bulk(list(items)) if verdict.allowed else verdict


@transaction.atomic
def decide_in_bulk(*, items: Sequence[ReviewItem], choice: Choice, by: Actor) -> list[Decision]:
    """Keeps several undecided grants at once where each is of low risk and all have the same advice.

    Raises:
        Refused: with the sentence that says which rule is broken, or which items were decided meanwhile; then nothing
            is recorded.
    """
    reviewer, now = identity_of_user(by.user_id), timezone.now()
    enforce(may_decide_in_bulk(items, by, reviewer, now))
    reason = choice.reason.strip()
    for item in items:
        enforce(has_reason(item, choice.outcome, reason))
    known, bulk = heads_of([item.pk for item in items]), uuid4()
    if decided := names_of_decided(items, known):
        raise Refused(
            denied(f"Nothing was kept, since this is decided meanwhile: {decided}. Look at the others again.")
        )
    fresh = [decision_of(item, reviewer, choice, by, now) for item in items]
    for one in fresh:
        one.bulk, one.supersedes = bulk, known.get(one.item_id)
    with as_refusal():
        stored = Decision.objects.bulk_create(fresh)
    detail = {"bulk": bulk, "items": [item.n for item in items], "outcome": choice.outcome, "reason": reason}
    target = f"campaign {items[0].campaign.name}"
    audit("item.decide_in_bulk", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return stored


@transaction.atomic
def undo_bulk(*, campaign: Campaign, bulk: UUID, by: Actor) -> list[Decision]:
    """Makes undecided again what of a bulk still counts; what was decided otherwise since then stays.

    Nothing is removed: each of its decisions is superseded by one that says "not decided", as when an item moves on.

    Raises:
        Refused: when nothing of the bulk counts any more, or its reviewer may not decide about it now.
    """
    reviewer, now = identity_of_user(by.user_id), timezone.now()
    kept = list(kept_in(campaign, bulk).select_related("item__campaign").order_by("item__n"))
    if not kept:
        raise Refused(denied("Nothing of it counts any more: there is nothing to undo."))
    enforce(may_decide([one.item for one in kept], by, reviewer, now))
    with as_refusal():
        stored = Decision.objects.bulk_create([withdrawal(one, UNDONE, by, now) for one in kept])
    detail = {
        "bulk": bulk,
        "items": [one.item.n for one in kept],
        "decisions": [one.pk for one in stored],
        "outcome": Outcome.NOT_DECIDED,
        "reason": UNDONE,
    }
    audit("item.undo_bulk", by=by, target=f"campaign {campaign.name}", detail=detail, kind=LeafKind.DECISION)
    return stored
