"""The mail about a request: which room and request, what happened, and where to look; none of its words. Pure."""

from dataclasses import dataclass
from typing import Final

from evidence.states import Turn

HAPPENED: Final = {
    Turn.ASK: "was asked",
    Turn.SAY: "has a new message",
    Turn.TAKE: "was taken on",
    Turn.PROVIDE: "has evidence to look at",
    Turn.ACCEPT: "was accepted",
    Turn.FLAG: "was flagged",
    Turn.WITHDRAW: "was withdrawn",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A plain text mail."""

    subject: str
    body: str


def turn_letter(*, tenant: str, firm: str, number: int, turn: Turn, link: str) -> Letter:
    """Return the mail of one turn."""
    said = f"Request {number} of {firm} {HAPPENED[turn]}"
    subject = " ".join(f"[Countersign] {said}: {tenant}".split())
    where = f"Open it (you will be asked to log in):\n{link}"
    return Letter(subject, f"{said} in {tenant}.\n\n{where}\n\nThis mail holds none of its words on purpose.\n")
