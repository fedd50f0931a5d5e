"""Says who may plan, open, decide, sign, and carry out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from identities.models import Identity
from reviews.kinds import (
    ANSWER_MIN,
    EXTENDED_DAYS,
    EXTENDED_TIMES,
    QUESTION_MIN,
    REASON_MAX,
    REASON_MIN,
    Advice,
    ConflictDecided,
    Level,
    Outcome,
    is_enough,
)
from reviews.models import (
    Campaign,
    CampaignPlan,
    ControlItem,
    DutyConflict,
    ReviewItem,
    SilentItem,
)
from reviews.states import CampaignState, may_move
from tenants.kinds import ALLOWED, Actor, Permission, Verdict, denied, permit


def can_manage_campaigns(by: Actor) -> Verdict:
    """Returns whether the actor may plan and run campaigns."""
    return permit(by, Permission.CAMPAIGN_MANAGE, to="plan and run campaigns")


def can_add_conflict(by: Actor, *, first: Sequence[int], second: Sequence[int], why: str) -> Verdict:
    """Returns whether the actor may say that the entitlements of two sides conflict, named by their ids."""
    if not first or not second:
        return denied("Choose at least one entitlement for each side.")
    if set(first) & set(second):
        return denied("Choose different entitlements for the two sides: nobody conflicts with the same one.")
    if len(why) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters why nobody may hold both.")
    return can_manage_campaigns(by)


def can_decide_conflict(answer: ConflictDecided, *, control: str, reason: str) -> Verdict:
    """Returns whether an answer about a conflict says what it must; that both sides are put to them is asked before."""
    if len(reason) < REASON_MIN:
        return denied(f"Write in at least {REASON_MIN} characters why.")
    if answer == ConflictDecided.KEEP and len(control) < REASON_MIN:
        return denied(f"Name in at least {REASON_MIN} characters the control that watches over both.")
    return ALLOWED


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


def can_make_campaign(by: Actor, plan: CampaignPlan, *, at: datetime, first: datetime | None) -> Verdict:
    """Returns whether the actor may make the plan's campaign of a time; `first` is the first that comes by a rule."""
    if plan.ended_at is not None:
        return denied("This plan has ended: it makes no further campaign. Plan a new one like it.")
    if first is not None and at < first:
        return denied(f"The first campaign of this plan is made on {first:%-d %B %Y %H:%M} UTC, and none before it.")
    return can_manage_campaigns(by)


def can_end_plan(by: Actor, plan: CampaignPlan, *, reason: str) -> Verdict:
    """Returns whether the actor may end a plan that makes campaigns by itself."""
    rules = (
        (plan.ended_at is not None, "This plan has ended already."),
        (not plan.by_itself, "This plan made its one campaign and makes no other; there is nothing to end."),
        (
            not REASON_MIN <= len(reason) <= REASON_MAX,
            f"Write in {REASON_MIN} to {REASON_MAX} characters why the plan ends.",
        ),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), can_manage_campaigns(by))


def can_waive_system(by: Actor, campaign: Campaign, *, reason: str) -> Verdict:
    """Returns whether the actor may sign that the campaign goes on without the list of a system."""
    rules = (
        (by.user_id is None, "Only a person signs a waiver."),
        (
            campaign.state not in {CampaignState.DRAFT, CampaignState.COLLECTING},
            "A system is left out while the campaign collects its snapshots.",
        ),
        (len(reason) < REASON_MIN, f"Write in at least {REASON_MIN} characters why the system is left out."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), can_manage_campaigns(by))


def can_open_campaign(by: Actor, campaign: Campaign) -> Verdict:
    """Returns whether the actor may open the campaign."""
    return can_move_campaign(by, campaign, CampaignState.OPEN)


def can_extend_campaign(by: Actor, campaign: Campaign, due_at: datetime, *, times: int) -> Verdict:
    """Returns whether the actor may move the due time of an open campaign, moved so many times, to a later one."""
    if campaign.state != CampaignState.OPEN or campaign.due_at is None:
        return denied("Only an open campaign can be extended.")
    if due_at <= campaign.due_at:
        return denied("Choose a due time later than the present one.")
    if times >= EXTENDED_TIMES:
        return denied(
            f"This campaign was extended {times} times, and is not a further time. What nobody decides by its due time "
            "becomes a finding; review it in a follow-up."
        )
    if due_at > campaign.due_at + timedelta(days=EXTENDED_DAYS):
        return denied(f"Choose a due time at most {EXTENDED_DAYS} days after the present one.")
    return can_manage_campaigns(by)


def can_reopen_campaign(by: Actor, campaign: Campaign, due_at: datetime, at: datetime) -> Verdict:
    """Returns whether the actor may reopen a campaign until a time: the present due time, or some days from now."""
    if due_at <= at:
        return denied("Choose a due time in the future.")
    latest = at + timedelta(days=EXTENDED_DAYS)
    if due_at > max(latest, campaign.due_at or latest):
        return denied(f"Choose a due time at most {EXTENDED_DAYS} days from now.")
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


def can_review_at_stage(item: ReviewItem, new: Identity, *, again: bool) -> Verdict:
    """Returns whether somebody may review an item at its stage; `again` when they decided it at an earlier one."""
    if again:
        return denied(f"{new.name} decided item {item.n} at an earlier stage. Name somebody else for this one.")
    return ALLOWED


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


def can_decide_control(
    by: Actor, control: ControlItem, *, reviewer: Identity | None, reason: str, signed: bool
) -> Verdict:
    """Returns whether the actor may decide about a control item: by the rules of privileged access."""
    rules = (
        (not by.may(Permission.ITEM_REVIEW), "Your role does not allow you to review access."),
        (reviewer is None or reviewer.pk != control.reviewer_id, "This item is put to another reviewer."),
        (control.campaign.state != CampaignState.OPEN, "Decisions are taken only while the campaign is open."),
        (signed, "You have signed these decisions already. Ask the campaign's owner to reopen it."),
        (
            len(reason) < REASON_MIN,
            f"This access is privileged. Write in at least {REASON_MIN} characters why you decide so.",
        ),
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


def can_keep_alone(outcome: Outcome, *, in_case: bool) -> Verdict:
    """Returns whether an item may have the outcome by itself; one side of a conflict is kept with the other in view."""
    if in_case and outcome not in {Outcome.REVOKE, Outcome.ABSTAIN}:
        return denied("This access is one side of a conflict of duties. Decide about the conflict instead.")
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


def can_ask(by: Actor, item: ReviewItem | ControlItem, *, mine: bool, may_answer: bool, text: str) -> Verdict:
    """Returns whether the actor may ask about an item, or comment on it; `mine` when it is put to them."""
    rules = (
        (not by.may(Permission.ITEM_REVIEW), "Your role does not allow you to review access."),
        (not mine, "This item is put to another reviewer."),
        (
            item.campaign.state != CampaignState.OPEN,
            "Questions and comments are taken only while the campaign is open.",
        ),
        (not may_answer, "Ask the owner of the system, the manager, or the person whose account it is."),
        (len(text) < QUESTION_MIN, "Write what you want to know, or to note."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)


def can_answer_question(by: Actor, campaign: Campaign, *, asked: bool, text: str) -> Verdict:
    """Returns whether the actor may answer a question; `asked` when it was put to them."""
    rules = (
        (by.user_id is None or not asked, "Somebody else was asked."),
        (campaign.state != CampaignState.OPEN, "Answers are taken while the campaign is open."),
        (len(text) < ANSWER_MIN, "Write your answer."),
    )
    return next((denied(sentence) for broken, sentence in rules if broken), ALLOWED)
