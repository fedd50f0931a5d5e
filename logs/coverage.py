"""Coverage: which expected hours of a source hold events. Pure; silence of an unscheduled source says nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a source must give events: once in each ``every_hours`` of the listed local hours (empty: all hours)."""

    zone: ZoneInfo
    every_hours: int
    hours: frozenset[int]
    weekdays: frozenset[int]

    def expects(self, hour: datetime) -> bool:
        """Return whether events are expected in the UTC hour that begins at the moment."""
        local = hour.astimezone(self.zone)
        return (not self.hours or local.hour in self.hours) and (
            not self.weekdays or local.isoweekday() in self.weekdays
        )


def schedule_of(expected: Mapping[str, Any], zone: ZoneInfo) -> Schedule | None:
    """Return the schedule that a source states, None when nothing is expected of it."""
    minutes = expected.get("every_minutes")
    if not isinstance(minutes, int) or minutes < 1:
        return None
    hours = frozenset(int(hour) for hour in expected.get("hours") or ())
    weekdays = frozenset(int(day) for day in expected.get("weekdays") or ())
    return Schedule(zone, max(1, -(-minutes // 60)), hours, weekdays)


@dataclass(frozen=True, slots=True)
class Covered:
    """Expected hours, those of them that are covered, and the stretches that are not (first hour, hour after).

    ``silent`` says that the last expected hour is not covered: what should be coming has stopped.
    """

    expected: int
    received: int
    gaps: tuple[tuple[datetime, datetime], ...]
    silent: bool = False


def cover(schedule: Schedule, present: Collection[datetime], since: datetime, until: datetime) -> Covered:
    """Compare the whole hours of a period with the hours that hold events (aware UTC).

    An hour is covered when any expected hour of its stretch of ``every_hours`` hours holds events.
    """
    expected = [hour for hour in _hours(since, until) if schedule.expects(hour)]
    size = schedule.every_hours
    alive = {stretch(hour, size) for hour in expected if hour in present}
    missing = [hour for hour in expected if stretch(hour, size) not in alive]
    silent = bool(missing) and missing[-1] == expected[-1]
    return Covered(len(expected), len(expected) - len(missing), _joined(missing, expected), silent)


def by_day(
    schedule: Schedule, covered: Covered, since: datetime, until: datetime, zone: ZoneInfo
) -> dict[date, tuple[int, int]]:
    """Return the expected and the covered hours of each local day; together they are those of ``cover``.

    ``covered`` is its answer for the same stretch of time. A day on which nothing is expected is not named.
    """
    days: dict[date, tuple[int, int]] = {}
    gaps = iter(covered.gaps)
    gap = next(gaps, None)
    for hour in _hours(since, until):
        if not schedule.expects(hour):
            continue
        while gap and hour >= gap[1]:
            gap = next(gaps, None)
        day = hour.astimezone(zone).date()
        expected, received = days.get(day, (0, 0))
        days[day] = expected + 1, received + (not gap or hour < gap[0])
    return days


def _hours(since: datetime, until: datetime) -> Iterable[datetime]:
    hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if hour < since:
        hour += HOUR
    while hour + HOUR <= until:
        yield hour
        hour += HOUR


def stretch(hour: datetime, size: int) -> int:
    """Return the number of the interval of ``size`` hours that a UTC hour lies in, counted from 1970."""
    return int(hour.timestamp()) // 3600 // size


def _joined(missing: list[datetime], expected: list[datetime]) -> tuple[tuple[datetime, datetime], ...]:
    """Join missing hours into stretches; hours at which nothing is expected do not end a stretch."""
    place = {hour: number for number, hour in enumerate(expected)}
    gaps: list[tuple[datetime, datetime]] = []
    for hour in missing:
        if gaps and place[gaps[-1][1] - HOUR] == place[hour] - 1:
            gaps[-1] = (gaps[-1][0], hour + HOUR)
        else:
            gaps.append((hour, hour + HOUR))
    return tuple(gaps)
