r"""Writes tables as CSV that cannot run: one record a line, formula cells neutralised, control characters spelled out.

A file has a header line and lines that end in LF, UTF-8. Line n is row n of the table (line 0 are the column
names), so that a changed byte can be named by its row.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evidence.kept import Kept, keep
from evidence.kinds import Cell, Table

ROWS_AT_HAND: Final = 2_000
"""Rows of a long table that are held while a pack is made; no report prints more of one."""
_FORMULA: Final = ("=", "+", "-", "@")
_READERS: Final[dict[type, Callable[[str], Cell]]] = {
    bool: "true".__eq__,
    int: int,
    float: float,
    datetime: datetime.fromisoformat,
    str: str,
}
"""How a cell of a CSV file becomes a value again (the program that writes Parquet has the same, with its own types)."""


def csv_bytes(table: Table) -> bytes:
    """Return the CSV file of a table that is not long; the same table gives the same bytes."""
    return table.kept.whole if table.kept else b"".join(_lines(table.columns, table.rows))


def csv_file(table: Table) -> Kept:
    """Return the CSV file of any table."""
    return table.kept or keep(_lines(table.columns, table.rows))


def long_table(
    name: str,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    path: Path,
    ahead: Callable[[Sequence[Cell]], bool] = lambda _row: False,
) -> Table:
    """Build a table whose rows are written to the disk as they come; only the first ones are held.

    Of more rows than are held, those that go `ahead` come first, each part in the table's order.
    """
    first: list[tuple[Cell, ...]] = []
    later: list[tuple[Cell, ...]] = []
    types: tuple[set[type], ...] = tuple(set() for _ in columns)
    count = 0

    def seen() -> Iterator[Sequence[Cell]]:
        nonlocal count
        for row in rows:
            if len(row) != len(columns):
                raise ValueError(f"A row of the table {name!r} has {len(row)} cells for {len(columns)} columns.")
            count += 1
            for cell, found in zip(row, types, strict=True):
                found.add(type(cell))
            if count <= ROWS_AT_HAND:
                first.append(tuple(row))
            elif len(later) < ROWS_AT_HAND and ahead(row):
                later.append(tuple(row))
            yield row

    kept = keep(_lines(columns, seen()), path)
    if later:
        first = sorted([*first, *later], key=lambda row: not ahead(row))[:ROWS_AT_HAND]
    return Table(name, title, tuple(columns), tuple(first), count, kept, tuple(map(frozenset, types)))


def types_of(table: Table) -> tuple[type, ...]:
    """Return the one type that holds all cells of each column; text where they are mixed, or all empty."""
    found = table.types or tuple(frozenset(map(type, column)) for column in zip(*table.rows, strict=True))
    return tuple(_type(types) for types in found or [frozenset[type]()] * len(table.columns))


def _type(found: frozenset[type]) -> type:
    """Return the type that holds values of all the found ones."""
    # A text that can be told in other languages (`evidence.languages.Said`) is a text.
    types = {str if issubclass(kind, str) else kind for kind in found - {type(None)}}
    if types == {int, float}:
        return float
    return next(iter(types)) if len(types) == 1 else str


def spelled(table: Table) -> Iterator[list[str]]:
    """Yield all rows of a table as the CSV file spells their cells, without the column names."""
    lines = csv.reader(csv_file(table).text())
    next(lines)
    return lines


def cells(table: Table) -> Iterator[tuple[Cell, ...]]:
    """Yield all rows of a table, those of a long one from its file: there nothing is None, and text is as spelled."""
    if table.kept is None:
        yield from table.rows
        return
    readers = [_READERS[kind] for kind in types_of(table)]
    for row in spelled(table):
        yield tuple(read(text) if text else None for read, text in zip(readers, row, strict=True))


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield the lines of a CSV file."""
    yield (",".join(_quote(name) for name in columns) + "\n").encode()
    for row in rows:
        yield (",".join(_quote(cell_text(cell)) for cell in row) + "\n").encode()


def cell_text(cell: Cell) -> str:
    r"""Spell a cell: RFC 3339 UTC times with six digits, `true` and `false`, nothing for None; text made harmless.

    A text that starts like a spreadsheet formula gets a leading apostrophe (ASVS 1.2.10), numbers do not; a control,
    format or line character becomes its `\\uXXXX` spelling.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return f"{cell:.6f}".rstrip("0").rstrip(".")
    text = cell
    if not cell.isprintable():
        text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def control_total(table: Table) -> str:
    """Return the SHA-256 over the table's CSV, as the information sheet prints it."""
    return table.kept.sha256 if table.kept else hashlib.sha256(csv_bytes(table)).hexdigest()


def line_digests(data: bytes) -> list[str]:
    """Return 12 hex digits a line, by which the verifier names the row that changed."""
    return [hashlib.sha256(line).hexdigest()[:12] for line in data.split(b"\n")]


def from_rows(name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    """Build a table and check that every row has a cell for each column."""
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"A row of the table {name!r} has {len(row)} cells for {len(columns)} columns.")
    return Table(name, title, tuple(columns), tuple(tuple(row) for row in rows))


def _quote(text: str) -> str:
    """Quote a cell where RFC 4180 asks for it."""
    if any(char in text for char in ',"') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
