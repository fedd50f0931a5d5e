"""The outside of a syslog line: RFC 3164, RFC 5424, and the ISO form of rsyslog and journalctl."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from logs.kinds import ParseError, Quarantined, SourceSettings
from logs.parsers.framing import numbered_lines
from logs.parsers.text import clean, decode, record_id, sentence
from logs.parsers.times import YearlessClock, epoch_time, iso_time

_TAG = r"(?:-- )?([^\s\[:]{1,200})(?:\[([^\]\s]{1,32})\])?:? ?(.*)"
_BSD = re.compile(
    r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d)(\.\d{1,9})? (\S{1,255}) +" + _TAG, re.DOTALL
)
_ISO = re.compile(
    r"(?:<\d{1,3}>)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) (\S{1,255}) +" + _TAG,
    re.DOTALL,
)
_RFC5424 = re.compile(
    r"<\d{1,3}>1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) "
    r'(?:-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*+")*+\])++)(?: {1,2}(.*))?',
    re.DOTALL,
)
"""rsyslog keeps the space that stood behind the tag of RFC 3164, so that two stand before the message."""
_SOLARIS = re.compile(r"\[ID \d+ \w+\.\w+\] ")


_JOURNAL = msgspec.json.Decoder(dict[str, object])
_WRAPPED = ("message", "log", "MESSAGE", "msg")
"""Members in which shippers (Vector, Fluent Bit, journald) wrap the line."""


class Line(NamedTuple):
    """A syslog line, taken apart: aware UTC time and its quality, host, program without path, process id, message.

    `native_id` is journald's cursor, "" for lines of text.
    """

    at: datetime
    quality: int
    host: str
    program: str
    pid: str
    message: str
    raw: bytes
    position: int
    repeat: int = 1
    native_id: str = ""


def _program(tag: str) -> str:
    return tag.rpartition("/")[2] if tag.startswith("/") else tag


class LineReader:
    """Reads the lines of one body in order; the order matters for the year of RFC 3164 times."""

    def __init__(self, settings: SourceSettings) -> None:
        self._clock = YearlessClock(settings)
        self._zone = settings.time_zone

    def read(self, raw: bytes, position: int) -> Line:
        """Take one line apart. Raises ParseError with the sentence for the quarantine."""
        text = decode(raw[:-1] if raw.endswith(b"\r") else raw)
        if text.startswith("{"):
            journal, text = unwrapped(raw, position)
            if journal:
                return self._journal(journal, raw, position)
        found = _BSD.match(text)
        try:
            if found:
                month, day, clock, fraction, host, tag, pid, message = found.groups()
                when, quality = self._clock.read(month, day, clock, fraction), int(self._clock.quality)
            else:
                when, quality, host, tag, pid, message = self._dated(text)
        except ValueError as error:
            raise ParseError(
                f"The time of the line cannot be read. {sentence(error)}", position=position, raw=raw
            ) from error
        if message.startswith("[ID "):
            message = _SOLARIS.sub("", message, count=1)
        return Line(when, quality, clean(host), clean(_program(tag)), clean(pid or ""), message, raw, position)

    def _journal(self, entry: dict[str, object], raw: bytes, position: int) -> Line:
        """Read an entry of `journalctl -o json`; raises ParseError when its time cannot be read."""
        try:
            when, quality = epoch_time(str(entry["__REALTIME_TIMESTAMP"]), 1_000_000)
        except ValueError as error:
            why = f"The time of the journal's entry cannot be read. {sentence(error)}"
            raise ParseError(why, position=position, raw=raw) from error
        host, pid = str(entry.get("_HOSTNAME") or ""), str(entry.get("SYSLOG_PID") or entry.get("_PID") or "")
        program = str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or "")
        cursor = record_id(str(entry.get("__CURSOR") or ""))
        message = journal_message(entry.get("MESSAGE"))
        return Line(
            when, int(quality), clean(host), clean(_program(program)), clean(pid), message, raw, position, 1, cursor
        )

    def _dated(self, text: str) -> tuple[datetime, int, str, str, str, str]:
        """Read the forms that hold a full date. Raises ValueError."""
        found = _ISO.match(text)
        if found:
            when, quality = iso_time(found[1].replace(",", "."), self._zone)
            return when, int(quality), found[2], found[3], found[4], found[5]
        found = _RFC5424.match(text)
        if not found:
            raise ValueError("It does not begin like a syslog line (RFC 3164 or RFC 5424).")
        if found[1] == "-":
            raise ValueError("The header of RFC 5424 says that it has none.")
        when, quality = iso_time(found[1], self._zone)
        message = (found[6] or "").removeprefix("\ufeff")
        return when, int(quality), found[2], found[3], "" if found[4] == "-" else found[4], message


def journal_message(value: object) -> str:
    """Give a journal's message; one that is no UTF-8 is an array of its bytes."""
    if isinstance(value, list):
        numbers = [number for number in value if isinstance(number, int) and 0 <= number < 256]
        return decode(bytes(numbers))
    return value if isinstance(value, str) else ""


def unwrapped(raw: bytes, position: int) -> tuple[dict[str, object] | None, str]:
    """Give journald's entry, or the line that a shipper has wrapped in JSON. Raises ParseError when it is neither."""
    try:
        entry = _JOURNAL.decode(raw)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"The line is not valid JSON. {sentence(error)}", position=position, raw=raw) from error
    if "__REALTIME_TIMESTAMP" in entry:
        return entry, ""
    text = next((entry[name] for name in _WRAPPED if isinstance(entry.get(name), str)), None)
    if not isinstance(text, str):
        why = "The JSON holds no syslog line (members message, log, msg) and is no entry of a journal."
        raise ParseError(why, position=position, raw=raw)
    return None, text.rstrip("\r\n")


def read_lines(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Line | Quarantined]:
    """Take every line of a body apart; a line that is none is quarantined with its reason."""
    reader = LineReader(settings)
    for record in numbered_lines(body):
        if isinstance(record, Quarantined):
            yield record
            continue
        try:
            yield reader.read(record.raw, record.position)
        except ParseError as error:
            yield Quarantined(record.raw, error.reason, record.position)


def is_syslog(raw: bytes) -> bool:
    """Tell whether a line begins like syslog, without reading its time."""
    text = decode(raw[:2000])
    return any(pattern.match(text) for pattern in (_BSD, _ISO, _RFC5424))
