"""Puts items to other reviewers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from reviews.actions.moves import locked
from reviews.kinds import REASON_MIN, Basis, Outcome
from reviews.models import Assignment, Campaign, Decision, ReviewItem, SignOff
from reviews.policies import can_manage_campaigns, can_reassign, can_review_at_stage
from reviews.queries.reviewers import eligible_reviewers
from reviews.queries.scope import deciders_before
from reviews.queries.standing import heads_of
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@transaction.atomic
def reassign_items(*, items: Sequence[ReviewItem], reviewer: Identity, reason: str, by: Actor) -> int:
    """Puts items of one campaign to another reviewer; returns how many changed. The earlier assignments stay, ended.

    A decision that was not signed yet is withdrawn: the new reviewer decides again, and nobody signs for another.

    Raises:
        Refused: when an item is about the new reviewer or signed, when the new reviewer has signed already or may not
            review, or when the reason is missing.
    """
    enforce(can_manage_campaigns(by))
    if not items or any(item.campaign_id != items[0].campaign_id for item in items):
        raise Refused(denied("Choose at least one item, of one campaign."))
    if len(reason.strip()) < REASON_MIN:
        raise Refused(denied(f"Write in at least {REASON_MIN} characters why the items change their reviewer."))
    if reviewer.pk not in eligible_reviewers():
        raise Refused(denied(f"{reviewer.name} may not review in this tenant. Give them the role of reviewer first."))
    campaign = locked(items[0].campaign)  # decisions and signatures wait, and then see the new reviewer
    known = heads_of([item.pk for item in items])
    _enforce_each(campaign, items, reviewer, known, by)
    undone = put_items(items, reviewer, basis=Basis.REASSIGNED, reason=reason.strip(), by=by, known=known)
    detail = {"items": [item.n for item in items], "to": reviewer.external_id, "why": reason, "undone": undone}
    audit("item.reassign", by=by, target=f"{len(items)} items to {reviewer.name}", detail=detail)
    return len(items)


def put_items(
    items: Sequence[ReviewItem],
    reviewer: Identity,
    *,
    basis: Basis,
    reason: str,
    by: Actor,
    known: Mapping[int, Decision],
) -> int:
    """Ends the assignments of items of a locked campaign and puts the items to the reviewer.

    Returns how many decisions in `known` (that count now, by item) were withdrawn with it.
    """
    now = timezone.now()
    Assignment.objects.filter(item__in=items, until__isnull=True).update(until=now)
    with as_refusal():
        Assignment.objects.bulk_create([_assignment(item, reviewer, basis, reason, by, now) for item in items])
        withdrawn = Decision.objects.bulk_create(
            [
                withdrawal(known[item.pk], f"Put to {reviewer.name}: {reason}", by, now)
                for item in items
                if item.pk in known and known[item.pk].outcome != Outcome.NOT_DECIDED
            ]
        )
    return len(withdrawn)


def _enforce_each(
    campaign: Campaign, items: Sequence[ReviewItem], reviewer: Identity, known: Mapping[int, Decision], by: Actor
) -> None:
    """Refuses the first item that must not move to the reviewer."""
    signers = set(SignOff.objects.filter(campaign=campaign, round=campaign.round).values_list("reviewer_id", flat=True))
    before = deciders_before(campaign)
    for item in items:
        item.campaign = campaign
        again = reviewer.pk in before.get((item.account_id, item.entitlement_id), ())
        enforce(can_review_at_stage(item, reviewer, again=again))
        head = known.get(item.pk)
        signed = head is not None and head.reviewer_id in signers
        enforce(can_reassign(by, item, reviewer, signed=signed, new_signed=reviewer.pk in signers))


def _assignment(
    item: ReviewItem, reviewer: Identity, basis: Basis, reason: str, by: Actor, now: datetime
) -> Assignment:
    """Returns the assignment of an item to its new reviewer, not stored yet."""
    return Assignment(
        campaign_id=item.campaign_id,
        item=item,
        reviewer=reviewer,
        subject_key=item.subject_key,
        privileged=item.privileged,
        advice=item.advice,
        basis=basis,
        reason=reason,
        since=now,
        by=by.name,
    )


def withdrawal(head: Decision, reason: str, by: Actor, now: datetime) -> Decision:
    """Returns what takes the place of a decision that its reviewer does not sign any more, not stored yet."""
    return Decision(
        campaign_id=head.campaign_id,
        item_id=head.item_id,
        subject_key=head.subject_key,
        privileged=head.privileged,
        advice=head.advice,
        outcome=Outcome.NOT_DECIDED,
        reason=reason,
        supersedes=head,
        decided_at=now,
        decided_by=by.name,
    )
