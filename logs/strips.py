"""The coverage strip of a source: one cell for each hour of a week, as numbers that a template draws as SVG. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from logs.coverage import HOUR, Schedule, stretch

CELL: Final = 14
STEP: Final = 16
LEFT: Final = 92
TOP: Final = 18
LOOKS: Final = {
    "there": "text-success",
    "within": "text-success",
    "missing": "text-danger",
    "extra": "text-info",
    "quiet": "text-secondary",
}
WORDS: Final = {
    "there": "expected and there",
    "within": "covered by another hour of the same interval",
    "missing": "expected and missing",
    "extra": "there, though nothing was expected",
    "quiet": "nothing expected",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour: its place in pixels, its state and its words."""

    x: int
    y: int
    state: str
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One local day of the strip."""

    label: str
    y: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """Days of a week with their hours, oldest first, and the counts of each state."""

    rows: tuple[Row, ...]
    width: int
    height: int
    counts: Mapping[str, int]

    @property
    def sentence(self) -> str:
        """What the strip shows, for people who do not see it."""
        return ", ".join(f"{number} hours {WORDS[state]}" for state, number in self.counts.items() if number)


def week(events: Mapping[datetime, int], schedule: Schedule | None, zone: ZoneInfo, now: datetime) -> Strip:
    """Return the strip of the seven local days up to now; ``events`` counts by UTC hour, the present hour is open."""
    alive = {stretch(hour, schedule.every_hours) for hour in events if events[hour]} if schedule else set()
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    counts = dict.fromkeys(LOOKS, 0)
    rows = []
    for number in range(7):
        begin = today - timedelta(days=6 - number)
        y = TOP + number * STEP
        cells = []
        for at in range(24):
            hour = (begin + timedelta(hours=at)).astimezone(zone)
            utc = hour.astimezone(ZoneInfo("UTC"))
            if utc + HOUR > now:
                break
            expected = schedule is not None and schedule.expects(utc)
            covered = schedule is not None and stretch(utc, schedule.every_hours) in alive
            state = _state(events.get(utc, 0), expected, covered)
            counts[state] += 1
            words = f"{hour:%a %H:%M}: {events.get(utc, 0)} events, {WORDS[state]}"
            cells.append(Cell(LEFT + at * STEP, y, state, LOOKS[state], words))
        rows.append(Row(f"{begin:%a %-d %b}", y, tuple(cells)))
    return Strip(tuple(rows), LEFT + 24 * STEP, TOP + 7 * STEP, counts)


def _state(events: int, expected: bool, covered: bool) -> str:  # noqa: FBT001 -- a pure table of three facts
    if events:
        return "there" if expected else "extra"
    if not expected:
        return "quiet"
    return "within" if covered else "missing"
