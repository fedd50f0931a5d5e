"""Attendance: what a person's roster planned for a day, and what the logs show of it. Pure.

A day's window goes from half-way after the shift before to half-way before the next one, so that a shift over midnight
is one day's, and what is done a little earlier or later is too. Logs show that an account was used; that they show
nothing proves nothing, and is called "no record" and never "absent".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from logs.hours import GRACE

LATE_AFTER: Final = timedelta(minutes=10)
EARLY: Final = timedelta(hours=2)
"""What lies longer before a shift is not taken for coming to it."""

AROUND: Final = timedelta(hours=4)
"""How long before and after a shift belongs to its day, where the day beside it has none."""

QUARTER: Final = timedelta(minutes=15)
_DAY: Final = timedelta(days=1)


class Shift(NamedTuple):
    """One planned shift, aware UTC; ``by`` says what planned it: a roster, or the list of people for every day."""

    starts_at: datetime
    ends_at: datetime
    by: str = "roster"
    site: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a day is to hold: its window in aware UTC, its end excluded, and its shifts in order of time."""

    on: date
    begin: datetime
    end: datetime
    shifts: tuple[Shift, ...]

    @property
    def starts_at(self) -> datetime | None:
        """When the first shift begins."""
        return self.shifts[0].starts_at if self.shifts else None

    @property
    def ends_at(self) -> datetime | None:
        """When the last shift ends."""
        return self.shifts[-1].ends_at if self.shifts else None

    @property
    def core(self) -> tuple[datetime, datetime]:
        """The time in which records are expected: from shift to shift, or the whole window of a day without one."""
        return (self.shifts[0].starts_at, self.shifts[-1].ends_at) if self.shifts else (self.begin, self.end)

    @property
    def judged(self) -> tuple[datetime, datetime, datetime]:
        """From when a record is coming to the shift, and between which moments it lies in the shift."""
        start, end = self.core
        return (max(self.begin, start - EARLY), start - GRACE, end + GRACE) if self.shifts else (start, start, end)


class Seen(NamedTuple):
    """What the logs hold of a person in a window; times aware, addresses as text, ``remote``: a VPN was used."""

    first_at: datetime
    last_at: datetime
    arrived_at: datetime | None
    inside: int
    events: int
    quarters: int
    remote: bool
    addresses: tuple[str, ...]
    countries: tuple[str, ...]

    @property
    def active(self) -> timedelta:
        """How long something was done: the quarters of an hour that hold a record."""
        return self.quarters * QUARTER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a day: a key, its look, and its words."""

    key: str
    look: str
    words: str
    late: timedelta = timedelta(0)


SEEN: Final = Outcome("seen", "good", "Seen in the shift")
OUTSIDE: Final = Outcome("outside", "warn", "Only seen outside of the shift")
NO_RECORD: Final = Outcome("no_record", "none", "No record")
UNPLANNED: Final = Outcome("unplanned", "info", "Seen without a shift")
OFF: Final = Outcome("off", "off", "No shift")
AHEAD: Final = Outcome("ahead", "wait", "Not begun")
NOT_YET: Final = Outcome("not_yet", "wait", "No record yet")
LATE: Final = "late"


def outcome_of(plan: Plan, seen: Seen | None, now: datetime) -> Outcome:
    """Say what came of a day."""
    if plan.starts_at is None or plan.ends_at is None:
        return UNPLANNED if seen else OFF
    if seen is None or not seen.inside:
        if now < plan.starts_at:
            return AHEAD
        if now < plan.ends_at:
            return NOT_YET
        return OUTSIDE if seen else NO_RECORD
    late = (seen.arrived_at or seen.first_at) - plan.starts_at
    if late <= LATE_AFTER:
        return SEEN
    minutes = int(late.total_seconds()) // 60
    words = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return Outcome(LATE, "warn", f"Late by {words}", late)


def standing_shift(day: date, start: time, end: time, zone: ZoneInfo) -> Shift:
    """Return a shift of every day on a day; an end at or before the start is on the next one.

    In the doubled hour of autumn it begins with the first and ends with the second occurrence, as alerts judge it.
    """
    last = day + _DAY if end <= start else day
    return Shift(
        datetime.combine(day, start.replace(fold=0), zone).astimezone(UTC),
        datetime.combine(last, end.replace(fold=1), zone).astimezone(UTC),
        "register",
    )


def plans(first: date, last: date, shifts: Mapping[date, Sequence[Shift]], zone: ZoneInfo) -> list[Plan]:
    """Return the days with their windows; ``shifts`` also holds those of the day before the first and after the last.

    Windows follow each other without a gap: every moment belongs to one day.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    each = (_edge(day, shifts.get(day - _DAY, ()), shifts.get(day, ()), zone) for day in (*days, last + _DAY))
    edges = list(accumulate(each, max))
    return [
        Plan(day, begin, end, tuple(shifts.get(day, ())))
        for day, begin, end in zip(days, edges, edges[1:], strict=False)
    ]


def _edge(day: date, before: Sequence[Shift], after: Sequence[Shift], zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins that follows on another."""
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    if before and after:
        end, start = before[-1].ends_at, after[0].starts_at
        return end + (start - end) / 2 if end < start else start
    if before:
        return max(midnight, before[-1].ends_at + AROUND)
    if after:
        return min(midnight, after[0].starts_at - AROUND)
    return midnight


def time_in(spans: Iterable[tuple[datetime, datetime]], begin: datetime, end: datetime) -> timedelta:
    """Return how much of a window the spans cover together; what overlaps counts once."""
    total, reached = timedelta(0), begin
    for start, stop in sorted(spans):
        start, stop = max(start, reached), min(stop, end)  # noqa: PLW2901 -- the part that is new
        if start < stop:
            total += stop - start
            reached = stop
    return total
