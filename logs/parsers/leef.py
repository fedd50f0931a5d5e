r"""IBM QRadar's Log Event Extended Format, 1.0 and 2.0, with or without a syslog header.

1.0: ``LEEF:1.0|vendor|product|version|event|`` and tab-separated ``key=value``. 2.0 names its delimiter in one more
field: a character, or its number as ``x09`` or ``0x09``; left empty it is the tab.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from logs.kinds import ClockQuality, Outcome, ParseError, Quarantined, SourceSettings
from logs.parsers.cef import Fields, header, read_fields, written_time
from logs.parsers.entries import Entry, read_entries
from logs.parsers.facts import Parser
from logs.parsers.text import all_said, sentence
from logs.parsers.times import Moment, in_range, zone

_MARK = re.compile(r"LEEF:\s?\d")
_NUMBERED = re.compile(r"0?[xX]([0-9A-Fa-f]{2,4})$")
_JAVA = re.compile(r"'([^']*)'|(y+|M+|d+|H+|h+|m+|s+|S+|a+|z+|Z+|X+|E+)|(.)", re.DOTALL)
_STRPTIME = {"y": "%Y", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S", "S": "%f", "a": "%p", "E": "%a"}
_NAMES = {
    "usrName": "suser",
    "accountName": "duser",
    "srcPort": "spt",
    "dstPort": "dpt",
    "srcBytes": "in",
    "dstBytes": "out",
    "identHostName": "shost",
    "resource": "request",
    "url": "request",
    "action": "act",
    "role": "dpriv",
    "userAgent": "requestClientApplication",
    "identSrc": "identSrc",
    "result": "outcome",
    "status": "outcome",
}
"""LEEF's names -> those of CEF, whose meaning is the same."""


@lru_cache(maxsize=256)
def _pattern(java: str) -> str:
    """Give the strptime pattern of a Java SimpleDateFormat; raises ValueError for a letter it does not know."""
    parts: list[str] = []
    for quoted, letters, other in _JAVA.findall(java):
        if letters:
            parts.append(_letters(letters))
        else:
            parts.append((quoted or other).replace("%", "%%"))
    return "".join(parts)


def _letters(letters: str) -> str:
    first = letters[0]
    if first == "M":
        return {1: "%m", 2: "%m", 3: "%b"}.get(len(letters), "%B")
    if first == "y" and len(letters) == 2:
        return "%y"
    return "%z" if first in "zZX" else _STRPTIME[first]


def _time(text: str, java: str, zone_name: str) -> Moment:
    """Read devTime by its devTimeFormat; raises ValueError."""
    if not java or text.isdecimal():
        return written_time(text, zone_name)
    when = datetime.strptime(text[:100].replace("UTC", "+0000").replace("GMT", "+0000"), _pattern(java[:100]))  # noqa: DTZ007 -- the zone is set below
    if when.tzinfo is None:
        return in_range(when.replace(tzinfo=zone(zone_name))), int(ClockQuality.ZONE_ASSUMED)
    return in_range(when), int(ClockQuality.ZONE_KNOWN)


def _delimiter(field: str) -> str:
    found = _NUMBERED.match(field)
    if found:
        return chr(int(found[1], 16))
    return field[:1] or "\t"


def _attributes(text: str, delimiter: str) -> dict[str, str]:
    """Take the attributes apart into those that say something; the first of two that mean the same counts."""
    pairs = [part.split("=", 1) for part in reversed(text.split(delimiter)) if "=" in part]
    names = [key.strip() for key, _value in pairs]
    return all_said((_NAMES.get(name, name), value) for name, (_key, value) in zip(names, pairs, strict=True))


def fields(text: str) -> Fields | None:
    """Take a record apart; None when the header is too short."""
    second = text.startswith("LEEF:2")
    parts = header(text, 6 if second else 5)
    if parts is None:
        return None
    found = Fields(_attributes(parts[-1], _delimiter(parts[5]) if second else "\t"))
    _, found.vendor, found.product, found.version, found.signature = parts[:5]
    found.name, found.severity = parts[4], found.pop("sev", "")
    return found


def _read(entry: Entry, zone_name: str) -> Outcome:
    found = fields(entry.text)
    if found is None:
        return Quarantined(entry.raw, "The header of LEEF has too few fields.", entry.position)
    stated, java = found.pop("devTime", ""), found.pop("devTimeFormat", "")
    moment: Moment | None = None
    if stated:
        try:
            moment = _time(stated, java, zone_name)
        except (ValueError, KeyError, ParseError, re.error) as error:  # re.error: a letter twice in the format
            why = f"The devTime of the record cannot be read with its devTimeFormat. {sentence(error)}"
            return Quarantined(entry.raw, why, entry.position)
    return read_fields(found, entry, zone_name, moment)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of LEEF; every line gives one draft, one quarantined or one ignored record."""
    for entry in read_entries(body, settings, _MARK, "LEEF record"):
        yield _read(entry, settings.time_zone) if isinstance(entry, Entry) else entry


PARSER = Parser("leef", "2", "LEEF 1.0 and 2.0 (QRadar)", parse)
