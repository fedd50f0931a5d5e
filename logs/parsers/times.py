"""Read the time of a record, from the record and the source's settings alone; never from the clock of this machine."""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from logs.kinds import ClockQuality, ParseError, SourceSettings

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_TOLERATED_FUTURE = timedelta(days=1)
_LONGEST_TIME = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST_YEAR, _NEWEST_YEAR = 1990, 2199

Moment = tuple[datetime, int]
"""An aware UTC time and its `ClockQuality`."""


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Give the IANA zone of this name; raises ParseError with a sentence when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ParseError(f"There is no time zone named {name!r}: use an IANA name such as Europe/Warsaw.") from error


def in_range(when: datetime) -> datetime:
    """Give the aware time in UTC; raises ValueError outside the years 1990 to 2199, which no log can mean."""
    moved = when
    if when.tzinfo is not UTC:
        try:
            moved = when.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("The time is out of range.") from error
    if not _OLDEST_YEAR <= moved.year <= _NEWEST_YEAR:
        raise ValueError(f"The year {moved.year} is not the year of a log.")
    return moved


def short(text: str) -> str:
    """Give the text that a time may be; raises ValueError for a longer one, which must not fill a cache."""
    value = text.strip()
    if len(value) > _LONGEST_TIME:
        raise ValueError(f"It has {len(value)} characters, more than a time has.")
    return value


def iso_time(text: str, zone_name: str = "UTC") -> Moment:
    """Read an ISO 8601 time; one without an offset is in the zone given. Raises ValueError when it is none.

    Digits beyond microseconds are dropped. "2026-08-01 10:00:00" with a space is read too.
    """
    return _iso_time(short(text), zone_name)


@lru_cache(maxsize=4096)
def _iso_time(text: str, zone_name: str) -> Moment:
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        return in_range(when.replace(tzinfo=zone(zone_name))), ClockQuality.ZONE_ASSUMED
    return in_range(when), ClockQuality.ZONE_KNOWN


def epoch_time(value: float | int | str, unit_per_second: int = 1) -> Moment:
    """Read a Unix time (seconds, or milliseconds with 1000, ...), exact to the microsecond. Raises ValueError."""
    try:
        number: float | int | str = value
        if isinstance(number, str):
            number = int(number) if number.strip().lstrip("-").isdigit() else float(number)
        if isinstance(number, int):
            microseconds = number * 1_000_000 // unit_per_second
        else:
            microseconds = round(number * 1_000_000 / unit_per_second)
        when = EPOCH + timedelta(microseconds=microseconds)
    except (OverflowError, TypeError) as error:
        raise ValueError("The number is not a Unix time in range.") from error
    return in_range(when), ClockQuality.ZONE_KNOWN


def postgres_time(text: str, zone_name: str) -> Moment:
    """Read PostgreSQL's "2026-08-01 10:00:00.123 CEST".

    UTC, GMT and numeric offsets are known. Any other abbreviation is ambiguous by itself (IST, CST): the time is taken
    in the source's zone, and the abbreviation only settles which side of a clock change it is on. Raises ValueError.
    """
    return _postgres_time(short(text), zone_name)


@lru_cache(maxsize=4096)
def _postgres_time(text: str, zone_name: str) -> Moment:
    local_text, _, name = text.rpartition(" ")
    local = datetime.fromisoformat(local_text)
    if name in {"UTC", "GMT", "Z"}:
        return in_range(local.replace(tzinfo=UTC)), ClockQuality.ZONE_KNOWN
    if name[:1] in {"+", "-"}:
        hours, _, minutes = name[1:].partition(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        known = local.replace(tzinfo=timezone(offset if name[0] == "+" else -offset))
        return in_range(known), ClockQuality.ZONE_KNOWN
    aware = local.replace(tzinfo=zone(zone_name))
    if aware.tzname() != name and aware.replace(fold=1).tzname() == name:
        aware = aware.replace(fold=1)
    return in_range(aware), ClockQuality.ZONE_ASSUMED


class YearlessClock:
    """Reads the times of RFC 3164, which have neither year nor zone, over one body.

    With `SourceSettings.year` the first record is in that year, and a step from December to January begins the next
    one (a late December record after it is in the old year). Otherwise the year is the latest that does not put the
    record more than a day after `SourceSettings.received_at`. The hour that a clock change repeats is read as its
    first pass.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._zone = zone(settings.time_zone)
        self._year = settings.year
        self._received = settings.received_at
        self._month = 0
        self._minutes: dict[str, datetime] = {}
        self.quality = ClockQuality.YEAR_INFERRED if settings.year is None else ClockQuality.YEAR_SET

    def read(self, month: str, day: str, clock: str, fraction: str = "") -> datetime:
        """Give the aware UTC time of ("Jun", "14", "15:16:01", ".250"). Raises ValueError with a sentence."""
        number = _MONTHS.get(month, 0)
        if number != self._month:
            self._turn(number)
        minute = f"{month}{day}{clock[:5]}"
        base = self._minutes.get(minute)
        if base is None:
            if len(self._minutes) > 4096:
                self._minutes.clear()
            base = self._minutes[minute] = self._minute(number, int(day), int(clock[:2]), int(clock[3:5]))
        seconds = int(clock[6:8])
        if seconds > 60:
            raise ValueError(f"{seconds} is not a second.")
        return base + timedelta(seconds=seconds, microseconds=int((fraction[1:7] + "000000")[:6]) if fraction else 0)

    def _turn(self, month: int) -> None:
        """Follow the body from one month to another."""
        if not 1 <= month <= 12:
            raise ValueError("The month is not one of Jan to Dec.")
        if self._year is not None and self._month:
            self._year += (self._month, month) == (12, 1)
            self._year -= (self._month, month) == (1, 12)
            self._minutes.clear()
        self._month = month

    def _minute(self, month: int, day: int, hour: int, minute: int) -> datetime:
        if self._year is not None:
            return in_range(datetime(self._year, month, day, hour, minute, tzinfo=self._zone))
        if self._received is None:
            raise ValueError("The record has no year, and neither the source nor the delivery gives one.")
        limit = self._received + _TOLERATED_FUTURE
        for year in range(limit.year + 1, limit.year - 9, -1):
            try:
                when = datetime(year, month, day, hour, minute, tzinfo=self._zone)
            except ValueError:
                continue
            if when <= limit:
                return in_range(when)
        raise ValueError(f"{day} is not a day of month {month}.")
