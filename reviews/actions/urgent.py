"""Has a revocation carried out that cannot wait for the signature."""

from django.db import transaction
from django.utils import timezone

from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.decisions import may_decide
from reviews.actions.moves import locked
from reviews.actions.remediation import begin_remediations
from reviews.models import Decision, Remediation, ReviewItem
from reviews.queries.standing import heads
from reviews.remedypolicies import can_carry_out_now
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@transaction.atomic
def carry_out_now(*, item: ReviewItem, by: Actor) -> Decision:
    """Has a revocation carried out before its reviewer signs it, where it cannot wait; returns the decision.

    The decision waits for its signature and may be changed until then, as any: then nothing is to be carried out any
    more, but what was taken away stays so until somebody gives it back.

    Raises:
        Refused: when the actor may not decide about the item now, it is not revoked, or is being carried out already.
    """
    item.campaign, reviewer, now = locked(item.campaign), identity_of_user(by.user_id), timezone.now()
    enforce(may_decide([item], by, reviewer, now))
    head = heads(item.campaign_id).filter(item=item)
    decision = head.first()
    begun = Remediation.objects.filter(decision=decision).exists()
    enforce(can_carry_out_now(by, decision, begun=begun))
    assert decision is not None  # noqa: S101 -- the policy saw to it
    begin_remediations(item.campaign, head, now)
    target = f"campaign {item.campaign.name}, item {item.n}"
    detail = {"campaign": item.campaign_id, "item": item.n, "decision": decision.pk, "outcome": decision.outcome}
    audit("item.carry_out_now", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return decision
