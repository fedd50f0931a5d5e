"""Reads a log file before it is stored: its format, its span, and which accounts it shows with success."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.utils import timezone

from logs.kinds import Draft, Format, LogType, SourceSettings
from logs.parsers import PARSERS, guess_format

SUCCESS = 1
"""OCSF status_id of a success."""


class UnreadableFileError(ValueError):
    """The file cannot be taken through the loop; the message says why and what to do."""


@dataclass(slots=True)
class Shown:
    """What a log file shows: its format, when its first and last event occurred, and the accounts it shows at work."""

    format: Format
    first: datetime | None = None
    last: datetime | None = None
    kinds: Counter[LogType] = field(default_factory=Counter)
    holders: set[tuple[str, str]] = field(default_factory=set)

    def add(self, draft: Draft) -> None:
        """Count one event; a success shows that its account can do this kind of thing."""
        self.first = min(self.first or draft.occurred_at, draft.occurred_at)
        self.last = max(self.last or draft.occurred_at, draft.occurred_at)
        kind = LogType(draft.log_type)
        self.kinds[kind] += 1
        if draft.status_id == SUCCESS and draft.actor_name:
            self.holders.add((draft.actor_name, "administrate" if kind == LogType.ADMIN else "log in"))


def look_into(path: Path, *, wanted: str = "", zone: str = "UTC", year: int | None = None) -> Shown:
    """Read the file once without storing anything.

    Raises:
        UnreadableFileError: its format is not known, or it holds no event of a named account.
    """
    with path.open("rb") as file:
        guessed = Format(wanted) if wanted else guess_format(list(islice(file, 50)))
    if guessed is None or guessed in {Format.CSV, Format.JSON}:
        message = (
            f"The format of {path.name} is not known by itself: name it with --format, or add a source with a mapping."
        )
        raise UnreadableFileError(message)
    shown = Shown(guessed)
    settings = SourceSettings(time_zone=zone, year=year, received_at=timezone.now(), mapping=None)
    with path.open("rb") as file:
        for draft in _drafts(PARSERS[guessed].parse(file, settings)):
            shown.add(draft)
    if not shown.holders:
        message = f"{path.name} shows no successful access by a named account: there is nothing to review."
        raise UnreadableFileError(message)
    return shown


def _drafts(found: Iterator[object]) -> Iterator[Draft]:
    return (one for one in found if isinstance(one, Draft))
