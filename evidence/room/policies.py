"""Who may ask, answer, freeze, draw and mark in an auditor's room."""

from evidence.room.models import AuditRequest, Sample
from evidence.states import AUDITORS_TURNS, OFFICERS_TURNS, Mark, RequestState, Turn, state_after
from tenants.kinds import Actor, Permission, Verdict, denied, permit
from tenants.models import Engagement


def can_enter_room(by: Actor) -> Verdict:
    """Whether the actor may look into the tenant's auditor's rooms: their auditor, or who answers them."""
    if by.may(Permission.ROOM_VIEW) or by.may(Permission.PACK_BUILD):
        return Verdict(allowed=True)
    return denied("Only the auditor of this room and the compliance officers open it.")


def can_ask(by: Actor, engagement: Engagement, control: str) -> Verdict:
    """Whether the actor may ask for evidence: the auditor, about a control of the engagement's frameworks."""
    verdict = permit(by, Permission.ROOM_VIEW, to="ask for evidence")
    if verdict.allowed and engagement.user_id != by.user_id:
        return denied("This is another auditor's room.")
    if verdict.allowed and control and control not in engagement.frameworks:
        return denied("This control is of a framework that the room does not cover.")
    return verdict


def can_take_turn(by: Actor, request: AuditRequest, turn: Turn, words: str, *, attached: bool) -> Verdict:
    """Whether the actor may do this to the request now: the auditor judges, the officer provides, both write."""
    if turn in AUDITORS_TURNS:
        verdict = permit(by, Permission.ROOM_VIEW, to="judge what was provided")
    elif turn in OFFICERS_TURNS:
        verdict = permit(by, Permission.PACK_BUILD, to="answer an auditor")
    else:
        verdict = can_enter_room(by)
    if not verdict.allowed:
        return verdict
    state = RequestState(request.state)
    if state_after(state, turn) is None:
        return denied(f"The request is {state.label.lower()}: {turn.label.lower()} is not possible now.")
    if turn in {Turn.FLAG, Turn.SAY, Turn.ACCEPT} and not words.strip():
        return denied("Say why: the other side reads it, and it is kept.")
    if turn == Turn.PROVIDE and not attached:
        return denied("Attach what you provide: a pack, a population, a sample or a document.")
    if attached and turn in AUDITORS_TURNS:
        return denied("Attach it to a message.")
    return verdict


def can_freeze_population(by: Actor, engagement: Engagement, size: int) -> Verdict:
    """Whether the actor may freeze a population for the room."""
    verdict = permit(by, Permission.PACK_BUILD, to="freeze a population")
    if verdict.allowed and engagement.ended_at is not None:
        return denied("This engagement has ended.")
    return verdict if size or not verdict.allowed else denied("There is nothing in this population in the period.")


def can_draw_sample(by: Actor, engagement: Engagement, size: int, *, sealed: bool) -> Verdict:
    """Whether the actor may draw: the auditor, never the audited; a ledger seed must be younger than the population."""
    verdict = permit(by, Permission.ROOM_VIEW, to="draw a sample")
    if verdict.allowed and engagement.user_id != by.user_id:
        return denied("This is another auditor's room.")
    if verdict.allowed and size < 1:
        return denied("A sample has at least one thing.")
    if verdict.allowed and not sealed:
        return denied(
            "The ledger was not signed since this population was frozen. Wait a minute, or give your own seed."
        )
    return verdict


def can_mark(by: Actor, sample: Sample, item: str, mark: Mark, note: str) -> Verdict:
    """Whether the actor may mark a thing of the sample: its auditor, and a flag says why."""
    verdict = permit(by, Permission.ROOM_VIEW, to="mark a sample")
    if verdict.allowed and item not in sample.ids:
        return denied("This is not in the sample.")
    if verdict.allowed and mark == Mark.FLAGGED and not note.strip():
        return denied("Say what is wrong with it.")
    return verdict
