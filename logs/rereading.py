"""Reading old records again: who reads, from which bytes, and whether the result differs. Pure.

A record is read again together with the other stored records of its delivery, in their order. Lines that were no record
of their own (twins, parts) were counted and not kept, so what a format takes from them cannot be read again: there the
first reading stands (`settled`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from logs.kinds import ClockQuality, Draft, Format, StatusDetail
from logs.parsers.facts import Parser
from logs.sealing import rfc3339

MAPPED: Final = frozenset({Format.CSV, Format.JSON})
"""Formats that are read with the source's own mapping."""

JOINED: Final = frozenset(
    {
        *(Format.SSHD_SYSLOG, Format.AUDITD, Format.POSTGRES_JSONLOG, Format.MYSQL_AUDIT, Format.WINDOWS),
        *(Format.CISCO_ASA, Format.OPENVPN, Format.FREERADIUS, Format.GLOBALPROTECT, Format.FORTINET),
    }
)
"""Formats in which a reader joins lines, of which only one became the event."""

COMPARED: Final = tuple(name for name in Draft.__struct_fields__ if name not in {"raw", "position"})
"""Fields of a reading that make a difference."""

_FROM_BESIDE: Final = frozenset({"status_detail", "duration_ms", "session_uid"})
"""What joined lines tell most often: in a joined format the first reading of these stands, where it says anything."""

_VAGUE: Final = frozenset({"", StatusDetail.OTHER.value})
_SILENT: Final[tuple[object, ...]] = ("", None, (), {})


FIELD_WORDS: Final[Mapping[str, str]] = {
    "occurred_at": "Time",
    "actor_name": "Account (who acted)",
    "actor_uid": "Account's own id",
    "actor_type": "Kind of account",
    "action": "Action, in the system's word",
    "outcome": "Outcome",
    "kind": "Kind of log",
    "src_ip": "From address",
    "src_port": "From port",
    "src_host": "From host",
    "device_uid": "Device",
    "user_agent": "Browser or client",
    "app": "Application",
    "resource": "Object (record, page, file)",
    "database": "Database",
    "table": "Table",
    "target_name": "Target account",
    "target_uid": "Target account's id",
    "target_kind": "Kind of target",
    "dst_host": "To host",
    "privileges": "Privileges",
    "session_uid": "Session",
    "native_id": "The record's own id",
    "mfa": "Second factor used",
    "duration_s": "Duration in seconds",
    "duration_ms": "Duration in milliseconds",
    "rows_count": "Rows",
    "bytes_in": "Bytes received",
    "bytes_out": "Bytes sent",
    "repeat_count": "Times it happened",
    "status_code": "Reason code",
    "ticket_ref": "Ticket",
    "log_type": "Kind of log",
    "status_id": "Outcome (OCSF)",
    "status_detail": "Reason",
}
"""The fields of an event in words, the ones that matter most first."""


class Kept(NamedTuple):
    """A stored record: its place (event: number and ordinal; quarantine: line), its bytes, and how it was read.

    ``reading`` holds the fields of `COMPARED`; None for a record in quarantine.
    """

    position: int
    raw: bytes
    ord: int | None
    line_id: int | None
    reading: Mapping[str, Any] | None


class Change(NamedTuple):
    """One field that differs, in words for a page."""

    field: str
    before: str
    after: str


def reader_name(parser: Parser, mapping_version: int | None) -> str:
    """Return who reads a source's records, as events store it: ``csv/1 mapping 3``."""
    name = f"{parser.name}/{parser.version}"
    return f"{name} mapping {mapping_version}" if parser.name in MAPPED and mapping_version else name


def body_of(records: Iterable[Kept], columns: bytes, waiting: dict[bytes, list[Kept]]) -> Iterator[bytes]:
    """Give the lines of a body made of stored records, and note each in ``waiting`` until its outcome is taken."""
    if columns:
        yield columns + b"\n"
    for record in records:
        waiting.setdefault(record.raw, []).append(record)
        yield record.raw + b"\n"


def taken(waiting: dict[bytes, list[Kept]], raw: bytes) -> Kept | None:
    """Take the stored record that an outcome belongs to: equal bytes are interchangeable, and come in order."""
    found = waiting.get(raw)
    if not found:
        return None
    record = found.pop(0)
    if not found:
        del waiting[raw]
    return record


def settled(draft: Draft, before: Mapping[str, Any], form: Format) -> Draft:
    """Return the new reading with what it cannot know from the record alone as it was read first."""
    kept: dict[str, Any] = {}
    if before["native_id"] and not draft.native_id:
        kept["native_id"] = before["native_id"]  # an id that the sender gave outside of the record
    if form in JOINED:
        silent = (name for name in COMPARED if getattr(draft, name) in _SILENT and before[name] not in _SILENT)
        kept |= {name: before[name] for name in silent}
        kept |= {name: before[name] for name in _FROM_BESIDE if before[name] not in _VAGUE and before[name] is not None}
    return msgspec.structs.replace(draft, **kept) if kept else draft


def changes(draft: Draft, before: Mapping[str, Any]) -> list[Change]:
    """Return the fields of a reading that differ from the stored one; none means that nothing is to be done."""
    return [
        Change(FIELD_WORDS.get(name, name.replace("_", " ")), _words(before[name]), _words(getattr(draft, name)))
        for name in COMPARED
        if getattr(draft, name) != before[name]
    ]


def reading_of(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return how an event was read, from the columns that its sealed bytes give (`logs.sealing.projection`)."""
    found = {name: columns[name] for name in COMPARED}
    found["privileges"] = tuple(found["privileges"])
    found["occurred_at"] = datetime.fromisoformat(found["occurred_at"])
    return found


def year_of(first: Mapping[str, Any] | None, year: int | None) -> int | None:
    """Return the year to read records without one with: that of the first reading where a setting gave it.

    The setting belongs to the delivery: a source's year is changed for each old file that is delivered by hand.
    """
    if first is None:
        return year
    at: datetime = first["occurred_at"]
    return at.year if first["clock_quality"] == ClockQuality.YEAR_SET else None


def resolved_digest(lines: Mapping[int, str]) -> str:
    """Return the SHA-256 over the records that left quarantine without becoming events: line and outcome, in order."""
    text = "".join(f"{line} {lines[line]}\n" for line in sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def _words(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    if value in _SILENT:
        return "nothing"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return msgspec.json.encode(value).decode()[:400] if isinstance(value, dict) else str(value)[:400]
