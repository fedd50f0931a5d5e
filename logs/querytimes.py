"""Times as a query writes them: days, times of day and ages, in a tenant's zone. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_AGE: Final = re.compile(r"([0-9]{1,4})([mhdw])")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?", re.IGNORECASE
)
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
YEARS: Final = (1990, 2200)

Moment = date | datetime | timedelta


def read_moment(text: str) -> Moment | None:
    """Return the day, the time (with a zone only where it states one) or the age that a text means, else None."""
    if aged := _AGE.fullmatch(text.lower()):
        return int(aged[1]) * _UNITS[aged[2]]
    if not _MOMENT.fullmatch(text):
        return None
    try:
        found = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return found if YEARS[0] <= found.year <= YEARS[1] else None


def begin_of(moment: Moment, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the first instant that is meant, aware: a day begins at midnight of the zone, an age counts from now."""
    if isinstance(moment, timedelta):
        return now - moment
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min, zone).astimezone(UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def end_of(moment: Moment, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the first instant after what is meant: the next midnight, hour's minute or second."""
    if isinstance(moment, datetime):
        return begin_of(moment, zone, now) + timedelta(minutes=1)
    if isinstance(moment, date):
        return begin_of(moment + timedelta(days=1), zone, now)
    return now
