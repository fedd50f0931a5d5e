"""CSV with a saved mapping (RFC 4180: quoted fields may hold delimiters, quotes and line ends)."""

import csv
from collections.abc import Iterable, Iterator

from logs.kinds import MAX_LINE_BYTES, Ignored, Outcome, ParseError, Quarantined, SourceSettings
from logs.parsers.facts import Parser
from logs.parsers.framing import TOO_LONG, all_lines
from logs.parsers.mapped import Row, read_all
from logs.parsers.mapping import Plan
from logs.parsers.text import decode

_MAX_RECORD_LINES = 200
"""Lines that one record may span; a quote that never closes would otherwise swallow the rest of the body."""


def joined_lines(body: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines to records: a line with an odd number of quotes goes on in the next."""
    held: list[bytes] = []
    size = 0
    for line in all_lines(body):
        if not held and (not line or line.isspace()):
            continue
        if not held and not line.count(b'"') & 1:
            yield line
            continue
        held.append(line)
        size += len(line)
        if len(held) > 1 and line.count(b'"') & 1:
            yield b"\n".join(held)
            held, size = [], 0
        elif len(held) >= _MAX_RECORD_LINES or size > MAX_LINE_BYTES:
            yield from held
            held, size = [], 0
    yield from held


_MAX_DELIMITERS = 50_000
"""Most delimiters of a line that is cut into fields: a quarter of a megabyte of commas costs 10 ms."""


def cells(raw: bytes, delimiter: str) -> list[str]:
    """Split one record. Raises ParseError with a sentence."""
    if raw.count(delimiter.encode()) > _MAX_DELIMITERS:
        raise ParseError(f"The line has more than {_MAX_DELIMITERS:,} fields.")
    text = decode(raw[:-1] if raw.endswith(b"\r") else raw)
    if '"' not in text:
        return text.split(delimiter)
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ParseError(f"The line is not valid CSV: {error}.") from error
    if len(rows) != 1:
        raise ParseError("The line is not valid CSV: a quoted field does not end.")
    return rows[0]


class _Table:
    """Reads the rows of one body: finds the header, then gives the mapped values of each row."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._delimiter = plan.saved.delimiter
        self._header = list(plan.saved.header)
        self._given = bool(self._header)
        self._wanted = self._indexes() if self._header else ()

    def _indexes(self) -> tuple[int, ...]:
        """Give the places of the mapped columns. Raises ParseError naming those that the header lacks."""
        places = {name: index for index, name in enumerate(self._header)}
        missing = [column for column in self._plan.columns if column not in places]
        if missing:
            raise ParseError(f"The header lacks the columns {', '.join(map(repr, missing[:10]))} of the mapping.")
        return tuple(places[column] for column in self._plan.columns)

    def row(self, raw: bytes, position: int) -> Row | Ignored:
        """Give the values of one record. Raises ParseError for one that is no row, or a header that does not fit."""
        row = cells(raw, self._delimiter)
        names = [cell.strip().removeprefix("\ufeff") for cell in row]
        if not self._header or (position == 0 and self._given and names == self._header):
            self._header = names
            self._wanted = self._indexes()
            return Ignored(raw, "column names", position)
        if len(row) != len(self._header):
            raise ParseError(f"The line has {len(row)} fields, the header has {len(self._header)}.")
        return Row(raw, position, [row[index] for index in self._wanted])


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of CSV; raises ParseError for a mapping or header that cannot be used, before anything is read."""
    plan = Plan(settings)
    yield from read_all(_rows(body, _Table(plan)), plan)


def _rows(body: Iterable[bytes], table: _Table) -> Iterator[Row | Outcome]:
    for position, raw in enumerate(joined_lines(body)):
        if len(raw) > MAX_LINE_BYTES:
            yield Quarantined(raw, TOO_LONG, position)
            continue
        try:
            yield table.row(raw, position)
        except ParseError as error:
            if position == 0 and "header lacks" in error.reason:
                raise
            yield Quarantined(raw, error.reason, position)


PARSER = Parser("csv", "1", "CSV with a saved mapping", parse)
