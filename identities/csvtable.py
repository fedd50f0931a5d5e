"""Reads an uploaded CSV file into cells, and refuses with one sentence what cannot be trusted. Pure.

A file that a person exports from a system passes through spreadsheets: wrong encodings, formula cells (CWE-1236),
lines that are too short and doubled column names all happen. Nothing is repaired by guessing; the sentence says what
to do.
"""

import csv
import io
from collections.abc import Collection, Sequence

from identities.kinds import CsvTable

MAX_BYTES = 50_000_000
MAX_LINES = 500_000
"""A file of the longest size could hold 25 million lines, and every line is held in memory until all are checked."""

MAX_CELL = 4_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class BadFile(ValueError):  # noqa: N818 -- what the sentence is about
    """Says in one sentence why a file was refused; `line` is the line of the file, 0 for the file as a whole."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line


def check_table(
    lines: Sequence[tuple[int, list[str]]],
    *,
    required: Collection[str],
    known: Collection[str],
    others: bool = False,
) -> CsvTable:
    """Returns the cells of a table whose first line names the columns; names are lower-cased and trimmed.

    Args:
        lines: the lines that hold anything, with their numbers.
        required: columns that must be there.
        known: all columns that are understood; another one is refused, because it might mean something.
        others: says that a product writes the file with columns of its own: those not known are left out, unread.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    columns = _columns(lines[0][1] if lines else [], required, None if others else known)
    return CsvTable(columns, tuple((number, _cells(number, cells, columns, known)) for number, cells in lines[1:]))


def csv_lines(body: bytes) -> list[tuple[int, list[str]]]:
    """Returns the lines of a CSV file that hold anything; the first one always.

    The file is UTF-8 with or without byte order mark; comma or semicolon between cells.

    Raises:
        BadFile: where it is no text or no CSV.
    """
    text = read_text(body)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        return [(reader.line_num, cells) for n, cells in enumerate(reader) if not n or any(map(str.strip, cells))]
    except csv.Error as error:
        raise BadFile(
            f"Line {reader.line_num} is not valid CSV ({error}). Export the file again.", reader.line_num
        ) from error


def read_table(body: bytes, *, required: Collection[str], known: Collection[str], others: bool = False) -> CsvTable:
    """Returns the cells of a CSV file with a header line (`check_table`).

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    return check_table(csv_lines(body), required=required, known=known, others=others)


def read_text(body: bytes) -> str:
    """Returns the file as text or refuses it: too big, empty, not UTF-8."""
    if len(body) > MAX_BYTES:
        raise BadFile(f"The file has {len(body):,} bytes; at most {MAX_BYTES:,} are read. Split it by system.")
    if (lines := body.count(b"\n")) > MAX_LINES:
        raise BadFile(f"The file has {lines:,} lines; at most {MAX_LINES:,} are read. Split it by system.")
    if not body.strip():
        raise BadFile("The file is empty. Upload the list as the system exports it.")
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile("The file is encoded as UTF-16. Save it in UTF-8 and upload it again.")
    if b"\x00" in body:
        raise BadFile("The file holds NUL bytes, so it is not a text file. Save it in UTF-8 and upload it again.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise BadFile(
            f"Line {line} is not UTF-8 (byte 0x{body[error.start]:02x}). Save the file in UTF-8 and upload it again.",
            line,
        ) from error


def _delimiter(text: str) -> str:
    """Returns the separator of the header line: a semicolon where it holds one and no comma."""
    header = text.split("\n", 1)[0]
    return ";" if ";" in header and "," not in header else ","


def _columns(cells: list[str], required: Collection[str], known: Collection[str] | None) -> tuple[str, ...]:
    """Returns the checked column names of the header line; with `known` None it may have any others."""
    columns = tuple(cell.strip().lower() for cell in cells)
    missing = [name for name in required if name not in columns]
    if missing:
        raise BadFile(f"The header line lacks {_names(missing)}. It has {_names(columns) or 'no columns'}.", 1)
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise BadFile(f"The header line names {_names(doubled)} more than once.", 1)
    unknown = [] if known is None else [name for name in columns if name not in known]
    if known is not None and unknown:
        raise BadFile(f"The header line has {_names(unknown)}, which is not understood. Known are {_names(known)}.", 1)
    return columns


def _cells(number: int, cells: list[str], columns: tuple[str, ...], known: Collection[str]) -> dict[str, str]:
    """Returns one line as a mapping from known column to trimmed cell."""
    if len(cells) != len(columns):
        raise BadFile(f"Line {number} has {len(cells)} cells, the header line has {len(columns)}.", number)
    used = {column: cell for column, cell in zip(columns, cells, strict=True) if column in known}
    for column, cell in used.items():
        if cell.startswith(FORMULA_STARTS):
            raise BadFile(
                f"Line {number}, column '{column}' begins with '{cell[0]}', as a spreadsheet formula does. "
                "Remove the formula and upload the file again.",
                number,
            )
        if len(cell) > MAX_CELL or any(ord(sign) < 32 and sign not in "\n\t\r" for sign in cell):
            raise BadFile(f"Line {number}, column '{column}' is too long or holds control characters.", number)
    return {column: cell.strip() for column, cell in used.items()}


def _names(names: Collection[str]) -> str:
    """Returns column names as a readable list."""
    return ", ".join(f"'{name}'" for name in names)
