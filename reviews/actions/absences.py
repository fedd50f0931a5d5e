"""Hands items on: by their reviewer, to a deputy while the reviewer is away, and when a reviewer has left."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from reviews.actions.assignments import put_items
from reviews.actions.moves import locked
from reviews.assigning import Around, Terms, choose_reviewer
from reviews.kinds import REASON_MIN, Basis
from reviews.models import Absence, Assignment, Campaign, ReviewItem, SignOff
from reviews.policies import can_delegate, can_manage_campaigns, can_note_absence, can_review_at_stage
from reviews.queries.reviewers import client_reviewers, eligible_reviewers, terms
from reviews.queries.scope import deciders_before
from reviews.queries.standing import heads_of, undecided_items
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, Refused, denied, enforce


@dataclass(frozen=True, slots=True)
class AbsenceFacts:
    """Holds who is away from when to when (both days included), who reviews instead, and why."""

    reviewer: Identity
    deputy: Identity
    first_on: date
    last_on: date
    reason: str


@transaction.atomic
def note_absence(*, facts: AbsenceFacts, by: Actor) -> Absence:
    """Says that a reviewer is away; what is undecided goes to the deputy from the first day on."""
    own = identity_of_user(by.user_id)
    enforce(can_note_absence(by, reviewer=facts.reviewer, deputy=facts.deputy, own=own == facts.reviewer))
    if facts.deputy.pk not in eligible_reviewers():
        raise Refused(denied(f"{facts.deputy.name} may not review in this tenant. Name another deputy."))
    _check_note(facts.reason)
    fresh = Absence(
        reviewer=facts.reviewer,
        deputy=facts.deputy,
        first_on=facts.first_on,
        last_on=facts.last_on,
        reason=facts.reason.strip(),
        created_at=timezone.now(),
        created_by=by.name,
    )
    with as_refusal():
        fresh.save(force_insert=True)
    detail = {"from": facts.first_on, "to": facts.last_on, "deputy": facts.deputy.external_id, "why": facts.reason}
    audit("absence.note", by=by, target=facts.reviewer.name, detail=detail)
    return fresh


@transaction.atomic
def end_absence(*, absence: Absence, by: Actor) -> Absence:
    """Ends an absence early; what went to the deputy stays there."""
    own = identity_of_user(by.user_id) == absence.reviewer
    enforce(can_note_absence(by, reviewer=absence.reviewer, deputy=absence.deputy, own=own))
    absence.ended_at, absence.ended_by = timezone.now(), by.name
    absence.save(update_fields=["ended_at", "ended_by"])
    audit("absence.end", by=by, target=absence.reviewer.name, detail={"absence": absence.pk})
    return absence


@transaction.atomic
def delegate_items(*, items: Sequence[ReviewItem], reviewer: Identity, reason: str, by: Actor) -> int:
    """Hands undecided items of the actor on to another reviewer, with a note; returns how many.

    Raises:
        Refused: when an item is not the actor's, is about the new reviewer, or the new one has signed or may
            not review.
    """
    me = identity_of_user(by.user_id)
    if me is None or not items or any(item.campaign_id != items[0].campaign_id for item in items):
        raise Refused(denied("Choose at least one of your items, of one campaign."))
    _check_note(reason)
    if reviewer.pk == me.pk or reviewer.pk not in eligible_reviewers():
        raise Refused(denied(f"{reviewer.name} cannot take your items. Name another reviewer of this tenant."))
    campaign = locked(items[0].campaign)
    mine = set(
        undecided_items(campaign).filter(assignments__reviewer=me, assignments__until=None).values_list("pk", flat=True)
    )
    signed = SignOff.objects.filter(campaign=campaign, round=campaign.round, reviewer=reviewer).exists()
    before = deciders_before(campaign)
    for item in items:
        item.campaign = campaign
        again = reviewer.pk in before.get((item.account_id, item.entitlement_id), ())
        enforce(can_review_at_stage(item, reviewer, again=again))
        enforce(can_delegate(by, item, reviewer, assigned=item.pk in mine, signed=signed))
    known = heads_of([item.pk for item in items])
    put_items(items, reviewer, basis=Basis.DELEGATED, reason=reason.strip(), by=by, known=known)
    detail = {"items": [item.n for item in items], "to": reviewer.external_id, "why": reason}
    audit("item.delegate", by=by, target=f"{len(items)} items to {reviewer.name}", detail=detail)
    return len(items)


@transaction.atomic
def hand_over(*, campaign: Campaign, by: Actor) -> int:
    """Puts what absent reviewers have not decided to their deputies, and what those who left have not signed to others.

    Returns how many items moved. An item that nobody else may review stays where it is. Safe to run any time.
    """
    enforce(can_manage_campaigns(by))
    campaign = locked(campaign)
    if campaign.state != CampaignState.OPEN:
        return 0
    told = campaign.definition
    now_terms = terms(told["strategy"], told["named"], told["fallback"], told.get("group", ""))
    signed = set(SignOff.objects.filter(campaign=campaign, round=campaign.round).values_list("reviewer_id", flat=True))
    holders = set(Assignment.objects.filter(campaign=campaign, until=None).values_list("reviewer_id", flat=True))
    moved = 0
    for reviewer in Identity.objects.filter(pk__in=holders - signed).order_by("pk"):
        if reviewer.pk not in now_terms.eligible or reviewer.pk in now_terms.deputies:
            n, where = _hand_over(campaign, reviewer, now_terms, signed, by)
            moved += n
            if n:
                detail = {"from": reviewer.external_id, "to": where}
                audit("item.hand_over", by=by, target=f"campaign {campaign.name}", detail=detail)
    return moved


def _hand_over(
    campaign: Campaign, reviewer: Identity, now_terms: Terms, signed: set[int], by: Actor
) -> tuple[int, dict[str, list[int]]]:
    """Moves the items of one reviewer who is away or left; returns how many, and which went to whom."""
    left = reviewer.pk not in now_terms.eligible
    items = ReviewItem.objects.filter(assignments__reviewer=reviewer, assignments__until=None, campaign=campaign)
    if not left:
        items = items.filter(pk__in=undecided_items(campaign))
    groups: dict[tuple[int, Basis], list[ReviewItem]] = defaultdict(list)
    before = deciders_before(campaign)
    for item in items.select_related("subject", "system").order_by("n"):
        not_again = before.get((item.account_id, item.entitlement_id), frozenset())
        chosen = _instead(now_terms, reviewer, item, not_again, left=left)
        if chosen is not None and chosen[0] != reviewer.pk and chosen[0] not in signed:
            groups[chosen].append(item)
    people = {one.pk: one for one in Identity.objects.filter(pk__in={pk for pk, _basis in groups})}
    for (pk, basis), mine in groups.items():
        why = f"{reviewer.name} may not review here any more." if left else f"{reviewer.name} is away."
        put_items(mine, people[pk], basis=basis, reason=why, by=by, known=heads_of([item.pk for item in mine]))
    where: dict[str, list[int]] = defaultdict(list)
    for (pk, _basis), mine in groups.items():
        where[people[pk].external_id] += [item.n for item in mine]
    return sum(map(len, where.values())), dict(where)


def _instead(
    now_terms: Terms, reviewer: Identity, item: ReviewItem, not_again: frozenset[int], *, left: bool
) -> tuple[int, Basis] | None:
    """Returns who reviews an item instead, with the basis: the deputy, else whom the campaign's terms name."""
    deputy = now_terms.deputies.get(reviewer.pk)
    free = (
        deputy in now_terms.eligible
        and deputy not in now_terms.deputies
        and deputy not in {item.subject_key, *not_again}
    )
    if deputy is not None and free:
        return deputy, Basis.DEPUTY
    manager = item.subject.manager_id if item.subject else None
    client = client_reviewers().get(item.subject.programme if item.subject else "")
    around = Around(client, not_again, account=item.account_id)
    chosen = choose_reviewer(
        now_terms, subject=item.subject_key, manager=manager, owner=item.system.owner_id, around=around
    )
    return (chosen[0], Basis.LEFT if left else Basis.DEPUTY) if chosen else None


def _check_note(reason: str) -> None:
    """Refuses a note that is too short to mean anything."""
    if len(reason.strip()) < REASON_MIN:
        raise Refused(denied(f"Write in at least {REASON_MIN} characters why."))
