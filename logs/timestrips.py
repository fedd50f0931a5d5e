"""The strip of a timeline: a column for each day or hour, a row for each kind of log, as numbers for an SVG. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from logs.kinds import LogType

LEFT: Final = 132
TOP: Final = 4
ROW: Final = 20
WIDTH: Final = 960
MOST_COLUMNS: Final = 400
LEVELS: Final = ((1, ".35"), (2, ".5"), (10, ".65"), (50, ".8"), (250, "1"))
"""Least number of events of a look, and how strongly it is drawn."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Events of one kind in one column: the place in pixels, the strength and the words."""

    x: str
    y: int
    width: str
    opacity: str
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class Column:
    """One day or hour with events: its begin, label and sum."""

    begin: datetime
    label: str
    events: int

    @property
    def day(self) -> str:
        """The local day, as an address holds it."""
        return f"{self.begin:%Y-%m-%d}"

    @property
    def hour(self) -> str:
        """The begin with its offset, as an address holds it."""
        return self.begin.isoformat()


@dataclass(frozen=True, slots=True)
class TimeStrip:
    """The picture and its words: rows by kind, marks, labels under the axis, and the columns that hold events."""

    rows: tuple[tuple[str, int], ...]
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    height: int
    sentence: str
    width: int = WIDTH

    @property
    def drawn(self) -> SafeString:
        """The marks as SVG; by a template's loop they cost as much as the rest of the page."""
        return format_html_join(
            "",
            '<rect class="{}" fill="currentColor" x="{}" y="{}" width="{}" height="16" opacity="{}">'
            "<title>{}</title></rect>",
            ((mark.look, mark.x, mark.y, mark.width, mark.opacity, mark.words) for mark in self.marks),
        )

    @property
    def events(self) -> int:
        """All events in the picture."""
        return sum(column.events for column in self.columns)


def begins(since: datetime, until: datetime, zone: ZoneInfo, *, by_hour: bool) -> Sequence[datetime]:
    """Return the begins of the local days, or hours, that touch the window, oldest first, 400 at most."""
    local = since.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    found: list[datetime] = []
    at = local if by_hour else local.replace(hour=0)
    while at < until and len(found) < MOST_COLUMNS:
        found.append(at)
        if by_hour:
            at = (at.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
        else:
            at = (at.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return found


def time_strip(counts: Mapping[tuple[datetime, int], int], columns: Sequence[datetime], *, by_hour: bool) -> TimeStrip:
    """Return the strip of the columns; ``counts`` is by (begin of the column, kind of log)."""
    step = (WIDTH - LEFT) / max(1, len(columns))
    known = {(at.astimezone(UTC), kind): number for (at, kind), number in counts.items()}
    marks, full = [], []
    for place, begin in enumerate(columns):
        label, total = f"{begin:%H:%M}" if by_hour else f"{begin:%a %-d %b}", 0
        for row, kind in enumerate(LogType):
            number = known.get((begin.astimezone(UTC), int(kind)), 0)
            total += number
            if number:
                words = f"{label}, {kind.label}: {number:,} {'event' if number == 1 else 'events'}"
                x, width = f"{LEFT + place * step:.1f}", f"{max(1.5, step - 1):.1f}"
                look = "text-danger" if kind is LogType.FAILED_LOGIN else "text-primary"
                marks.append(Mark(x, TOP + row * ROW, width, _strength(number), look, words))
        if total:
            full.append(Column(begin, label, total))
    every = max(1, len(columns) // 8)
    ticks = tuple(
        (f"{LEFT + place * step:.1f}", f"{begin:%H}" if by_hour else f"{begin:%-d %b}")
        for place, begin in enumerate(columns)
        if place % every == 0 and place + every / 2 <= len(columns)
    )
    rows = tuple((str(kind.label), TOP + number * ROW + 13) for number, kind in enumerate(LogType))
    return TimeStrip(rows, tuple(marks), ticks, tuple(full), TOP + 7 * ROW + 16, _sentence(full, by_hour=by_hour))


def _strength(number: int) -> str:
    return [opacity for least, opacity in LEVELS if number >= least][-1]


def _sentence(full: Sequence[Column], *, by_hour: bool) -> str:
    if not full:
        return "No events in this time."
    most = max(full, key=lambda column: column.events)
    one, unit = ("hour", "hours") if by_hour else ("day", "days")
    span = f"1 {one}" if len(full) == 1 else f"{len(full)} {unit}"
    within, at = ("in", "at") if by_hour else ("on", "on")
    return f"Events {within} {span}; the most in one {one}: {most.events:,}, {at} {most.label}."
