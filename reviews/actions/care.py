"""Sets how care is measured, puts signed decisions to a second reviewer, and takes what that one says."""

import secrets
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from identities.models import Identity
from identities.queries import identity_of_user
from ledger.kinds import LeafKind
from reviews.actions.findings import write_finding
from reviews.actions.moves import locked
from reviews.agreement import drawn, takes_away
from reviews.assigning import Around, choose_reviewer
from reviews.carepolicies import can_put_second_look, can_set_care_rule, can_take_second_look
from reviews.causes import Cause
from reviews.kinds import Choice, FindingKind, Outcome, Strategy
from reviews.models import Campaign, CampaignPlan, CareRule, Decision, SecondLook, SignOff
from reviews.quality import care_terms
from reviews.queries.reviewers import eligible_reviewers, terms
from reviews.queries.standing import decisions_of_reviewer
from reviews.refusals import as_refusal
from reviews.states import CampaignState
from tenants.audit import audit
from tenants.kinds import Actor, enforce

UNOPENED = (CampaignState.DRAFT, CampaignState.COLLECTING, CampaignState.READY)
LOOKED_AT = (Outcome.CERTIFY, Outcome.REVOKE, Outcome.MODIFY)
"""Outcomes that a second reviewer may be asked about: drawn from kept access alone, nothing would be blind."""


@transaction.atomic
def set_care_rule(*, plan: CampaignPlan, figures: Mapping[str, int], reason: str, by: Actor) -> CareRule:
    """Sets the thresholds of a plan for the campaigns that are not open yet; those that are keep their own.

    Raises:
        Refused: when a figure lies outside of its limits (`reviews.kinds.CARE_LIMITS`), or the reason is missing.
    """
    enforce(can_set_care_rule(by, figures, reason=reason.strip()))
    with as_refusal():
        rule = CareRule.objects.create(
            plan=plan, reason=reason.strip(), set_at=timezone.now(), set_by=by.name, **figures
        )
    waiting = Campaign.objects.filter(plan=plan, state__in=UNOPENED).order_by("pk")
    for campaign in waiting.select_for_update():
        campaign.definition = {**campaign.definition, **care_terms(figures)}
        campaign.save(update_fields=["definition"])
    detail = {"plan": plan.pk, "why": rule.reason, **figures}
    audit("care_rule.set", by=by, target=f"plan {plan.name}", detail=detail)
    return rule


def ask_second_looks(campaign: Campaign, signature: SignOff) -> dict[str, object]:
    """Puts the drawn share of a reviewer's signed privileged decisions to a second reviewer.

    Returns what the audit trail keeps of it: the seed, from how many was drawn, what was drawn, and what nobody can
    look at, since everybody in question is the subject or the first reviewer. That is a finding.
    """
    percent = int(campaign.definition.get("second_percent", 0))
    assert signature.reviewer is not None  # noqa: S101 -- the policy saw to it
    rows = decisions_of_reviewer(campaign, signature.reviewer).filter(privileged=True, outcome__in=LOOKED_AT)
    decisions = list(rows.filter(second_look__isnull=True).select_related("item__system") if percent else rows.none())
    seed = secrets.token_hex(16)
    chosen: set[int] = set()
    for away in (False, True):
        stratum = [one.item_id for one in decisions if takes_away(one.outcome) == away]
        chosen |= set(drawn(seed, stratum, percent))
    made, nobody = [], []
    for decision in (one for one in decisions if one.item_id in chosen):
        second = _second_reviewer(campaign, decision)
        if second is None:
            nobody.append(decision.item.n)
            continue
        made.append(_look(campaign, decision, second, seed, len(decisions), signature))
    with as_refusal():
        SecondLook.objects.bulk_create(made)
    if nobody:
        sentence = (
            f"{len(nobody)} decisions of '{campaign.name}' were drawn for a second look, and nobody can take it: "
            "everybody in question is the person themselves or decided first."
        )
        cause = Cause(FindingKind.SECOND_LOOK, f"signature {signature.pk} without second", sentence)
        write_finding(cause, at=signature.signed_at, campaign=campaign)
    items = [look.item.n for look in made]
    return {"seed": seed, "of": len(decisions), "items": items, "nobody": nobody} if decisions else {}


def _look(campaign: Campaign, decision: Decision, second: int, seed: str, total: int, signature: SignOff) -> SecondLook:
    """Returns a second look that is not stored yet."""
    return SecondLook(
        campaign=campaign,
        item=decision.item,
        decision=decision,
        subject_key=decision.subject_key,
        privileged=decision.privileged,
        advice=decision.advice,
        first=signature.reviewer,
        second_id=second,
        seed=seed,
        drawn_from=total,
        asked_at=signature.signed_at,
    )


def _second_reviewer(campaign: Campaign, decision: Decision) -> int | None:
    """Returns who looks second: the system's owner, the fallback or their manager, else another of the reviewers."""
    now_terms = terms(Strategy.OWNER, None, int(campaign.definition["fallback"]))
    owner = decision.item.system.owner_id
    around = Around(not_again=frozenset() if decision.reviewer_id is None else frozenset({decision.reviewer_id}))
    chosen = choose_reviewer(now_terms, subject=decision.subject_key, manager=None, owner=owner, around=around)
    if chosen:
        return chosen[0]
    others = campaign.assignments.filter(until__isnull=True).order_by("reviewer_id").values_list("reviewer_id")
    not_these = {decision.subject_key, decision.reviewer_id}
    return next((one for (one,) in others.distinct() if one not in not_these and one in now_terms.eligible), None)


@transaction.atomic
def take_second_look(*, look: SecondLook, choice: Choice, by: Actor) -> SecondLook:
    """Records what a second reviewer decides, once; the first decision stays, and a difference is a finding.

    Raises:
        Refused: when somebody else is asked, it is taken already, the campaign is closed, or the reason is missing.
    """
    campaign = locked(look.campaign)
    rows = SecondLook.objects.select_for_update(of=("self",)).select_related("decision")
    look = rows.get(pk=look.pk)
    look.campaign, person, reason = campaign, identity_of_user(by.user_id), choice.reason.strip()
    enforce(can_take_second_look(by, look, person=person, outcome=choice.outcome, reason=reason))
    look.outcome, look.reason, look.seen_seconds = choice.outcome, reason, min(choice.seen_seconds, 86_400)
    look.decided_at, look.decided_by = timezone.now(), by.name
    with as_refusal():
        look.save(update_fields=["outcome", "reason", "seen_seconds", "decided_at", "decided_by"])
    differs = takes_away(look.outcome) != takes_away(look.decision.outcome)
    if differs:
        _follow_up(look)
    detail = {"second_look": look.pk, "outcome": look.outcome, "why": reason, "differs": differs}
    target = f"campaign {campaign.name}, item {look.item.n}"
    audit("second_look.take", by=by, target=target, detail=detail, kind=LeafKind.DECISION)
    return look


def _follow_up(look: SecondLook) -> None:
    """Stores the finding that two reviewers decided differently; it names neither."""
    item, at = look.item, look.decided_at
    assert at is not None  # noqa: S101 -- set by the caller
    first, second = (Outcome(one).label.lower() for one in (look.decision.outcome, look.outcome))
    sentence = (
        f"Item {item.n} of '{look.campaign.name}', '{item.entitlement}' of '{item.account.name}' on "
        f"{item.system.name}: "
        f"the signed decision is to {first}, a second reviewer who did not see it says to {second}."
    )
    cause = Cause(
        FindingKind.SECOND_LOOK,
        f"second look {look.pk}",
        sentence,
        system_id=item.system_id,
        account_id=item.account_id,
        subject_id=item.subject_id,
        evidence={"entitlements": [item.entitlement.key]},
    )
    write_finding(cause, at=at, campaign=look.campaign, item=item)


@transaction.atomic
def put_second_look(*, look: SecondLook, reviewer: Identity, reason: str, by: Actor) -> SecondLook:
    """Asks somebody else for a second look that was not taken; the audit trail keeps who was asked before.

    Raises:
        Refused: when the new one is the subject, decided first, may not review, or it is taken already.
    """
    look = SecondLook.objects.select_for_update(of=("self",)).get(pk=look.pk)
    enforce(
        can_put_second_look(by, look, reviewer, eligible=reviewer.pk in eligible_reviewers(), reason=reason.strip())
    )
    before, look.second = look.second, reviewer
    with as_refusal():
        look.save(update_fields=["second"])
    detail = {"second_look": look.pk, "from": before.external_id, "to": reviewer.external_id, "why": reason.strip()}
    target = f"campaign {look.campaign.name}, item {look.item.n}"
    audit("second_look.put", by=by, target=target, detail=detail)
    return look
