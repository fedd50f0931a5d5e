"""Names the states of control results and evidence packs, and the moves a pack may make."""

from django.db import models
from django.utils.translation import gettext_noop as noop


class ResultState(models.TextChoices):
    """What a control's criterion says about a period (evidence/evaluate.py)."""

    PASS = "pass", "Pass"
    ATTENTION = "attention", "Attention"
    FAIL = "fail", "Fail"
    NO_DATA = "no_data", "No data"
    NO_OCCURRENCE = "no_occurrence", "No occurrence"
    NOT_APPLICABLE = "not_applicable", "Not applicable"


RESULT_MEANINGS: dict[str, str] = {
    ResultState.PASS: noop("The pass criterion held over the whole period."),
    ResultState.ATTENTION: noop("The pass criterion did not hold; the milder attention criterion did."),
    ResultState.FAIL: noop("Neither the pass nor the attention criterion held."),
    ResultState.NO_DATA: noop("The logs or records needed were missing or too incomplete to conclude anything."),
    ResultState.NO_OCCURRENCE: noop("Nothing happened in the period that the control could act on."),
    ResultState.NOT_APPLICABLE: noop("The row was set aside by a named person with a recorded reason."),
}


class PackState(models.TextChoices):
    """Where an evidence pack stands."""

    REQUESTED = "requested", "Requested"
    BUILDING = "building", "Building"
    DRAFT = "draft", "To be signed"
    ISSUED = "issued", "Issued"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    WITHDRAWN = "withdrawn", "Withdrawn"


PACK_MOVES: dict[PackState, frozenset[PackState]] = {
    PackState.REQUESTED: frozenset({PackState.BUILDING, PackState.CANCELLED, PackState.FAILED}),
    PackState.BUILDING: frozenset({PackState.BUILDING, PackState.DRAFT, PackState.FAILED, PackState.CANCELLED}),
    PackState.DRAFT: frozenset({PackState.ISSUED, PackState.WITHDRAWN}),
    PackState.ISSUED: frozenset(),
    PackState.FAILED: frozenset(),
    PackState.CANCELLED: frozenset(),
    PackState.WITHDRAWN: frozenset(),
}


class RequestState(models.TextChoices):
    """Where an auditor's request for evidence stands."""

    OPEN = "open", "Open"
    IN_WORK = "in_work", "In work"
    PROVIDED = "provided", "Provided"
    ACCEPTED = "accepted", "Accepted"
    FLAGGED = "flagged", "Flagged"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Turn(models.TextChoices):
    """What somebody does to a request; each turn is one entry of its thread."""

    ASK = "ask", "Ask"
    SAY = "say", "Write a message"
    TAKE = "take", "Take it on"
    PROVIDE = "provide", "Provide evidence"
    ACCEPT = "accept", "Accept"
    FLAG = "flag", "Flag"
    WITHDRAW = "withdraw", "Withdraw"


DONE = {
    Turn.ASK: "Asked",
    Turn.SAY: "Message",
    Turn.TAKE: "Taken on",
    Turn.PROVIDE: "Evidence provided",
    Turn.ACCEPT: "Accepted",
    Turn.FLAG: "Flagged",
    Turn.WITHDRAW: "Withdrawn",
}
"""A turn in the thread, once it is taken."""

AUDITORS_TURNS = frozenset({Turn.ASK, Turn.ACCEPT, Turn.FLAG, Turn.WITHDRAW})
OFFICERS_TURNS = frozenset({Turn.TAKE, Turn.PROVIDE})

_O, _W, _P, _F = RequestState.OPEN, RequestState.IN_WORK, RequestState.PROVIDED, RequestState.FLAGGED
REQUEST_MOVES: dict[Turn, tuple[frozenset[RequestState], RequestState]] = {
    Turn.TAKE: (frozenset({_O, _F}), RequestState.IN_WORK),
    Turn.PROVIDE: (frozenset({_O, _W, _P, _F}), RequestState.PROVIDED),
    Turn.ACCEPT: (frozenset({_P, _F}), RequestState.ACCEPTED),
    Turn.FLAG: (frozenset({_P}), RequestState.FLAGGED),
    Turn.WITHDRAW: (frozenset({_O, _W, _P, _F}), RequestState.WITHDRAWN),
}
"""From which states a turn leads, and to which; a message may be written in any of them and leaves the state."""


def state_after(state: RequestState, turn: Turn) -> RequestState | None:
    """Return the state that a turn leads to, or None where it is not possible."""
    if turn == Turn.SAY:
        return state if state in REQUEST_MOVES[Turn.WITHDRAW][0] else None
    sources, target = REQUEST_MOVES.get(turn, (frozenset(), state))
    return target if state in sources else None


class Mark(models.TextChoices):
    """What an auditor says of one thing of a sample."""

    ACCEPTED = "accepted", "Accepted"
    FLAGGED = "flagged", "Flagged"
