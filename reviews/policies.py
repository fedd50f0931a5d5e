"""Says who may plan, open, decide, sign, and carry out."""

from datetime import datetime

from identities.models import Identity
from reviews.kinds import REASON_MIN, Advice, Level, Outcome, is_enough
from reviews.models import Campaign, DutyConflict, Remediation, ReviewItem, SilentItem
from reviews.states import CampaignState, RemediationState, may_move, may_remediate
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit

NO_LONGER = "The decision to revoke was changed after a reopening; there is nothing to carry out."


def can_manage_campaigns(by: Actor) -> Verdict:
    """Returns whether the actor may plan and run campaigns."""
    return permit(by, Permission.CAMPAIGN_MANAGE, to="plan and run campaigns")


def can_add_conflict(by: Actor, *, same: bool, why: str) -> Verdict:
    """Returns whether the actor may say that two entitlements conflict; `same` when it is twice the same one."""
    if same:
        return denied("Choose two different entitlements.")
    if len(why) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters why nobody may hold both.")
    return can_manage_campaigns(by)


def can_end_conflict(by: Actor, conflict: DutyConflict, *, reason: str) -> Verdict:
    """Returns whether the actor may end a conflict."""
    if conflict.ended_at is not None:
        return denied("This conflict is ended already.")
    if len(reason) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters why it no longer holds.")
    return can_manage_campaigns(by)


def may_review(by: Actor) -> bool:
    """Returns whether the actor may decide and sign what is put to them: as a reviewer here, or for a client."""
    return by.may(Permission.ITEM_REVIEW) or by.may(Permission.ITEM_COSIGN)


def can_view_campaign(by: Actor, *, shared: bool) -> Verdict:
    """Returns whether the actor may see a campaign: by role, or because it is shared with them."""
    if by.may(Permission.CAMPAIGN_VIEW) or shared:
        return ALLOWED
    return denied("This campaign is not shared with you. Ask the compliance officer to share it.")


def can_move_campaign(by: Actor, campaign: Campaign, new: CampaignState) -> Verdict:
    """Returns whether the actor may bring the campaign to the state."""
    if not may_move(campaign.state, new):
        return denied(
            f"The campaign is in the state '{campaign.get_state_display()}' and cannot go to '{new.label}' from there."
        )
    return can_manage_campaigns(by)


def can_open_campaign(by: Actor, campaign: Campaign) -> Verdict:
    """Returns whether the actor may open the campaign."""
    return can_move_campaign(by, campaign, CampaignState.OPEN)


def can_extend_campaign(by: Actor, campaign: Campaign, due_at: datetime) -> Verdict:
    """Returns whether the actor may move the due time of an open campaign to a later one."""
    if campaign.state != CampaignState.OPEN or campaign.due_at is None:
        return denied("Only an open campaign can be extended.")
    if due_at <= campaign.due_at:
        return denied("Choose a due time later than the present one.")
    return can_manage_campaigns(by)


def can_begin_stage(by: Actor, campaign: Campaign, *, later: int) -> Verdict:
    """Returns whether the actor may begin the next stage of a campaign that has so many later ones."""
    if not later:
        return denied("This is the last stage of the campaign.")
    if campaign.state not in {CampaignState.REMEDIATING, CampaignState.CLOSED}:
        return denied("The next stage begins when every reviewer of this one has signed.")
    return can_manage_campaigns(by)


def can_follow_up(by: Actor, campaign: Campaign) -> Verdict:
    """Returns whether the actor may make a campaign that follows a closed one."""
    if campaign.state != CampaignState.CLOSED:
        return denied("A follow-up comes after the closing; until then the campaign can be extended or reopened.")
    return can_manage_campaigns(by)


def can_reassign(by: Actor, item: ReviewItem, new: Identity, *, signed: bool, new_signed: bool) -> Verdict:
    """Returns whether the actor may put the item to another reviewer.

    Args:
        by: who asks for it.
        item: what moves on.
        new: who is to review it.
        signed: whether the decision about the item is signed in this round.
        new_signed: whether the new reviewer has signed in this round, and so decides nothing more in it.
    """
    if new.pk == item.subject_key:
        return denied(f"Item {item.n} is about {new.name}'s own access. Name another reviewer.")
    if item.campaign.state != CampaignState.OPEN:
        return denied("Items change their reviewer only while the campaign is open.")
    if signed:
        return denied(f"The decision about item {item.n} is signed; it stays as it is.")
    if new_signed:
        return denied(f"{new.name} has signed this campaign already. Name a reviewer who has not.")
    return can_manage_campaigns(by)


def can_delegate(by: Actor, item: ReviewItem, new: Identity, *, assigned: bool, signed: bool) -> Verdict:
    """Returns whether a reviewer may hand an item that is put to them on to somebody else.

    `assigned` is true when the item is put to the actor, `signed` when the new reviewer has signed in this round.
    """
    rules = (
        (not by.may(Permission.ITEM_REVIEW), "Your role does not allow you to review access."),
        (not assigned, f"Item {item.n} is not put to you."),
        (new.pk == item.subject_key, f"Item {item.n} is about {new.name}'s own access. Name another reviewer."),
        (item.campaign.state != CampaignState.OPEN, "Items are handed on only while the campaign is open."),
        (signed, f"{new.name} has signed this campaign already. Name a reviewer who has not."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_note_absence(by: Actor, *, reviewer: Identity, deputy: Identity, own: bool) -> Verdict:
    """Returns whether the actor may say that a reviewer is away: it is their own absence, or they run campaigns."""
    if reviewer.pk == deputy.pk:
        return denied("Name somebody else as the deputy.")
    if own and by.may(Permission.ITEM_REVIEW):
        return ALLOWED
    return can_manage_campaigns(by)


def can_decide(
    by: Actor, item: ReviewItem, *, reviewer: Identity | None, assigned_to: int | None, signed: bool
) -> Verdict:
    """Returns whether the actor may decide about the item now, without looking at the clock.

    Args:
        by: who decides.
        item: what about.
        reviewer: the actor's own identity in the register, if they have one.
        assigned_to: the identity to whom the item is put.
        signed: whether that reviewer has signed in this round.
    """
    own = reviewer is not None and reviewer.pk == item.subject_key
    rules = (
        (not may_review(by), "Your role does not allow you to review access."),
        (reviewer is None, "Your user is not linked to a person in the register. Ask the compliance officer to do it."),
        (own, "This is your own access. Nobody reviews their own access."),
        (reviewer is not None and reviewer.pk != assigned_to, "This item is put to another reviewer."),
        (item.campaign.state != CampaignState.OPEN, "Decisions are taken only while the campaign is open."),
        (signed, "You have signed these decisions already. Ask the campaign's owner to reopen it."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def is_due(campaign: Campaign, at: datetime) -> Verdict:
    """Returns whether decisions are still in time."""
    if campaign.due_at is not None and at >= campaign.due_at:
        return denied("The campaign was due. Ask its owner to extend it.")
    return ALLOWED


def can_answer_silence(
    by: Actor, silence: SilentItem, *, answerer: Identity | None, confirmer_left: bool, reason: str
) -> Verdict:
    """Returns whether the actor may say what becomes of access that nobody decided in time.

    Args:
        by: who answers.
        silence: the access in question.
        answerer: the actor's own identity in the register, if they have one.
        confirmer_left: whether whoever was asked may not review any more, so that those who run campaigns answer.
        reason: why, as it is printed in the evidence.
    """
    asked = answerer is not None and answerer.pk == silence.confirmer_id
    instead = by.may(Permission.CAMPAIGN_MANAGE) and (silence.confirmer_id is None or confirmer_left)
    working = silence.campaign.state in {CampaignState.SIGNING, CampaignState.REMEDIATING}
    own = answerer is not None and answerer.pk == silence.subject_key
    rules = (
        (answerer is None, "Your user is not linked to a person in the register. Ask the compliance officer to do it."),
        (own, "This is your own access. Nobody answers about their own access."),
        (not (asked or instead), "Only the owner who was asked answers about this access."),
        (silence.answer != "", "This access is answered already."),
        (not working, "Answers are taken after the time to decide and before the campaign is closed."),
        (len(reason) < REASON_MIN, f"Write in at least {REASON_MIN} characters why."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def has_reason(item: ReviewItem, outcome: Outcome, reason: str) -> Verdict:
    """Returns whether the decision gives the reason that the rules ask for."""
    if len(reason) >= REASON_MIN:
        return ALLOWED
    if outcome != Outcome.CERTIFY:
        return denied(f"Write in at least {REASON_MIN} characters why you decide to {outcome.label.lower()}.")
    if item.privileged:
        return denied(f"This access is privileged. Write in at least {REASON_MIN} characters why it is needed.")
    if item.advice == Advice.REVOKE:
        return denied(f"The advice is to revoke. Write in at least {REASON_MIN} characters why you keep it.")
    return ALLOWED


def can_decide_in_bulk(items: list[ReviewItem]) -> Verdict:
    """Returns whether these items may be kept together: none privileged, none advised against, all with one advice."""
    if not items:
        return denied("Choose at least one item.")
    if any(item.privileged for item in items):
        return denied("Privileged access is decided one by one.")
    if any(item.evidence.get("conflicts") for item in items):
        return denied("Access that conflicts with other access of the person is decided one by one.")
    if any(item.advice == Advice.REVOKE for item in items):
        return denied("Access that the advice is to revoke is decided one by one.")
    if len({item.advice for item in items}) > 1:
        return denied("Keep items together only where the advice is the same.")
    return ALLOWED


def can_sign(
    by: Actor, campaign: Campaign, *, reviewer: Identity | None, undecided: int, decided: int, signed: bool
) -> Verdict:
    """Returns whether the actor may sign their decisions of the campaign."""
    signing = campaign.state in {CampaignState.OPEN, CampaignState.SIGNING}
    rules = (
        (not may_review(by), "Your role does not allow you to sign reviews."),
        (reviewer is None, "Your user is not linked to a person in the register."),
        (not signing, "The campaign does not take signatures now."),
        (signed, "You have signed this campaign already."),
        (undecided > 0, f"{undecided} of your items are undecided. Decide them first."),
        (decided == 0, "You have no decisions in this campaign to sign."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_sign_at(level: str, minimum: Level) -> Verdict:
    """Returns whether a proof of who signs is as strong as the tenant asks for."""
    if is_enough(level, minimum):
        return ALLOWED
    return denied(f"A stronger proof of who signs is asked for here: {minimum.label.lower()}.")


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


def can_accept_risk(
    by: Actor, remediation: Remediation, *, until: datetime, at: datetime, reason: str, changed: bool
) -> Verdict:
    """Returns whether the actor may accept for a time that a revocation is not carried out."""
    if changed:
        return denied(NO_LONGER)
    if not may_remediate(remediation.state, RemediationState.RISK_ACCEPTED):
        return denied(f"This revocation is {remediation.get_state_display().lower()}.")
    if until <= at:
        return denied("Choose an end of the acceptance in the future.")
    if len(reason) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters why the risk is accepted.")
    return can_manage_campaigns(by)
