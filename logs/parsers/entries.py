"""Records of devices behind any header: RFC 3164 with or without a year or a host, RFC 5424, a shipper's JSON, none.

A format names the mark with which its own text begins ("%ASA-", "CEF:"); what stands before it is the header. Devices
that relay write two headers: the last one is the device's own.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from logs.kinds import ClockQuality, Ignored, ParseError, Quarantined, SourceSettings
from logs.parsers.framing import numbered_lines
from logs.parsers.syslog import is_syslog, journal_message, unwrapped
from logs.parsers.text import clean, decode, sentence
from logs.parsers.times import Moment, YearlessClock, epoch_time, in_range, iso_time, zone

MAX_ENTRY_BYTES = 65_536
"""Longest record of a device that is read, in bytes: the longest datagram. A longer one is quarantined whole."""

TOO_LONG = f"The record is longer than {MAX_ENTRY_BYTES:,} bytes, more than a device writes into one."
ANOTHER_PROGRAM = "line of another program"

_BSD = re.compile(
    r"(?:<\d{1,3}>)?(?:\d{1,10}: )?[*.]?([A-Z][a-z]{2}) {1,2}(\d{1,2})(?: (\d{4}))? (\d\d:\d\d:\d\d)(\.\d{1,9})?"
    r"(?: [A-Z]{3,5}(?=[: ]))?:? ?"
)
_ISO = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)(?=[ :]|$):? ?"
)
_HOST = re.compile(r"([^\s:%<>]{1,255}|[0-9A-Fa-f:.]{2,45})(?=[\s:]|$)")
_LONGEST_HEAD = 512
_NO_TIME = "The record has no time that can be read: neither in itself nor in a header before it."
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Entry(NamedTuple):
    """One record: its own text from the mark on, the time and host of its header, and its exact bytes.

    `moment` is None where no header says a time. `native_id` is a journal's cursor.
    """

    text: str
    moment: Moment | None
    host: str
    raw: bytes
    position: int
    native_id: str = ""


class HeadReader:
    """Reads the headers of one body in order; the order matters for the year of RFC 3164 times."""

    def __init__(self, settings: SourceSettings) -> None:
        self._clock = YearlessClock(settings)
        self._zone = settings.time_zone
        self._last: tuple[str, tuple[Moment | None, str]] = ("", (None, ""))

    def read(self, head: str) -> tuple[Moment | None, str]:
        """Give the time and host of a header; raises ValueError for a time that is none."""
        if head == self._last[0]:  # the lines of one second have one header
            return self._last[1]
        found, rest = _dated_head(head), head
        moment, host = self._one(found, head) if found else (None, "")
        while found:
            found, rest = _next(rest, found.end())
            if found:
                inner, inner_host = self._one(found, rest)
                moment, host = inner or moment, inner_host or host
        self._last = (head, (moment, host))
        return moment, host

    def _one(self, found: re.Match[str], head: str) -> tuple[Moment | None, str]:
        moment = self._bsd(found) if found.re is _BSD else iso_time(found[1].replace(",", "."), self._zone)
        host = _HOST.match(head, found.end())
        name = host[1] if host else ""
        return moment, "" if name in {"-", ":"} or name.startswith("-") else clean(name.rstrip(":"))

    def _bsd(self, found: re.Match[str]) -> Moment:
        month, day, year, clock, fraction = found.groups()
        if year is None:
            return self._clock.read(month, day, clock, fraction or ""), int(self._clock.quality)
        return dated(month, day, year, clock, fraction or "", self._zone)


def _dated_head(text: str) -> re.Match[str] | None:
    return _BSD.match(text) or _ISO.match(text)


def _next(head: str, end: int) -> tuple[re.Match[str] | None, str]:
    """Find a second header behind the time and host of the one that ends here; a time of day has two colons."""
    rest = head[end:]
    if rest.count(":") < 2:
        return None, ""
    behind = rest.partition(" ")[2].lstrip(": ")
    for text in (rest, behind):
        if found := _dated_head(text):
            return found, text
    return None, ""


def dated(month: str, day: str, year: str, clock: str, fraction: str, zone_name: str) -> Moment:
    """Read the parts of "Aug 04 2026 10:00:01.250"; raises ValueError."""
    if month not in _MONTHS:
        raise ValueError("The month is not one of Jan to Dec.")
    hour, minute, second = (int(part) for part in clock.split(":"))
    micros = int((fraction.lstrip(".") + "000000")[:6])
    when = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, micros, zone(zone_name))
    return in_range(when), int(ClockQuality.ZONE_ASSUMED)


def read_entries(
    body: Iterable[bytes], settings: SourceSettings, mark: re.Pattern[str], what: str
) -> Iterator[Entry | Quarantined | Ignored]:
    """Give every record with its own text from its mark on; a syslog line without one is another program's.

    `what` names a record in the sentence of the quarantine ("CEF record").
    """
    reader = HeadReader(settings)
    for record in numbered_lines(body):
        if isinstance(record, Quarantined):
            yield record
        elif len(record.raw) > MAX_ENTRY_BYTES:
            yield Quarantined(record.raw, TOO_LONG, record.position)
        else:
            try:
                yield _entry(record.raw, record.position, reader, mark, what)
            except ValueError as error:
                yield kept_apart(error, record.raw, record.position)


def _entry(raw: bytes, position: int, reader: HeadReader, mark: re.Pattern[str], what: str) -> Entry | Ignored:
    text = decode(raw[:-1] if raw.endswith(b"\r") else raw)
    if text.startswith("{"):
        journal, text = unwrapped(raw, position)
        if journal:
            return _of_journal(journal, raw, position, mark)
    found = mark.search(text)
    if found is None:
        if is_syslog(raw):
            return Ignored(raw, ANOTHER_PROGRAM, position)
        raise ParseError(f"There is no {what} in the line.")
    start = found.start()
    moment, host = reader.read(text[:start][:_LONGEST_HEAD]) if start else (None, "")
    return Entry(text[start:], moment, host, raw, position)


def _of_journal(entry: dict[str, Any], raw: bytes, position: int, mark: re.Pattern[str]) -> Entry | Ignored:
    text = journal_message(entry.get("MESSAGE"))
    found = mark.search(text)
    if found is None:
        return Ignored(raw, ANOTHER_PROGRAM, position)
    moment = epoch_time(str(entry["__REALTIME_TIMESTAMP"]), 1_000_000)
    return Entry(text[found.start() :], moment, clean(str(entry.get("_HOSTNAME") or "")), raw, position)


def kept_apart(error: ValueError, raw: bytes, position: int) -> Quarantined:
    """Give the quarantine of a record whose reading raised: ParseError has its sentence, the rest are times."""
    if isinstance(error, ParseError):
        return Quarantined(raw, error.reason, position)
    return Quarantined(raw, f"The time of the record cannot be read. {sentence(error)}", position)


def needed(moment: Moment | None) -> Moment:
    """Give the time, or raise ParseError with the sentence for the quarantine."""
    if moment is None:
        raise ParseError(_NO_TIME)
    return moment


def count(text: str | int | None) -> int | None:
    """Read a number of bytes, seconds or rows: not negative, at most 63 bits; None where it is none."""
    if text is None or (isinstance(text, str) and not (len(text) < 20 and text.isascii() and text.isdecimal())):
        return None
    number = int(text)
    return number if 0 <= number < 2**63 else None


def times(text: str | int | None, factor: int) -> int | None:
    """Read a number and multiply it (seconds to milliseconds); None where it is none or too large."""
    number = count(text)
    return None if number is None or number * factor >= 2**63 else number * factor
