"""Records decisions: one by one, and by the system at the deadline."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.findings import find_not_decided
from reviews.actions.moves import locked, move, refresh_statistics
from reviews.actions.signing import finish_signing
from reviews.actions.silence import ask_owners
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Decision, ReviewItem
from reviews.policies import (
    can_decide,
    can_keep_alone,
    can_manage_campaigns,
    has_reason,
    is_due,
)
from reviews.postponing import can_postpone
from reviews.queries.duties import is_in_case
from reviews.queries.postponed import day_of, moved_lately
from reviews.queries.standing import Standing, heads_of, standings, undecided_items
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, Verdict, denied, enforce

ANY = -1
"""Says that the caller does not know which decision counted when they looked."""


@transaction.atomic
def decide(
    *, item: ReviewItem, choice: Choice, by: Actor, seen: int | None = ANY, reviewer: Identity | None = None
) -> Decision:
    """Records a reviewer's decision about an item; a change of mind supersedes the decision before it.

    Args:
        item: what is decided about.
        choice: the decision with its reason.
        by: who decides.
        seen: the decision that counted when the reviewer looked (None for none), so that a second window cannot
            overwrite the first without its having been seen.
        reviewer: the actor in the register, from a caller who has read it; anybody else is looked up.

    Raises:
        Refused: with the sentence that says which rule is broken.
    """
    if reviewer is None or reviewer.user_id != by.user_id:
        reviewer = identity_of_user(by.user_id)
    now, known = timezone.now(), standings(item.campaign, [item.pk], reviewer)
    enforce(may_decide([item], by, reviewer, now, known))
    reason = choice.reason.strip()
    enforce(has_reason(item, choice.outcome, reason))
    enforce(can_keep_alone(choice.outcome, in_case=is_in_case(item)))
    if choice.postponed_until:
        enforce(can_postpone(moved_lately(item, now), choice.postponed_until, today=day_of(item.campaign_id, now)))
    head = known[item.pk].head
    if seen not in (ANY, head):
        raise Refused(denied("This item was decided in another window. Load the page again."))
    fresh = decision_of(item, reviewer, choice, by, now)
    fresh.reason, fresh.supersedes_id = reason, head
    with as_refusal():
        fresh.save(force_insert=True)
    audit("item.decide", by=by, target=_name(item), detail=_detail(fresh), kind=LeafKind.DECISION)
    return fresh


def may_decide(
    items: Sequence[ReviewItem],
    by: Actor,
    reviewer: Identity | None,
    at: datetime,
    known: Mapping[int, Standing] | None = None,
) -> Verdict:
    """Returns the verdict about the first item that refuses, or that all allow; `known` is where the items stand."""
    campaign = items[0].campaign
    if any(item.campaign_id != campaign.pk for item in items):
        return denied("Decide about one campaign at a time.")
    known = known or standings(campaign, [item.pk for item in items], reviewer)
    for item in items:
        stands = known[item.pk]
        verdict = can_decide(by, item, reviewer=reviewer, assigned_to=stands.assigned_to, signed=stands.signed)
        if not verdict.allowed:
            return verdict
    return is_due(campaign, at)


def decision_of(item: ReviewItem, reviewer: Identity | None, choice: Choice, by: Actor, now: datetime) -> Decision:
    """Returns a decision that is not stored yet, with the facts of its item copied."""
    return Decision(
        campaign_id=item.campaign_id,
        item=item,
        reviewer=reviewer,
        subject_key=item.subject_key,
        privileged=item.privileged,
        advice=item.advice,
        outcome=choice.outcome,
        reason=choice.reason.strip(),
        postponed_until=choice.postponed_until,
        seen_seconds=min(choice.seen_seconds, 86_400),
        decided_at=now,
        decided_by=by.name,
    )


def _name(item: ReviewItem) -> str:
    """Returns how the audit trail names an item."""
    return f"campaign {item.campaign.name}, item {item.n}"


def _detail(decision: Decision) -> dict[str, object]:
    """Returns what the audit trail keeps of a decision."""
    return {
        "decision": decision.pk,
        "item": decision.item_id,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "postponed_until": decision.postponed_until.isoformat() if decision.postponed_until else None,
        "supersedes": decision.supersedes_id,
        "advice": decision.advice,
        "privileged": decision.privileged,
    }


@transaction.atomic
def close_deciding(*, campaign: Campaign, by: Actor) -> Campaign:
    """Ends the time to decide once the campaign is due: what is undecided is written down as not decided, as such.

    No answer is never an approval: it is a finding, and where the plan says so the owner of the system is asked to
    confirm the revocation. Running it again changes nothing.
    """
    enforce(can_manage_campaigns(by))
    campaign, now = locked(campaign), timezone.now()
    if not campaign.is_overdue(now):
        raise Refused(denied("The campaign is not due yet."))
    silent = list(undecided_items(campaign).order_by("n"))
    noted = heads_of([item.pk for item in silent])  # left open by an earlier round, or by a reviewer before this one
    choice = Choice(Outcome.NOT_DECIDED)
    fresh = [decision_of(item, None, choice, by, now) for item in silent if item.pk not in noted]
    with as_refusal():
        stored = Decision.objects.bulk_create(fresh, batch_size=500)
    refresh_statistics(len(stored))
    if silent:
        find_not_decided(campaign, silent, now)
    asked = ask_owners(campaign, silent, noted | {decision.item_id: decision for decision in stored}, now)
    campaign = move(campaign, CampaignState.SIGNING, by=by, reason="The campaign was due.")
    detail = {"campaign": campaign.pk, "not_decided": [item.n for item in silent], "owners_asked": asked}
    audit("campaign.close_deciding", by=by, target=f"campaign {campaign.name}", detail=detail, kind=LeafKind.DECISION)
    return finish_signing(campaign, by=by)
