"""Disposes of the items of a log review, signs it, and writes down how what it found ended."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.signing import signature_fields
from reviews.kinds import EXCEPTIONS, Authentication, Looked, meaning_of_log_review
from reviews.logpolicies import can_close_follow_up, can_dispose, can_sign_log_review, is_complete
from reviews.models import Disposition, FollowUp, LogItem, LogReview, LogSignature
from reviews.policies import can_sign_at
from reviews.queries.logreviews import head_of, heads, log_lines, log_signers, log_statement, undisposed
from reviews.queries.standing import signing_minimum
from reviews.refusals import as_refusal
from reviews.states import LogReviewState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce

ANY = -1
"""Says that the caller does not know which disposition counted when they looked."""


def locked(review: LogReview) -> LogReview:
    """Returns the period as it is now, its row locked until the transaction ends."""
    return LogReview.objects.select_for_update(of=("self",)).select_related("schedule").get(pk=review.pk)


@transaction.atomic
def dispose(*, item: LogItem, looked: Looked, by: Actor, seen: int | None = ANY) -> Disposition:
    """Records what a reviewer found about an item; a change of mind supersedes what was said before.

    `seen` is the disposition that counted when the reviewer looked, None for none (as for `decide`).

    Raises:
        Refused: with the sentence that says which rule is broken.
    """
    reviewer, head, signers = identity_of_user(by.user_id), head_of(item), log_signers(item.review)
    signed = reviewer is not None and reviewer.pk in signers
    head_signed = head is not None and head.reviewer_id in signers
    enforce(can_dispose(by, item, reviewer=reviewer, signed=signed, head_signed=head_signed))
    looked = Looked(looked.outcome, looked.reason.strip(), looked.ticket.strip(), looked.seen_seconds)
    enforce(is_complete(item, looked))
    if seen not in (ANY, head.pk if head else None):
        raise Refused(denied("This item was looked at in another window. Load the page again."))
    fresh = _disposition(item, reviewer, looked, by)
    fresh.supersedes = head
    with as_refusal():
        fresh.save(force_insert=True)
    detail = {"disposition": fresh.pk, "item": item.pk, "outcome": fresh.outcome, "reason": fresh.reason}
    detail |= {"ticket": fresh.ticket, "supersedes": fresh.supersedes_id, "kind": item.kind}
    target = f"log review {item.review.name}, item {item.n}"
    audit("log_item.dispose", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return fresh


def _disposition(item: LogItem, reviewer: Identity | None, looked: Looked, by: Actor) -> Disposition:
    """Returns a disposition that is not stored yet, with the facts of its item copied."""
    return Disposition(
        review_id=item.review_id,
        item=item,
        reviewer=reviewer,
        subject_key=item.subject_key,
        kind=item.kind,
        severity=item.severity,
        outcome=looked.outcome,
        reason=looked.reason,
        ticket=looked.ticket,
        seen_seconds=min(looked.seen_seconds, 86_400),
        disposed_at=timezone.now(),
        disposed_by=by.name,
    )


@transaction.atomic
def sign_log_review(
    *, review: LogReview, by: Actor, printed_name: str, shown_digest: str, proof: Authentication
) -> LogSignature:
    """Signs exactly what the reviewer disposed of; incidents and violations are followed up from then on.

    The last signature closes the period for good.

    Raises:
        Refused: when an item of the period waits, what is signed changed since it was shown, or the proof is too weak.
    """
    review, reviewer = locked(review), identity_of_user(by.user_id)
    lines = log_lines(review, reviewer) if reviewer else []
    signed = reviewer is not None and reviewer.pk in log_signers(review)
    waiting = undisposed(review).count()
    enforce(can_sign_log_review(by, review, reviewer=reviewer, waiting=waiting, mine=len(lines), signed=signed))
    enforce(can_sign_at(proof.level, signing_minimum()))
    assert reviewer is not None  # noqa: S101 -- the policy saw to it
    text, digest = log_statement(review, reviewer, lines)
    if digest != shown_digest:
        raise Refused(denied("The dispositions changed since they were shown. Read the statement again and sign it."))
    fields = signature_fields(by, printed_name, proof, (text, digest, len(lines)))
    fresh = LogSignature(review=review, reviewer=reviewer, meaning=meaning_of(review, len(lines)), **fields)
    with as_refusal():
        fresh.save(force_insert=True)
    _follow_up(review, reviewer, fresh.signed_at)
    detail = {"review": review.pk, "digest": digest, "count": len(lines), "methods": list(proof.methods)}
    detail |= {"level": proof.level, "assertion": proof.detail.get("assertion_sha256")}
    audit("log_review.sign", by=by, target=f"log review {review.name}", detail=detail, kind=LeafKind.DECISION)
    _close(review, by, fresh.signed_at)
    return fresh


def meaning_of(review: LogReview, count: int) -> str:
    """Returns what a signature over so many items of the period says."""
    return meaning_of_log_review(count, review.name)


def _follow_up(review: LogReview, reviewer: Identity, at: datetime) -> None:
    """Makes the follow-ups of the incidents and violations that were just signed."""
    due_at = at + timedelta(days=review.follow_up_days)
    found = heads(review).filter(reviewer=reviewer, outcome__in=EXCEPTIONS).order_by("id")
    FollowUp.objects.bulk_create(
        [FollowUp(review=review, disposition=one, raised_at=at, due_at=due_at) for one in found]
    )


def _close(review: LogReview, by: Actor, at: datetime) -> None:
    """Closes the period when everybody whose disposition counts has signed."""
    if not set(heads(review).values_list("reviewer_id", flat=True)) <= log_signers(review):
        return
    review.state, review.closed_at = LogReviewState.CLOSED, at
    with as_refusal():
        review.save(update_fields=["state", "closed_at"])
    audit("log_review.close", by=by, target=f"log review {review.name}", detail={"review": review.pk})


@transaction.atomic
def close_follow_up(*, follow_up: FollowUp, resolution: str, by: Actor) -> FollowUp:
    """Writes down how an incident or a policy violation ended."""
    follow_up = FollowUp.objects.select_for_update(of=("self",)).select_related("review").get(pk=follow_up.pk)
    enforce(can_close_follow_up(by, follow_up, reason=resolution.strip()))
    follow_up.closed_at, follow_up.closed_by, follow_up.resolution = timezone.now(), by.name, resolution.strip()
    with as_refusal():
        follow_up.save(update_fields=["closed_at", "closed_by", "resolution"])
    detail = {"follow_up": follow_up.pk, "resolution": follow_up.resolution}
    target = f"log review {follow_up.review.name}"
    audit("follow_up.close", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return follow_up
