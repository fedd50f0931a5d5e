"""Events as CSV, NDJSON or OCSF, row by row. Pure.

A CSV cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection); NDJSON holds
the values as they are.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from logs.ocsf import ocsf_lines

COLUMNS: Final = (
    *("key", "occurred_at", "received_at", "source_id", "log_type", "class_uid", "activity_id", "status_id"),
    *("status_code", "status_detail", "severity_id", "actor_name", "actor_uid", "actor_type", "account_id"),
    *("identity_id", "target_name", "target_uid", "target_kind", "privileges", "src_ip", "src_port", "src_host"),
    *("src_country", "src_asn", "device_uid", "user_agent", "client", "dst_host", "app", "resource", "database"),
    *("table", "action", "session_uid"),
    *("duration_ms", "bytes_in", "bytes_out", "rows_count", "logon_type_id", "auth_protocol_id", "mfa", "is_remote"),
    *("repeat_count", "ticket_ref", "native_id", "out_of_hours", "clock_quality", "batch_id", "ord"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cells_line(cells: Iterable[object]) -> str:
    """Return one CSV line of cells that no spreadsheet takes for formulas."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([harmless(_text(cell)) for cell in cells])
    return buffer.getvalue()


def csv_lines(events: Iterable[Any], _log: str) -> Iterator[str]:
    """Give the header and one CSV line for each event."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    yield _taken(buffer)
    for event in events:
        writer.writerow([harmless(_text(getattr(event, name))) for name in COLUMNS])
        yield _taken(buffer)


def ndjson_lines(events: Iterable[Any], _log: str) -> Iterator[str]:
    """Give one JSON line for each event; times are RFC 3339 in UTC."""
    for event in events:
        yield msgspec.json.encode({name: getattr(event, name) for name in COLUMNS}).decode() + "\n"


class Form(NamedTuple):
    """A form of an export; ``lines`` takes the events and the UUID of the tenant's log."""

    lines: Callable[[Iterable[Any], str], Iterator[str]]
    media: str
    ending: str
    whole: bool = False
    """Whether it needs the events' sealed bytes."""


FORMS: Final[Mapping[str, Form]] = {
    "csv": Form(csv_lines, "text/csv", "csv"),
    "ndjson": Form(ndjson_lines, "application/x-ndjson", "ndjson"),
    "ocsf": Form(ocsf_lines, "application/x-ndjson", "ocsf.ndjson", whole=True),
}


def harmless(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value) if isinstance(value, UUID | int | str | bool) else repr(value)
