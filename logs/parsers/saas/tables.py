"""CSV exports of cloud services: a header that names the columns, then rows (RFC 4180)."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from logs.kinds import MAX_LINE_BYTES, Ignored, ParseError, Quarantined
from logs.parsers.csv_mapped import cells, joined_lines
from logs.parsers.framing import TOO_LONG, Record
from logs.parsers.saas.values import Row


class TableRow(NamedTuple):
    """A row of a table: the record it is, and its members by column name."""

    record: Record
    row: Row


def is_table(body: Iterable[bytes], marks: tuple[bytes, ...]) -> tuple[bool, Iterable[bytes]]:
    """Tell whether a body begins with a line of column names, among them one of `marks`, and give it all again."""
    items, seen = iter(body), list[bytes]()
    for item in items:
        seen.append(item)
        start = item.removeprefix(BOM_UTF8).lstrip()
        if start:
            return names_columns(start, marks), chain(seen, items)
    return False, seen


def names_columns(start: bytes, marks: tuple[bytes, ...]) -> bool:
    """Tell whether the beginning of a body is a line of column names, among them one of `marks`."""
    first = start.split(b"\n", 1)[0]
    return first[:1] not in b"{[" and any(mark in first for mark in marks)


def table_rows(body: Iterable[bytes]) -> Iterator[TableRow | Quarantined | Ignored]:
    """Give each row as the record it is and its members by column name; the header is ignored, wherever it stands."""
    header: list[str] = []
    for position, raw in enumerate(joined_lines(body)):
        if len(raw) > MAX_LINE_BYTES:
            yield Quarantined(raw, TOO_LONG, position)
            continue
        try:
            values = cells(raw, ",")
        except ParseError as error:
            yield Quarantined(raw, error.reason, position)
            continue
        if not header or values == header:
            header = header or [value.strip().removeprefix("\ufeff") for value in values]
            yield Ignored(raw, "column names", position)
        elif len(values) != len(header):
            yield Quarantined(raw, f"The line has {len(values)} fields, the header has {len(header)}.", position)
        else:
            yield TableRow(Record(raw, position), dict(zip(header, values, strict=True)))
