"""Says which reminder is due: 7, 3 and 1 days before, on the last morning, then daily. Pure.

Only the latest step counts: what an outage made late is caught up by one mail and not by three.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

BEFORE: Final = (
    ("T-0", timedelta(hours=6)),
    ("T-1", timedelta(days=1)),
    ("T-3", timedelta(days=3)),
    ("T-7", timedelta(days=7)),
)
"""Steps before the due time, nearest first. The last is six hours ahead: afterwards nobody can decide any more."""
TO_MANAGER: Final = "T-3"
TO_OWNER: Final = "T-0"
PUT: Final = "put"
"""The first mail about something, where no step is due."""
MORNING: Final = 6
"""Hour of the tenant's clock from which the mail of a day is written: what ended at midnight is open by then."""


@dataclass(frozen=True, slots=True)
class Step:
    """Holds a reminder that is due: its name, and since when (aware UTC)."""

    name: str
    at: datetime


def step_before(due_at: datetime, *, since: datetime, now: datetime) -> Step | None:
    """Returns the latest step that lies between `since` (the opening, or the last change of the due time) and now."""
    if now >= due_at:
        return None
    for name, ahead in BEFORE:
        at = due_at - ahead
        if at <= now:
            return Step(name, at) if at > since else None
    return None


def step_after(due_at: datetime, *, now: datetime) -> Step | None:
    """Returns the day's step of what is overdue; None before the due time."""
    if now < due_at:
        return None
    days = (now - due_at).days
    return Step(f"T+{days}", due_at + timedelta(days=days))


def step_of_day(due_at: datetime, *, since: datetime, now: datetime, zone: ZoneInfo) -> Step | None:
    """Returns the step for the one mail of a day: the latest of all that fall on it, known from its morning on.

    Most periods are due at midnight: six hours before would otherwise be told when it is too late.
    """
    if now >= due_at:
        return step_after(due_at, now=now)
    ends = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(0), zone)
    return step_before(due_at, since=since, now=max(now, min(ends, due_at - timedelta(microseconds=1))))
