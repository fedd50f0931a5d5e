"""Working hours: whether a moment lies outside of a person's shift or a tenant's business hours."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

GRACE = timedelta(minutes=30)
"""Before and after a shift that still counts as inside (ingest.md 4.2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Hours of one person or tenant: local times; ``weekdays`` are ISO numbers, empty for every day.

    An end before the start means that the hours go past midnight; equal ends mean the whole day.
    Told apart by identity, which keeps `HoursMemo` fast.
    """

    zone: ZoneInfo
    start: time
    end: time
    weekdays: frozenset[int] = frozenset()
    grace: timedelta = GRACE

    def outside(self, at: datetime) -> bool:
        """Return whether the aware moment lies outside of the hours."""
        local = at.astimezone(self.zone)
        return not any(self._within(local, day) for day in (-1, 0, 1))

    def _within(self, local: datetime, shift_day: int) -> bool:
        """Return whether the moment lies in the hours that begin on its own day, the day before or after."""
        day = local.date() + timedelta(days=shift_day)
        if self.weekdays and day.isoweekday() not in self.weekdays:
            return False
        begin = datetime.combine(day, self.start, self.zone)
        last_day = day if self.end > self.start else day + timedelta(days=1)
        end = datetime.combine(last_day, self.end, self.zone)
        return begin - self.grace <= local < end + self.grace


class HoursMemo:
    """Remembers the answer for each quarter of an hour: a delivery asks the same few thousands of times.

    Exact when starts, ends and the grace are multiples of 15 minutes, and otherwise asked anew.
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[Hours, int], bool] = {}

    def outside(self, hours: Hours, at: datetime) -> bool:
        """Return whether the moment lies outside of the hours."""
        if (hours.start.minute % 15) or (hours.end.minute % 15) or hours.start.second or hours.end.second:
            return hours.outside(at)
        key = (hours, int(at.timestamp()) // 900)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = hours.outside(at)
        return answer
