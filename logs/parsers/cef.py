"""ArcSight Common Event Format (CEF:0, CEF:1): any vendor's records, with or without a syslog header.

Header: ``CEF:version|vendor|product|version|signature|name|severity|``, a backslash before a pipe or a backslash.
Extension: ``key=value`` with spaces in values; a backslash before ``=``, a backslash, ``n`` and ``r``. A value ends
where the next key begins. ``cs1Label=Policy cs1=Admins`` is the field "Policy".
"""

import re
from collections.abc import Iterable, Iterator

from logs.kinds import ActorType, Ignored, Outcome, Quarantined, SourceSettings, Status
from logs.parsers.entries import Entry, count, dated, kept_apart, needed, read_entries
from logs.parsers.facts import Facts, Parser, bounded, make_draft, put_source
from logs.parsers.text import address, all_said, clean, port_number, record_id, said
from logs.parsers.times import Moment, epoch_time, iso_time
from logs.parsers.words import begin, meaning, outcome

_MARK = re.compile(r"CEF:\s?\d")
_KEY = re.compile(r"\s([A-Za-z0-9_][\w.\[\]-]{0,63})=")
_ESCAPED = re.compile(r"\\([\\=|nr])")
_LETTERS = {"n": "\n", "r": "\r"}
_WRITTEN = re.compile(
    r"([A-Z][a-z]{2}) (\d{1,2})(?: (\d{4}))? (\d\d:\d\d:\d\d)(\.\d{1,9})?(?: (UTC|GMT|Z|[A-Z]{2,5}))?$"
)
_UNITS = {10: 1, 13: 1000, 16: 1_000_000, 19: 1_000_000_000}
"""Parts of a second by the number of digits of a Unix time."""

_TIMES = ("rt", "deviceReceiptTime", "end", "start", "art")
_ACTORS = ("suser", "duser", "suid", "duid")
_SEVERITIES = {"low": 2, "medium": 3, "high": 4, "very-high": 5}
_MAPPED = frozenset(
    {
        *("rt", "end", "start", "src", "dst", "suser", "duser", "suid", "duid", "act", "outcome", "reason", "msg"),
        *("shost", "dhost", "spt", "dpt", "app", "requestClientApplication", "externalId", "in", "out", "cat", "proto"),
        *("spriv", "dpriv", "request", "fname", "dvchost", "dvc", "cnt", "deviceExternalId", "smac"),
        *("sourceServiceName", "destinationServiceName"),
    }
)
_LABELLED = re.compile(
    r"(?:cs|cn|cfp|c6a|flexString|flexNumber|deviceCustomDate|flexDate)\d{0,2}$|deviceCustom\w{1,40}$"
)


class Fields(dict[str, str]):
    """The extension by key, and the header's parts as vendor, product, version, signature, name, severity."""

    vendor = product = version = signature = name = severity = ""


def _letter(found: re.Match[str]) -> str:
    return _LETTERS.get(found[1], found[1])


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(_letter, text)


def _is_escaped(text: str, place: int) -> bool:
    """Tell whether an odd number of backslashes stands before a character."""
    start = place
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return bool((place - start) % 2)


def header(text: str, parts: int) -> list[str] | None:
    """Take ``parts`` fields before their pipes, and the rest; None when there are fewer pipes."""
    plain = text.split("|", parts)
    if len(plain) <= parts:
        return None
    if "\\" not in text[: len(text) - len(plain[-1])]:
        return [*map(str.strip, plain[:-1]), plain[-1]]
    found: list[str] = []
    start = 0
    while len(found) < parts:
        end = text.find("|", start)
        while end > 0 and _is_escaped(text, end):
            end = text.find("|", end + 1)
        if end < 0:
            return None
        found.append(_unescaped(text[start:end]).strip())
        start = end + 1
    return [*found, text[start:]]


def extension(text: str) -> dict[str, str]:
    """Take an extension apart into the fields that say something."""
    pieces = _KEY.split(f" {text}")  # the first key needs its blank, too: an alternative to it costs two thirds more
    values = pieces[2::2]
    if "\\" in text:
        values = [_unescaped(value) if "\\" in value else value for value in values]
    return all_said(zip(pieces[1::2], values, strict=True))


def fields(text: str) -> Fields | None:
    """Take a record apart; None when the header has fewer than seven fields."""
    parts = header(text, 7)
    if parts is None:
        return None
    found = Fields(extension(parts[7]))
    _, found.vendor, found.product, found.version, found.signature, found.name, found.severity = parts[:7]
    return found


def written_time(text: str, zone_name: str) -> Moment:
    """Read a time as CEF and LEEF write it: milliseconds, "Aug 04 2026 10:00:01.250 UTC", ISO. Raises ValueError."""
    if text.isascii() and text.isdecimal():
        return epoch_time(int(text), _UNITS.get(len(text), 1000))
    found = _WRITTEN.match(text[:60])
    if not found:
        return iso_time(text.replace("/", "-"), zone_name)
    month, day, year, clock, fraction, name = found.groups()
    if year is None:
        raise ValueError("The time has no year.")
    known = name in {"UTC", "GMT", "Z"}
    moment = dated(month, day, year, clock, fraction or "", "UTC" if known else zone_name)
    return (moment[0], 1) if known else moment


def moment_of(found: Fields, entry: Entry, zone_name: str) -> Moment:
    """Give the time of the record: of its own fields, else of the header before it. Raises ParseError, ValueError."""
    for key in _TIMES:
        if key in found:
            try:
                return written_time(found[key], zone_name)
            except ValueError:
                if entry.moment is None:
                    raise
                break
    return needed(entry.moment)


def _labelled(found: Fields) -> dict[str, object]:
    """Give the labelled and the other fields that have no place of their own, by the vendor's name for them."""
    beside: dict[str, object] = {}
    for key, value in found.items():
        if key in _MAPPED or key.endswith("Label"):
            continue
        label = found.get(f"{key}Label") if _LABELLED.match(key) else None
        beside[(label or key)[:100]] = value[:1000]
    return beside


def _put_who(facts: Facts, found: Fields) -> None:
    """Write actor and target: suser acts on duser; where only duser is named it is who acted."""
    actor, target = found.get("suser", ""), found.get("duser", "")
    actor_uid, target_uid = found.get("suid", ""), found.get("duid", "")
    if not actor and not actor_uid:
        actor, actor_uid, target, target_uid = target, target_uid, "", ""
    facts["actor_name"], facts["actor_uid"] = actor, actor_uid
    admin = "admin" in found.get("spriv", "").lower()
    facts["actor_type"] = ActorType.ADMIN if admin else ActorType.USER
    if (target or target_uid) and (target, target_uid) != (actor, actor_uid):
        facts["target_name"], facts["target_uid"], facts["target_kind"] = target, target_uid, "account"
    if "dpriv" in found:
        facts["privileges"] = (found["dpriv"],)


def _put_place(facts: Facts, found: Fields, host: str) -> None:
    source = address(found.get("src"))
    put_source(facts, source, port_number(found.get("spt")))
    facts["src_host"] = found.get("shost") or source.host
    facts["dst_host"] = found.get("dhost") or address(found.get("dst")).ip or found.get("dvchost") or host
    facts["device_uid"] = found.get("deviceExternalId") or found.get("smac", "")
    facts["user_agent"] = found.get("requestClientApplication", "")
    facts["resource"] = found.get("request") or found.get("fname", "")
    facts["app"] = found.get("destinationServiceName") or found.get("sourceServiceName") or said(found.product)
    facts["bytes_in"], facts["bytes_out"] = count(found.get("in")), count(found.get("out"))
    facts["native_id"] = record_id(found.get("externalId"))
    if "cnt" in found:
        facts["repeat_count"] = max(1, count(found["cnt"]) or 1)


def _put_duration(facts: Facts, found: Fields, zone_name: str) -> None:
    if not (found.get("start") and found.get("end")):
        return
    try:
        began, ended = written_time(found["start"], zone_name)[0], written_time(found["end"], zone_name)[0]
    except ValueError:
        return
    if ended > began:
        facts["duration_ms"] = round((ended - began).total_seconds() * 1000)


def _status(found: Fields) -> Status:
    return outcome(found.get("outcome", ""), found.get("act", ""), found.name)


def read_fields(found: Fields, entry: Entry, zone_name: str, moment: Moment | None = None) -> Outcome:
    """Give the event of a record whose vendor has no map of its own; ``moment`` is its time where that is known."""
    raw, position = entry.raw, entry.position
    if "suser" not in found and found.keys().isdisjoint(_ACTORS):
        return Ignored(raw, "record that names no actor", position)
    try:
        moment = moment or moment_of(found, entry, zone_name)
    except ValueError as error:
        return kept_apart(error, raw, position)
    words = (found.name, found.get("act", ""), found.get("cat", ""), found.signature)
    reason = f"{found.get('reason', '')} {found.get('msg', '')} {found.name}"
    facts = begin(meaning(*words), _status(found), reason)
    _put_who(facts, found)
    _put_place(facts, found, entry.host)
    _put_duration(facts, found, zone_name)
    facts["action"] = clean(found.name or found.get("act", "") or found.signature)[:300]
    facts["status_code"] = (found.get("reason") or found.get("outcome", ""))[:120]
    number = count(found.severity)
    if number is not None and number >= 7:
        facts["severity_id"] = 5 if number >= 9 else 4
    elif number is None and found.severity.lower() in _SEVERITIES:
        facts["severity_id"] = _SEVERITIES[found.severity.lower()]
    head: dict[str, object] = {"vendor": clean(found.vendor)[:100], "signature": clean(found.signature)[:100]}
    facts["extra"] = bounded(_labelled(found) | head)
    if not facts["native_id"]:
        facts["native_id"] = entry.native_id
    return make_draft(moment, raw, position, facts)


def _read(entry: Entry, zone_name: str) -> Outcome:
    found = fields(entry.text)
    if found is None:
        return Quarantined(entry.raw, "The header of CEF has fewer than seven fields.", entry.position)
    return read_fields(found, entry, zone_name)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of CEF; every line gives one draft, one quarantined or one ignored record."""
    for entry in read_entries(body, settings, _MARK, "CEF record"):
        yield _read(entry, settings.time_zone) if isinstance(entry, Entry) else entry


PARSER = Parser("cef", "2", "CEF (ArcSight Common Event Format)", parse)
