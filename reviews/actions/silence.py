"""Asks the owners of systems about access that nobody decided in time, and revokes it when they confirm."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.moves import locked
from reviews.assigning import choose_reviewer
from reviews.kinds import Silence, SilenceAnswer, Strategy
from reviews.models import Campaign, Decision, Remediation, ReviewItem, SilentItem
from reviews.policies import can_answer_silence
from reviews.queries.reviewers import eligible_reviewers, terms
from reviews.refusals import as_refusal
from tenants.audit import audit
from tenants.kinds import Actor, enforce


def ask_owners(
    campaign: Campaign, items: Sequence[ReviewItem], decisions: Mapping[int, Decision], now: datetime
) -> int:
    """Puts to the owners of systems what the plan revokes on silence; returns how many items are asked about."""
    asked = set(SilentItem.objects.filter(decision__in=decisions.values()).values_list("item_id", flat=True))
    due = [item for item in items if silence_rule(campaign, item) == Silence.REVOKE and item.pk not in asked]
    if not due:
        return 0
    owners = dict(
        Identity.objects.filter(owned_systems__in={item.system_id for item in due}).values_list("owned_systems", "pk")
    )
    owner_first = terms(Strategy.OWNER, None, int(campaign.definition["fallback"]))
    rows = []
    for item in due:
        chosen = choose_reviewer(owner_first, subject=item.subject_key, manager=None, owner=owners.get(item.system_id))
        rows.append(
            SilentItem(
                campaign=campaign,
                item=item,
                decision=decisions[item.pk],
                subject_key=item.subject_key,
                privileged=item.privileged,
                advice=item.advice,
                confirmer_id=chosen[0] if chosen else None,
                asked_at=now,
            )
        )
    with as_refusal():
        SilentItem.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def silence_rule(campaign: Campaign, item: ReviewItem) -> Silence:
    """Returns what follows on silence about the item; campaigns opened before there was a choice write it down only."""
    name = "silence_privileged" if item.privileged else "silence_standard"
    return Silence(str(campaign.definition.get(name, Silence.NOT_DECIDED)))


@transaction.atomic
def answer_silence(*, silence: SilentItem, answer: SilenceAnswer, reason: str, by: Actor) -> SilentItem:
    """Records what the owner answers about access that nobody decided; a confirmed revocation begins at once.

    The item stays "not decided": it is for the next campaign to review what is kept.

    Raises:
        Refused: when somebody else was asked, it is their own access, it is answered, or the reason is missing.
    """
    campaign = locked(silence.campaign)
    rows = SilentItem.objects.select_for_update(of=("self",)).select_related("item", "decision")
    silence, answerer, reason = rows.get(pk=silence.pk), identity_of_user(by.user_id), reason.strip()
    silence.campaign = campaign
    left = silence.confirmer_id is not None and silence.confirmer_id not in eligible_reviewers()
    enforce(can_answer_silence(by, silence, answerer=answerer, confirmer_left=left, reason=reason))
    silence.answer, silence.reason, silence.answerer = answer, reason, answerer
    silence.answered_at, silence.answered_by = timezone.now(), by.name
    with as_refusal():
        silence.save(update_fields=["answer", "reason", "answerer", "answered_at", "answered_by"])
        if answer == SilenceAnswer.REVOKE:
            _begin(silence)
    detail = {"campaign": campaign.pk, "item": silence.item.n, "answer": str(answer), "why": reason}
    target = f"campaign {campaign.name}, item {silence.item.n}"
    audit("item.answer_silence", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return silence


def _begin(silence: SilentItem) -> None:
    """Makes the remediation of a confirmed revocation."""
    assert silence.answered_at is not None  # noqa: S101 -- set by the caller
    name = "revoke_days_privileged" if silence.privileged else "revoke_days"
    Remediation.objects.create(
        campaign=silence.campaign,
        decision=silence.decision,
        item=silence.item,
        created_at=silence.answered_at,
        due_at=silence.answered_at + timedelta(days=int(silence.campaign.definition[name])),
    )
