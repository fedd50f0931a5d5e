"""Says who may set how care is measured, and who takes second looks."""

from collections.abc import Mapping

from identities.models import Identity
from reviews.kinds import CARE_LIMITS, REASON_MIN, Outcome
from reviews.models import SecondLook
from reviews.policies import can_manage_campaigns
from reviews.states import WORKING
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied


def can_set_care_rule(by: Actor, figures: Mapping[str, int], *, reason: str) -> Verdict:
    """Returns whether the actor may set these thresholds of care: each within its limits, with a reason."""
    for name, (least, most, unit) in CARE_LIMITS.items():
        if not least <= figures[name] <= most:
            return denied(f"Choose {name.replace('_', ' ')} between {least} and {most} {unit}.")
    if len(reason) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters why.")
    return can_manage_campaigns(by)


def can_take_second_look(
    by: Actor, look: SecondLook, *, person: Identity | None, outcome: Outcome, reason: str
) -> Verdict:
    """Returns whether the actor, who is this person of the register, may say what they would decide."""
    asked = person is not None and person.pk == look.second_id
    rules = (
        (not by.may(Permission.ITEM_REVIEW), "Your role does not allow you to review access."),
        (not asked, "This second look is asked of somebody else."),
        (look.outcome != "", "This second look is taken already; it is never changed."),
        (look.campaign.state not in WORKING, "A second look is taken before the campaign is closed."),
        (outcome not in {Outcome.CERTIFY, Outcome.REVOKE, Outcome.MODIFY}, "Say whether to keep, revoke or reduce."),
        (len(reason) < REASON_MIN, f"Write in at least {REASON_MIN} characters why."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_put_second_look(by: Actor, look: SecondLook, new: Identity, *, eligible: bool, reason: str) -> Verdict:
    """Returns whether the actor may ask another person for a second look; `eligible` when that one may review."""
    rules = (
        (look.outcome != "", "This second look is taken already."),
        (not eligible, f"{new.name} may not review in this tenant. Give them the role of reviewer first."),
        (new.pk == look.subject_key, f"This is {new.name}'s own access. Name somebody else."),
        (new.pk == look.first_id, f"{new.name} decided first. Name somebody else."),
        (len(reason) < REASON_MIN, f"Write in at least {REASON_MIN} characters why."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), can_manage_campaigns(by))
