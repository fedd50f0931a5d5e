"""Decides who may plan, take part in and sign reviews of logs; each answer says why. Pure."""

from identities.models import Identity
from reviews.kinds import HIGH_SEVERITY, REASON_MIN, Disposed, LogItemKind, Looked
from reviews.models import FollowUp, LogItem, LogReview
from reviews.policies import can_manage_campaigns
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied


def can_plan_log_reviews(by: Actor, *, reviewer: Identity, second: Identity, eligible: frozenset[int]) -> Verdict:
    """Returns whether the actor may have these two people review logs; `eligible` are those who may review here."""
    if reviewer.pk == second.pk:
        return denied("Name two people: the second reviews what is about the first.")
    for person in (reviewer, second):
        if person.pk not in eligible:
            return denied(f"{person.name} may not review in this tenant. Give them the role of reviewer first.")
    return can_manage_campaigns(by)


def can_dispose(by: Actor, item: LogItem, *, reviewer: Identity | None, signed: bool, head_signed: bool) -> Verdict:
    """Returns whether the actor may say what an item of a log review is.

    Args:
        by: who says it.
        item: what about.
        reviewer: the actor's own identity in the register, if they have one.
        signed: whether that reviewer has signed the period.
        head_signed: whether the disposition that counts now is signed.
    """
    review = item.review
    mine = reviewer is not None and reviewer.pk in {review.reviewer_id, review.second_id}
    own = reviewer is not None and reviewer.pk == item.subject_key
    rules = (
        (not by.may(Permission.ITEM_REVIEW), "Your role does not allow you to review logs."),
        (not mine, "You are none of the two reviewers of this period."),
        (own, "This is about yourself. The other reviewer of this period looks at it."),
        (not review.is_open, "The review of this period is signed; it stays as it is."),
        (signed, "You have signed this period already."),
        (head_signed, "This item is signed already; it stays as it is."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def is_complete(item: LogItem, looked: Looked) -> Verdict:
    """Returns whether a disposition gives the reason and the ticket that the rules ask for."""
    outcome, short = looked.outcome, len(looked.reason) < REASON_MIN
    least = f"Write in at least {REASON_MIN} characters"
    grave, gap = item.severity >= HIGH_SEVERITY, item.kind == LogItemKind.GAP
    rules = (
        (outcome == Disposed.FALSE_POSITIVE and item.kind != LogItemKind.ALERT, "Only an alert is a false positive."),
        (outcome == Disposed.INCIDENT and not looked.ticket, "Write the ticket under which the incident is handled."),
        (short and outcome != Disposed.BENIGN, f"{least} why it is: {outcome.label.lower()}."),
        (short and gap, f"{least} why records are missing."),
        (short and grave, f"This alert is grave. {least} why it is benign."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_sign_log_review(
    by: Actor, review: LogReview, *, reviewer: Identity | None, waiting: int, mine: int, signed: bool
) -> Verdict:
    """Returns whether the actor may sign: `waiting` items have no disposition, `mine` are disposed of by them."""
    named = reviewer is not None and reviewer.pk in {review.reviewer_id, review.second_id}
    rules = (
        (not by.may(Permission.ITEM_REVIEW), "Your role does not allow you to sign reviews."),
        (not named and not mine, "You are none of the two reviewers of this period."),
        (not review.is_open, "The review of this period is signed already."),
        (signed, "You have signed this period already."),
        (waiting > 0, f"{waiting} items of this period wait for a disposition. Nothing is signed before."),
        (mine == 0 and review.item_count > 0, "You disposed of nothing in this period, so you have nothing to sign."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_close_follow_up(by: Actor, follow_up: FollowUp, *, reason: str) -> Verdict:
    """Returns whether the actor may write down how an incident or a policy violation ended."""
    if follow_up.closed_at is not None:
        return denied("This follow-up is closed already.")
    if len(reason) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters how it ended.")
    return can_manage_campaigns(by)
