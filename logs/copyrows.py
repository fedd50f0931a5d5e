"""Events as rows of PostgreSQL's binary COPY (its manual, "COPY", "Binary Format"), made column by column.

Three quarters of a row are bytes that are sealed: in binary they are taken as they are, where text is looked through
three times. Reading a row costs the database 3.8 us so, as text 6.9 (bench/RESULTS.md); making it costs the same.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from operator import add
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, Final, NamedTuple

from django.db import DataError

from logs.kinds import Draft

STAGE_COLUMNS: Final = (
    ("ord", "integer"),
    ("position", "integer"),
    ("account_id", "bigint"),
    ("identity_id", "bigint"),
    ("occurred_at", "timestamptz"),
    ("clock_quality", "smallint"),
    ("log_type", "smallint"),
    ("class_uid", "integer"),
    ("activity_id", "smallint"),
    ("status_id", "smallint"),
    ("severity_id", "smallint"),
    ("src_ip", "inet"),
    ("src_port", "integer"),
    ("duration_ms", "bigint"),
    ("bytes_in", "bigint"),
    ("bytes_out", "bigint"),
    ("rows_count", "bigint"),
    ("logon_type_id", "smallint"),
    ("auth_protocol_id", "smallint"),
    ("mfa", "boolean"),
    ("is_remote", "boolean"),
    ("repeat_count", "integer"),
    ("out_of_hours", "boolean"),
    ("src_asn", "bigint"),
    ("status_code", "text"),
    ("status_detail", "text"),
    ("actor_key", "text"),
    ("actor_uid", "text"),
    ("actor_name", "text"),
    ("actor_type", "text"),
    ("target_uid", "text"),
    ("target_name", "text"),
    ("target_kind", "text"),
    ("src_host", "text"),
    ("src_country", "text"),
    ("device_uid", "text"),
    ("user_agent", "text"),
    ("client", "text"),
    ("dst_host", "text"),
    ("app", "text"),
    ("resource", "text"),
    ("database", "text"),
    ("table_name", "text"),
    ("action", "text"),
    ("session_uid", "text"),
    ("ticket_ref", "text"),
    ("native_id", "text"),
    ("privileges", "text[]"),
    ("extra", "jsonb"),
    ("core", "bytea"),
    ("subj", "bytea"),
    ("raw", "bytea"),
    ("salts", "bytea"),
)
DEFAULTS: Final = {"text": "''", "text[]": "'{}'", "jsonb": "'{}'"}
"""What the stage takes where a row says nothing, by kind of column; numbers, flags, times and addresses are NULL."""

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_BOOLEAN: Final = {True: b"\0\0\0\1\1", False: b"\0\0\0\1\0", None: _NULL}
_INTEGERS: Final = {"smallint": struct.Struct(">ih"), "integer": struct.Struct(">ii"), "bigint": struct.Struct(">iq")}
_LENGTH: Final = struct.Struct(">i").pack
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FOUR, _SIX = struct.pack(">iBBBB", 8, 2, 32, 0, 4), struct.pack(">iBBBB", 20, 3, 128, 0, 16)
"""What stands before an address: length, family, bits of the mask, that it is no network, bytes."""
_TEXT_OID: Final = 25
_NO_TEXTS: Final = struct.pack(">3i", 0, 0, _TEXT_OID)

BIGINT_LIMIT: Final = 2**53
INTEGER_LIMIT: Final = 2**31
SMALLINT_LIMIT: Final = 2**15

Columns = dict[str, Sequence[Any]]
"""Values of many events by the name of their column, in one order."""


class Who(NamedTuple):
    """Whom the register knows the actor as, at intake."""

    key: str
    account_id: int | None = None
    identity_id: int | None = None


class Rows(list[bytes]):
    """Rows of COPY and the names of their columns; the others say nothing in any of the rows.

    ``alike`` are the first fields, which all rows share; each row holds the fields after them.
    """

    def __init__(self, columns: Sequence[str], alike: bytes, rows: Iterable[bytes]) -> None:
        super().__init__(rows)
        self.columns = tuple(columns)
        self.alike = alike

    def copied(self, start: int, end: int) -> bytes:
        """Return some of the rows as COPY reads them."""
        begin = struct.pack(">h", len(self.columns)) + self.alike
        return b"".join([begin, begin.join(self[start:end])])

    def for_receiver(self, receiver: int) -> "Rows":
        """Return the rows with the number of their receiver as their first column."""
        return Rows(("receiver", *self.columns), _INTEGERS["integer"].pack(4, receiver) + self.alike, self)


def copy_rows_of(columns: Columns) -> Rows:
    """Return the COPY rows of events, given column by column by the names of `STAGE_COLUMNS`.

    Column by column costs half of row by row: what looks at a value or leaves the column out is asked once for all. Of
    50 columns a record fills 15 to 25; what no row of a chunk fills is neither written nor read, and what all rows say
    alike is written once.
    """
    alike: dict[str, bytes] = {}
    varying: dict[str, Sequence[bytes]] = {}
    for name, kind in STAGE_COLUMNS:
        column = columns[name]
        if name != "ord" and column.count(column[0]) == len(column):
            if _says_something(kind, column[0]):
                alike[name] = _fields(kind, column[:1])[0]
        else:
            varying[name] = _fields(kind, column)
    return Rows((*alike, *varying), b"".join(alike.values()), map(b"".join, zip(*varying.values(), strict=True)))


def _says_something(kind: str, value: object) -> bool:
    return bool(value) if kind in DEFAULTS else value is not None


def _fields(kind: str, column: Sequence[Any]) -> Sequence[bytes]:
    """Return the values of a column, each with its length before it.

    Raises:
        DataError: one does not fit its type, which the database would say of its text.
    """
    if kind in _INTEGERS:
        form = _INTEGERS[kind]
        try:
            if None not in column:
                return list(map(form.pack, repeat(form.size - 4), column))
            return [_NULL if value is None else form.pack(form.size - 4, value) for value in column]
        except struct.error as error:
            raise DataError(f"a number is out of range for {kind}") from error
    if kind == "timestamptz":
        form = _INTEGERS["bigint"]
        return [form.pack(8, (moment - _EPOCH) // _MICROSECOND) for moment in column]
    if kind == "boolean":
        return [_BOOLEAN[value] for value in column]
    if kind == "inet":
        return [_address(value) for value in column]
    values = _bytes_of(kind, column)
    return list(map(add, map(_LENGTH, map(len, values)), values))  # in C: half of a list comprehension


def _bytes_of(kind: str, column: Sequence[Any]) -> Sequence[bytes]:
    if kind == "text":
        return list(map(str.encode, column))
    if kind == "jsonb":
        return [b"\1" + (text or "{}").encode() for text in column]
    return [_array(texts) for texts in column] if kind == "text[]" else column


def _array(texts: tuple[str, ...]) -> bytes:
    """Return a text array: dimensions, type of the items, how many, the number of the first, the items."""
    if not texts:
        return _NO_TEXTS
    items = [text.encode() for text in texts]
    return struct.pack(">5i", 1, 0, _TEXT_OID, len(items), 1) + b"".join(_LENGTH(len(item)) + item for item in items)


def _address(address: str | None) -> bytes:
    """Return an address as `inet` is sent.

    Raises:
        DataError: it is none, which the database would say of its text.
    """
    if address is None:
        return _NULL
    try:
        return _SIX + inet_pton(AF_INET6, address) if ":" in address else _FOUR + inet_pton(AF_INET, address)
    except (OSError, ValueError) as error:
        raise DataError(f"{address[:80]!r} is no address") from error


def misfit(draft: Draft) -> str:
    """Return the sentence that says which number of the event no column holds, "" when all fit."""
    for number in (draft.duration_ms, draft.bytes_in, draft.bytes_out, draft.rows_count):
        if number is not None and not -BIGINT_LIMIT < number < BIGINT_LIMIT:
            return "A duration, size or row count is larger than 2^53."
    port = draft.src_port
    if not (port is None or 0 <= port < INTEGER_LIMIT) or not 1 <= draft.repeat_count < INTEGER_LIMIT:
        return "The port or the repeat count is out of range."
    for number in (draft.activity_id, draft.severity_id, draft.status_id, draft.logon_type_id, draft.auth_protocol_id):
        if number is not None and not -SMALLINT_LIMIT <= number < SMALLINT_LIMIT:
            return "An OCSF number is out of range."
    return ""
