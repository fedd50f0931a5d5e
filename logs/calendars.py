"""The coverage calendar: one cell for each local day, months down and days across, for a template to draw. Pure.

Hours are whole numbers here, counted from 1970 in UTC: half a year of a hundred sources is compared in sets of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from logs.coverage import Schedule

STEP: Final = 16
LEFT: Final = 64
TOP: Final = 18
HOUR_SECONDS: Final = 3600
LOOKS: Final[Mapping[str, str]] = {
    "whole": "text-success",
    "part": "text-warning",
    "none": "text-danger",
    "extra": "text-info",
    "quiet": "text-secondary",
}
WORDS: Final[Mapping[str, str]] = {
    "whole": "whole",
    "part": "with hours missing",
    "none": "missing altogether",
    "extra": "with events, though nothing was expected",
    "quiet": "with nothing expected",
}


class Span(NamedTuple):
    """One local day and the UTC hours that begin in it."""

    on: date
    hours: range


class DayCount(NamedTuple):
    """How many hours of a day were expected, how many of those are covered, and how many hold events at all."""

    expected: int
    received: int
    present: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One day: its place in pixels, its state and its words."""

    x: int
    y: int
    state: str
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class Month:
    """One row of the calendar."""

    label: str
    y: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Months with their days, oldest first, the number of days in each state, and the days that are not whole."""

    months: tuple[Month, ...]
    width: int
    height: int
    counts: Mapping[str, int]
    broken: tuple[str, ...]
    first: date
    last: date

    @property
    def sentence(self) -> str:
        """What the picture shows, for people who do not see it."""
        parts = [f"{n} {'day' if n == 1 else 'days'} {WORDS[state]}" for state, n in self.counts.items() if n]
        return f"{self.first:%-d %b %Y} to {self.last:%-d %b %Y}: {', '.join(parts) or 'no day'}"


def hour_number(moment: datetime) -> int:
    """Return the number of the first whole UTC hour at or after an aware moment, counted from 1970."""
    return -(-int(moment.timestamp()) // HOUR_SECONDS)


def spans(zone: ZoneInfo, first: date, last: date) -> list[Span]:
    """Return the local days from the first to the last one; a day of a clock change has 23 or 25 hours."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 2)]
    begins = [hour_number(datetime.combine(day, time.min, zone)) for day in days]
    return [Span(day, range(begin, end)) for day, begin, end in zip(days, begins, begins[1:], strict=False)]


def expected_in(schedule: Schedule, hours: range) -> frozenset[int]:
    """Return those of the hours at which a schedule expects events."""
    if not schedule.hours and not schedule.weekdays:
        return frozenset(hours)
    return frozenset(number for number in hours if schedule.expects(datetime.fromtimestamp(number * HOUR_SECONDS, UTC)))


def covered_of(expected: Collection[int], present: Collection[int], size: int) -> frozenset[int]:
    """Return the expected hours that are covered: any expected hour of the same ``size`` hours holds events."""
    here = frozenset(expected) & frozenset(present)
    if size == 1:
        return here
    alive = {number // size for number in here}
    return frozenset(number for number in expected if number // size in alive)


def count_days(
    days: Iterable[Span], expected: frozenset[int], covered: frozenset[int], present: frozenset[int]
) -> list[DayCount]:
    """Return the counts of each day."""
    return [
        DayCount(*(len(some.intersection(span.hours)) if some else 0 for some in (expected, covered, present)))
        for span in days
    ]


def silent_since(expected: Collection[int], covered: Collection[int]) -> datetime | None:
    """Return the first of the expected hours since which nothing came, None where the last expected one is covered."""
    begin = None
    known = frozenset(covered)
    for number in sorted(expected, reverse=True):
        if number in known:
            break
        begin = number
    return None if begin is None else datetime.fromtimestamp(begin * HOUR_SECONDS, UTC)


def add_counts(parts: Sequence[Sequence[DayCount]], length: int) -> list[DayCount]:
    """Return the sums of several sources' days; ``length`` is the number of days."""
    if not parts:
        return [DayCount(0, 0, 0)] * length
    return [DayCount(*map(sum, zip(*day, strict=True))) for day in zip(*parts, strict=True)]


def draw(days: Sequence[Span], counts: Sequence[DayCount]) -> Calendar:
    """Return the picture of the days; there is at least one."""
    rows: dict[tuple[int, int], list[Cell]] = {}
    totals = dict.fromkeys(LOOKS, 0)
    broken = []
    for span, count in zip(days, counts, strict=True):
        row = rows.setdefault((span.on.year, span.on.month), [])
        state = state_of(count)
        totals[state] += 1
        words = f"{span.on:%a %-d %b %Y}: {_words(count, state)}"
        if state in {"part", "none"}:
            broken.append(words)
        y = TOP + (len(rows) - 1) * STEP
        row.append(Cell(LEFT + (span.on.day - 1) * STEP, y, state, LOOKS[state], words))
    months = tuple(
        Month(f"{date(year, month, 1):%b %Y}", cells[0].y, tuple(cells)) for (year, month), cells in rows.items()
    )
    height = TOP + len(months) * STEP
    return Calendar(months, LEFT + 31 * STEP, height, totals, tuple(reversed(broken)), days[0].on, days[-1].on)


def state_of(count: DayCount) -> str:
    """Return a day's state."""
    if not count.expected:
        return "extra" if count.present else "quiet"
    if not count.received:
        return "none"
    return "whole" if count.received == count.expected else "part"


def _words(count: DayCount, state: str) -> str:
    if state == "quiet":
        return "nothing expected"
    if state == "extra":
        return f"events in {_hours(count.present)}, though nothing was expected"
    return f"{count.received} of {count.expected} expected {'hour' if count.expected == 1 else 'hours'} there"


def _hours(number: int) -> str:
    return f"{number} {'hour' if number == 1 else 'hours'}"
