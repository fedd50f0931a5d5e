"""Reads the list of people (the HR feed) from CSV or Excel. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

from identities.csvtable import BadFile
from identities.kinds import IdentityKind, PersonRow
from identities.readers.mapped import check_mapped, mapped_of
from identities.tables import read_table
from tenants.zones import known_zones

REQUIRED = ("external_id", "name")
COLUMNS = (
    *REQUIRED,
    "email",
    "kind",
    "manager",
    "site",
    "programme",
    "shift_start",
    "shift_end",
    "time_zone",
    "employed_from",
    "employed_until",
    "department",
)


def read_people(body: bytes, mapping: Mapping[str, Any] | None = None) -> list[PersonRow]:
    """Returns the people of a table in file order; with a mapping its columns are those of the system of record.

    Raises:
        BadFile: with one sentence for the first thing that is wrong, such as a doubled id or a person who manages
        themselves.
    """
    rows = [_row(number, cells) for number, cells in _lines(body, mapping)]
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row.external_id, row.line)
        if first != row.line:
            raise BadFile(f"Lines {first} and {row.line} both describe '{row.external_id}'.", row.line)
    return rows


def _lines(body: bytes, mapping: Mapping[str, Any] | None) -> Iterable[tuple[int, Mapping[str, str]]]:
    """Returns the lines of a table with their cells by our names of columns."""
    if not mapping:
        return read_table(body, required=REQUIRED, known=COLUMNS).lines
    mapped = mapped_of(mapping, required=REQUIRED, known=COLUMNS)
    lines = check_mapped(body, mapped).lines
    return [(number, {field: line[column] for field, column in mapped.columns.items()}) for number, line in lines]


def _row(line: int, cells: Mapping[str, str]) -> PersonRow:
    """Returns one line as a person."""
    for column in REQUIRED:
        if not cells[column]:
            raise BadFile(f"Line {line}, column '{column}' is empty.", line)
    row = PersonRow(
        line=line,
        external_id=_short(line, "external_id", cells, 100),
        name=_short(line, "name", cells, 200),
        email=_short(line, "email", cells, 254),
        kind=_kind(line, cells.get("kind", "")),
        manager=cells.get("manager", ""),
        site=_short(line, "site", cells, 100),
        programme=_short(line, "programme", cells, 100),
        shift_start=_time(line, "shift_start", cells),
        shift_end=_time(line, "shift_end", cells),
        time_zone=_zone(line, cells),
        employed_from=_date(line, "employed_from", cells),
        employed_until=_date(line, "employed_until", cells),
        department=_short(line, "department", cells, 100),
    )
    _consistent(row)
    return row


def _consistent(row: PersonRow) -> None:
    """Refuses a line whose cells contradict each other."""
    if row.manager == row.external_id:
        raise BadFile(f"Line {row.line} says that '{row.external_id}' manages themselves.", row.line)
    if (row.shift_start is None) != (row.shift_end is None):
        raise BadFile(f"Line {row.line} gives only one end of the shift; give both or none.", row.line)
    if row.employed_from and row.employed_until and row.employed_until < row.employed_from:
        raise BadFile(f"Line {row.line} says that '{row.external_id}' left before joining.", row.line)
    if row.kind == IdentityKind.CONTRACTOR and row.employed_until is None:
        raise BadFile(f"Line {row.line} is a contractor without 'employed_until'. Give its end.", row.line)


def _short(line: int, column: str, cells: Mapping[str, str], limit: int) -> str:
    """Returns a cell of at most so many characters."""
    text = cells.get(column, "")
    if len(text) > limit:
        raise BadFile(f"Line {line}, column '{column}' has more than {limit} characters.", line)
    return text


def _kind(line: int, text: str) -> IdentityKind:
    """Returns the kind of identity a cell names; empty means a person."""
    if not text:
        return IdentityKind.HUMAN
    try:
        return IdentityKind(text.lower())
    except ValueError as error:
        raise BadFile(
            f"Line {line}, column 'kind' is '{text}'; known are {', '.join(IdentityKind.values)}.", line
        ) from error


def _time(line: int, column: str, cells: Mapping[str, str]) -> time | None:
    """Returns a local time of a cell, such as 22:00."""
    text = cells.get(column, "")
    try:
        return time.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadFile(f"Line {line}, column '{column}' is '{text}'; write a time such as 22:00.", line) from error


def _zone(line: int, cells: Mapping[str, str]) -> str:
    """Returns the IANA name of the zone that the shift is written in; empty means the tenant's."""
    text = cells.get("time_zone", "")
    if text and text not in known_zones():
        raise BadFile(f"Line {line}, column 'time_zone' is '{text}'; write an IANA name such as Asia/Manila.", line)
    return text


def _date(line: int, column: str, cells: Mapping[str, str]) -> date | None:
    """Returns a date of a cell, such as 2026-03-31."""
    text = cells.get(column, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadFile(f"Line {line}, column '{column}' is '{text}'; write a date such as 2026-03-31.", line) from error
