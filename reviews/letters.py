"""Words the mails of reviews: counts, the campaign or period and a link; no account, no system, no subject. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from reviews.kinds import DayKind, NoticeKind


@dataclass(frozen=True, slots=True)
class Letter:
    """Holds a plain text mail."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """Holds what a mail says; `about` names the reviewer to their manager, and who asks a question."""

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
    _K.ANSWERED: "Your question about {n} is answered: {campaign}",
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
    _K.ANSWERED: "Your question about {n} of the access review '{campaign}' is answered. Due {due}.\n"
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


TOGETHER: Final = (DayKind.LOOK, DayKind.ASKED)
"""What is one line a campaign; of log reviews each period is one."""
SHOWN: Final = 20
"""Lines in the mail of a day; what is more is counted."""


@dataclass(frozen=True, slots=True)
class DayLine:
    """Holds one line of the mail of a day; `about` names whose work it is, and is empty where it is the reader's."""

    what: DayKind
    name: str
    count: int
    due_at: datetime
    about: str


def day_letter(lines: Sequence[DayLine], *, now: datetime, time_zone: str, link: str) -> Letter:
    """Returns the one mail of a day about log reviews and second looks: the reader's own first, then that of others."""
    rows = _by_campaign(lines)
    own, others = [row for row in rows if not row.about], [row for row in rows if row.about]
    late = sum(row.due_at <= now for row in rows)
    parts = [
        f"{_amount(own)} {'waits' if _total(own) == 1 else 'wait'} for you" if own else "",
        f"{_amount(others)} of others {'waits' if _total(others) == 1 else 'wait'}" if others else "",
        f"{late} overdue" if late else "",
    ]
    told = [_line(row, now, ZoneInfo(time_zone), time_zone) for row in [*own, *others]]
    more = [f"- and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    body = ["What nobody looked at is not reviewed: a period is closed by its signatures alone."] if others else []
    text = "\n".join([*told[:SHOWN], *more, "", *body, "Open it (you are asked to log in):", link, ""])
    return Letter(", ".join(part for part in parts if part), text)


def _by_campaign(lines: Sequence[DayLine]) -> list[DayLine]:
    """Returns the lines with the second looks of one person in one campaign taken together, the soonest due time."""
    found: dict[tuple[object, ...], DayLine] = {}
    for n, line in enumerate(lines):
        key = (line.what, line.name, line.about) if line.what in TOGETHER else (n,)
        before = found.get(key)
        due_at = min(before.due_at, line.due_at) if before else line.due_at
        count = line.count + (before.count if before else 0)
        found[key] = DayLine(line.what, line.name, count, due_at, line.about)
    return list(found.values())


def _total(rows: Sequence[DayLine]) -> int:
    return sum(row.count if row.what in TOGETHER else 1 for row in rows)


def _amount(rows: Sequence[DayLine]) -> str:
    """Returns how many log reviews, second looks and questions there are, in words."""
    logs, looks, asked = (
        _total([row for row in rows if row.what in kinds])
        for kinds in ((DayKind.LOG, DayKind.SIGN), (DayKind.LOOK,), (DayKind.ASKED,))
    )
    words = (_counted(logs, "log review"), _counted(looks, "second look"), _counted(asked, "question"))
    return " and ".join(word for word in words if word)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}" if n else ""


def _line(row: DayLine, now: datetime, zone: ZoneInfo, time_zone: str) -> str:
    """Returns one line: what waits, for whom, and when it is or was due."""
    name, about = " ".join(row.name.split()), " ".join(row.about.split())
    waits = "waits" if row.count == 1 else "wait"
    what = {
        DayKind.LOG: f"Log review '{name}': {_counted(row.count, 'item')} {waits} for {about or 'you'}",
        DayKind.SIGN: f"Log review '{name}': everything is looked at, the signature of {about} is missing",
        DayKind.ASKED: f"Access review '{name}': {_counted(row.count, 'question')} to you about a control item",
        DayKind.LOOK: f"Access review '{name}': {_counted(row.count, 'second look')} {waits} for {about or 'you'}",
    }[row.what]
    if row.what == DayKind.SIGN and not about:
        what = f"Log review '{name}': everything is looked at, your signature is missing"
    due = f"{row.due_at.astimezone(zone):%d %B %Y %H:%M} ({time_zone})"
    return f"- {what}. {'OVERDUE since' if row.due_at <= now else 'Due'} {due}."
