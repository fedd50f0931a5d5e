"""Values of JSON records of cloud services as text, number and time."""

import re
from datetime import UTC, datetime

import msgspec

from logs.kinds import ClockQuality
from logs.parsers.text import said
from logs.parsers.times import Moment, epoch_time, in_range, iso_time

Row = dict[str, object]
"""One decoded record."""

_COMPACT = re.compile(r"\d{14}(?:\.\d{1,6})?$")
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$|Z$)")
_LARGEST = 2**63 - 1
_MILLI, _MICRO, _NANO = 1e11, 1e14, 1e17
"""Unix times from these numbers on count milliseconds, microseconds, nanoseconds (seconds would be the year 5138)."""
_DEEPEST = 12


def text(value: object) -> str:
    """Give a JSON value as text: a list joined by commas, true and false as words, an object as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(text(item) for item in value[:50] if not isinstance(item, list | dict))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, int) else msgspec.json.encode(value).decode()


def shown(value: object) -> str:
    """Give a JSON value as clean text, or "" where it only says that it has nothing to say."""
    if value is None:
        return ""
    words = value if isinstance(value, str) else text(value)
    return said(words)


def number(value: object) -> int | None:
    """Give a whole number that is not negative and fits 63 bits, or None."""
    try:
        whole = int(value) if isinstance(value, int | float) else int(text(value))
    except (ValueError, OverflowError):
        return None
    return whole if 0 <= whole <= _LARGEST else None


def moment(value: object) -> Moment:
    """Read a time as cloud services write it: ISO 8601, 20240120154530.123, or a Unix time of any unit.

    Times without a zone are UTC (assumed). Raises ValueError with what is wrong.
    """
    if isinstance(value, str):
        if value[4:5] == "-" and " " not in value:
            return iso_time(value)
        if _COMPACT.match(value):
            seconds, _, rest = value.partition(".")
            when = datetime.strptime(seconds, "%Y%m%d%H%M%S").replace(tzinfo=UTC, microsecond=int(f"{rest:0<6}"))
            return in_range(when), ClockQuality.ZONE_ASSUMED
        if not value[:2].isdecimal() or not value.replace(".", "", 1).isdecimal():
            return iso_time(_SPACED_OFFSET.sub("", value[:200]))
        value = float(value) if "." in value else int(value[:30])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 -- the caller asks whether it is a time
            "The record has no time." if value is None else "The time is neither text nor number."
        )
    for limit, unit in ((_NANO, 1_000_000_000), (_MICRO, 1_000_000), (_MILLI, 1000)):
        if value >= limit:
            return epoch_time(value, unit)
    return epoch_time(value)


def lowered(row: Row, names: dict[str, str]) -> Row:
    """Give the record with each member's name as the vendor writes it, whatever case an exporter gave it."""
    return {names.get(key.lower(), key): _inner(value, names, 1) for key, value in row.items()}


def _inner(value: object, names: dict[str, str], depth: int) -> object:
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        return {names.get(key.lower(), key): _inner(item, names, depth + 1) for key, item in value.items()}
    return [_inner(item, names, depth + 1) for item in value] if isinstance(value, list) else value
