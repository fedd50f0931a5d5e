"""Words the mails of a campaign: counts, the campaign and a link; no account, no system, no subject. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from reviews.kinds import NoticeKind


@dataclass(frozen=True, slots=True)
class Letter:
    """Holds a plain text mail."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """Holds what a mail says; `about` names the reviewer to their manager, and who asks or answered a question."""

    kind: NoticeKind
    campaign: str
    count: int
    due_at: datetime
    time_zone: str
    about: str
    link: str


_K = NoticeKind
_SUBJECTS: Final = {
    _K.PUT: "{n} put to you: {campaign}",
    _K.REMINDER: "{n} {wait} for your decision: {campaign}",
    _K.MANAGER: "{about} has {n} undecided: {campaign}",
    _K.OWNER: "{n} of your systems {are} undecided: {campaign}",
    _K.SIGN: "{n} decided and not signed: {campaign}",
    _K.ANSWER: "{n} nobody decided {wait} for your answer: {campaign}",
    _K.REVOKE: "{n} of your systems {are} late to be revoked: {campaign}",
    _K.QUESTION: "{about} asks you about {n}: {campaign}",
    _K.ANSWERED: "{about} answered your question about {n}: {campaign}",
}
_BODIES: Final = {
    _K.PUT: "{n} of the access review '{campaign}' {are} put to you. Due {due}.",
    _K.REMINDER: "{n} of the access review '{campaign}' {wait} for your decision. Due {due}.",
    _K.MANAGER: "{about} has not decided {n} of the access review '{campaign}'. Due {due}.\n"
    "You receive this mail as their manager. What nobody decides is not approved.",
    _K.OWNER: "{n} of your systems {are} undecided in the access review '{campaign}'. Due {due}.\n"
    "What nobody decides is not approved: you are asked to confirm that privileged access is revoked.",
    _K.SIGN: "You decided {n} of the access review '{campaign}' and have not signed. It was due {due}.",
    _K.ANSWER: "Nobody decided {n} of the access review '{campaign}' in time. Say whether the access is revoked.",
    _K.QUESTION: "{about} asks you about {n} of the access review '{campaign}'. Due {due}.\n"
    "Your answer helps them to decide. It decides nothing by itself, and no answer approves nothing.",
    _K.ANSWERED: "{about} answered your question about {n} of the access review '{campaign}'. Due {due}.\n"
    "The decision is still yours.",
    _K.REVOKE: "{n} of your systems {were} to be revoked by now after the access review '{campaign}'.",
}


def review_letter(facts: LetterFacts) -> Letter:
    """Returns the mail; line breaks in names cannot forge headers."""
    local = facts.due_at.astimezone(ZoneInfo(facts.time_zone))
    words = {
        "n": "1 grant" if facts.count == 1 else f"{facts.count} grants",
        "campaign": " ".join(facts.campaign.split()),
        "about": " ".join(facts.about.split()),
        "wait": "waits" if facts.count == 1 else "wait",
        "are": "is" if facts.count == 1 else "are",
        "were": "was" if facts.count == 1 else "were",
        "due": f"{local:%d %B %Y %H:%M} ({facts.time_zone})",
    }
    subject = _SUBJECTS[facts.kind].format(**words)
    return Letter(
        subject, f"{_BODIES[facts.kind].format(**words)}\n\nOpen it (you are asked to log in):\n{facts.link}\n"
    )
