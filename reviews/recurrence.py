"""Computes when a recurring campaign opens next. Pure.

Wall time and zone are stored, never an offset: nine o'clock stays nine o'clock when the clocks change. A wall time
that does not exist on a day (dateutil gives 02:30 on 8 March in New York) is moved to the next one that does, through
UTC.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

FORBIDDEN = ("COUNT=", "UNTIL=", "BYHOUR=", "BYMINUTE=", "BYSECOND=", "FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY")


class BadRule(ValueError):  # noqa: N818 -- what the sentence is about
    """Says in one sentence what is wrong with a recurrence."""


def check_rule(rule: str, starts_on: date) -> None:
    """Refuses a recurrence that would skip periods in silence.

    Raises:
        BadRule: for a rule that is not understood, has its own end or hours, or would skip short months.
    """
    text = rule.upper()
    if any(word in text for word in FORBIDDEN):
        raise BadRule("The recurrence may not name hours or an end; the campaign plan has its own.")
    try:
        rrulestr(text, dtstart=datetime.combine(starts_on, time(0)))
    except (ValueError, TypeError) as error:
        raise BadRule(f"'{rule}' is not a recurrence that is understood (RFC 5545 RRULE).") from error
    monthly = "FREQ=MONTHLY" in text or "FREQ=YEARLY" in text
    if monthly and "BYMONTHDAY" not in text and "BYDAY" not in text and starts_on.day > 28:
        raise BadRule(
            "A recurrence that begins after the 28th would skip short months. Use BYMONTHDAY=-1 for the last day."
        )
    if any(f"BYMONTHDAY={day}" in text for day in (29, 30, 31)):
        raise BadRule("Day 29, 30 or 31 does not exist in every month. Use BYMONTHDAY=-1 for the last day.")


def openings(rule: str, starts_on: date, at: time, zone: ZoneInfo) -> Iterator[datetime]:
    """Yields the openings as aware UTC times from the first day on; one only where the rule is empty."""
    first = datetime.combine(starts_on, at)
    walls = rrulestr(rule.upper(), dtstart=first) if rule else [first]
    for wall in walls:
        yield _existing(wall, zone)


def next_openings(
    rule: str, starts_on: date, at: time, zone: ZoneInfo, *, after: datetime, n: int = 8
) -> list[datetime]:
    """Returns the next openings after an aware time, at most `n`, in UTC."""
    later = (moment for moment in openings(rule, starts_on, at, zone) if moment > after)
    return list(islice(later, n))


def _existing(wall: datetime, zone: ZoneInfo) -> datetime:
    """Returns a wall time in UTC; one in a gap of the clock comes out as the same instant after the gap."""
    return wall.replace(tzinfo=zone).astimezone(UTC)
