"""Computes when a recurring campaign opens next. Pure.

Wall time and zone are stored, never an offset: nine o'clock stays nine o'clock when the clocks change. A wall time
that does not exist on a day (dateutil gives 02:30 on 8 March in New York) is moved to the next one that does, through
UTC.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

FORBIDDEN = ("COUNT=", "UNTIL=", "BYHOUR=", "BYMINUTE=", "BYSECOND=", "FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY")
LOOKED_AT: Final = 60
OPENS_AT: Final = time(9, 0)
"""Wall time at which a campaign opens where its plan says nothing else."""


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
    gap = _gap(text, starts_on)
    if gap:
        raise BadRule(
            f"The recurrence skips {gap:%B %Y}, in which its day does not exist in every month or year. Use "
            "BYMONTHDAY=-1 for the last day of a month, or BYDAY=-1FR for its last Friday."
        )


def _gap(rule: str, starts_on: date) -> date | None:
    """Returns the first month that a monthly or yearly rule leaves out although it is due; None for no gap.

    Days 29 to 31, the fifth Monday, or the 366th day do not exist in every period; dateutil skips such a period without
    a word. Looked at for 60 openings, which hold every kind of month and a leap year.
    """
    found = re.search(r"FREQ=(MONTHLY|YEARLY)", rule)
    if found is None:
        return None
    every = re.search(r"INTERVAL=(\d+)", rule)
    months = (int(every[1]) if every else 1) * (12 if found[1] == "YEARLY" else 1)
    days = [one.date() for one in islice(rrulestr(rule, dtstart=datetime.combine(starts_on, time(0))), LOOKED_AT)]
    for one, after in pairwise(days):
        if (after.year - one.year) * 12 + after.month - one.month > months:
            missed = one.year * 12 + one.month - 1 + months
            return date(missed // 12, missed % 12 + 1, 1)
    return None


@dataclass(frozen=True, slots=True)
class Openings:
    """Holds when a plan opens next, as wall time in its zone, or the sentence that says what is wrong with it."""

    zone: str
    dates: Sequence[str] = ()
    fault: str = ""


def next_eight(rule: str, starts_on: date, zone: ZoneInfo, now: datetime, at: time = OPENS_AT) -> Openings:
    """Returns the next eight openings of a plan, as its form shows them before it is saved."""
    try:
        if rule:
            check_rule(rule, starts_on)
    except BadRule as bad:
        return Openings(zone.key, fault=str(bad))
    moments = next_openings(rule, starts_on, at, zone, after=now, n=8)
    return Openings(zone.key, tuple(f"{one.astimezone(zone):%A, %-d %B %Y, %H:%M %Z}" for one in moments))


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
