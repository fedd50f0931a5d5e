"""Says who may carry out what was decided, leave it undone for a time, and send tickets of it."""

from datetime import datetime, timedelta

from identities.models import Identity
from reviews.kinds import (
    REASON_MIN,
    RISK_DAYS,
    RISK_DAYS_PRIVILEGED,
    Outcome,
    RiskStanding,
)
from reviews.models import (
    Decision,
    Remediation,
    RiskProposal,
)
from reviews.policies import can_manage_campaigns
from reviews.states import RemediationState, may_remediate
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit

NO_LONGER = "The decision to revoke was changed since; there is nothing to carry out."


def can_claim(
    by: Actor, remediation: Remediation, *, executor: Identity | None, decider: int | None, changed: bool
) -> Verdict:
    """Returns whether the actor may say that a revocation is carried out.

    `decider` is the identity that decided or confirmed it; `changed` is true when another decision took its place.
    """
    verdict = permit(by, Permission.REMEDIATION_MANAGE, to="carry out revocations")
    if not verdict.allowed:
        return verdict
    if changed:
        return denied(NO_LONGER)
    if not may_remediate(remediation.state, RemediationState.CLAIMED_DONE):
        return denied(f"This revocation is {remediation.get_state_display().lower()}.")
    same = executor is not None and executor.pk == decider
    if same and remediation.item.privileged:
        return denied("Whoever decided to revoke privileged access does not carry it out. Ask somebody else.")
    return ALLOWED


def can_carry_out_now(by: Actor, decision: Decision | None, *, begun: bool) -> Verdict:
    """Returns whether who may decide about an item may have its revocation carried out before the signature.

    `decision` is what counts about the item; `begun` is true when its carrying out was begun already.
    """
    if by.user_id is None:
        return denied("Only a person has a revocation carried out at once.")
    if decision is None or decision.outcome not in {Outcome.REVOKE, Outcome.MODIFY}:
        return denied("Decide first that this access is revoked or reduced.")
    return denied("This is being carried out already.") if begun else ALLOWED


def _may_weigh_risk(by: Actor, standing: RiskStanding) -> Verdict:
    """Returns whether the actor is one of those who ask for or sign the acceptance of a risk."""
    rules = (
        (by.user_id is None, "Only a person accepts a risk."),
        (
            not by.may(Permission.CAMPAIGN_MANAGE) and not standing.owner,
            "A risk is accepted by the owner of the system and those who run campaigns.",
        ),
        (standing.own, "This is your own access. Nobody accepts the risk of their own access."),
        (standing.changed, NO_LONGER),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_propose_risk(
    by: Actor, remediation: Remediation, *, until: datetime, at: datetime, reason: str, standing: RiskStanding
) -> Verdict:
    """Returns whether the actor may ask to leave a revocation undone for a time."""
    verdict = _may_weigh_risk(by, standing)
    limit = risk_days(remediation)
    rules = (
        (
            not may_remediate(remediation.state, RemediationState.RISK_ACCEPTED),
            f"This revocation is {remediation.get_state_display().lower()}.",
        ),
        (until <= at, "Choose an end of the acceptance in the future."),
        (until > at + timedelta(days=limit), f"This risk is accepted for at most {limit} days at a time."),
        (len(reason) < REASON_MIN, f"Write in at least {REASON_MIN} characters why the risk is accepted."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), verdict) if verdict else verdict


def can_sign_risk(by: Actor, proposal: RiskProposal, *, at: datetime, same: bool, standing: RiskStanding) -> Verdict:
    """Returns whether the actor may sign as the second person; `same` when it was they who asked."""
    verdict, state = _may_weigh_risk(by, standing), proposal.remediation.state
    rules = (
        (same, "You asked for this yourself. A second person signs it."),
        (
            not may_remediate(state, RemediationState.RISK_ACCEPTED),
            f"This revocation is {proposal.remediation.get_state_display().lower()}.",
        ),
        (proposal.until <= at, "The time for which this was asked is over. Ask again."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), verdict) if verdict else verdict


def risk_days(remediation: Remediation) -> int:
    """Returns for how many days at most the risk of a revocation is accepted, by the rules of its campaign."""
    if remediation.item.privileged:
        return int(remediation.campaign.definition.get("risk_days_privileged", RISK_DAYS_PRIVILEGED))
    return int(remediation.campaign.definition.get("risk_days", RISK_DAYS))


def can_set_ticket_route(by: Actor, *, same: bool) -> Verdict:
    """Returns whether the actor may say where tickets go; `same` when nothing would change."""
    if same:
        return denied("Tickets go there already.")
    return can_manage_campaigns(by)
