"""Reads the cells of an Excel workbook (XLSX), and refuses what a list never is: formulas, macros, bombs. Pure.

A workbook is a zip file of XML. Its size once unpacked is checked before anything is read; cells are read as they are
stored, one row after the other, whatever size the sheet claims to have.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from importlib import import_module
from itertools import islice
from typing import Any, Final

from identities.csvtable import MAX_BYTES, MAX_LINES, BadFile

MOST_PARTS: Final = 1_000
MOST_UNPACKED: Final = 200_000_000
MOST_TIMES: Final = 100
"""Lists unpack to some 10 to 30 times their size; zip bombs to 1,000 times and more."""

MOST_COLUMNS: Final = 200
OLD: Final = b"\xd0\xcf\x11\xe0"
UNREADABLE: Final = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, TypeError),
    *(AttributeError, IndexError, SyntaxError, NotImplementedError, RuntimeError, OverflowError, AssertionError),
)
"""What openpyxl and the parser of XML raise for a damaged workbook (its ParseError is a SyntaxError)."""

Line = tuple[int, list[str]]


def is_sheet(body: bytes) -> bool:
    """Returns whether a file is a workbook: zip, or the container of old and encrypted ones."""
    return body.startswith((b"PK\x03\x04", OLD))


def sheet_lines(body: bytes, sheet: str = "", most: int | None = None) -> list[Line]:
    """Returns the rows of a sheet that hold anything, as text, with their numbers.

    Args:
        body: the workbook.
        sheet: name of the sheet; empty for the only visible one.
        most: how many rows are wanted; the rest is not looked at.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    _check_container(body)
    openpyxl = import_module("openpyxl")  # a quarter of a second of the start of every program that never reads one
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, keep_links=False, data_only=False)
        return list(islice(_rows(_sheet(book, sheet)), most))
    except BadFile:
        raise
    except (*UNREADABLE, openpyxl.utils.exceptions.InvalidFileException) as error:
        raise BadFile("The file is no readable Excel workbook. Save it again as .xlsx, or as CSV in UTF-8.") from error


def _check_container(body: bytes) -> None:
    """Refuses a workbook by what its container says, before any of it is unpacked."""
    if body.startswith(OLD):
        raise BadFile("The workbook is encrypted, or an old .xls. Save it as .xlsx without a password.")
    if len(body) > MAX_BYTES:
        raise BadFile(f"The file has {len(body):,} bytes; at most {MAX_BYTES:,} are read. Split it by system.")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            _check_parts(packed, len(body))
    except BadFile:
        raise
    except UNREADABLE as error:
        raise BadFile("The file is no readable Excel workbook. Save it again as .xlsx, or as CSV in UTF-8.") from error


def _check_parts(packed: zipfile.ZipFile, size: int) -> None:
    """Refuses a workbook by the sizes and names of its parts."""
    parts = packed.infolist()
    unpacked = sum(part.file_size for part in parts)
    most = min(MOST_UNPACKED, max(MOST_TIMES * size, 1_000_000))
    if len(parts) > MOST_PARTS or unpacked > most:
        raise BadFile(
            f"The workbook unpacks to {unpacked:,} bytes in {len(parts):,} parts; at most {most:,} in {MOST_PARTS:,} "
            "are read. Save the list alone as CSV in UTF-8."
        )
    if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
        raise BadFile("The workbook holds macros. Save it as .xlsx without macros.")
    for part in parts:
        if part.filename.lower().endswith((".xml", ".rels")):
            _check_part(packed, part)


def _check_part(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuses XML that declares entities: they can unfold to any size, and Excel writes none."""
    with packed.open(part) as stream:
        head = stream.read(4_096).replace(b"\0", b"")
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise BadFile("The workbook declares entities, as Excel never does. Save it again with Excel or LibreOffice.")


def _sheet(book: Any, name: str) -> Any:
    """Returns the sheet that is meant."""
    visible = [one for one in book.worksheets if one.sheet_state == "visible"]
    names = ", ".join(f"'{one.title}'" for one in visible)
    if name:
        for one in visible:
            if one.title == name:
                return one
        raise BadFile(f"The workbook has no sheet '{name}'. It has {names or 'none that is visible'}.")
    if len(visible) != 1:
        raise BadFile(f"The workbook has the sheets {names or 'hidden'}. Keep the one with the list, or name it.")
    return visible[0]


def _rows(sheet: Any) -> Iterator[Line]:
    """Yields the rows with anything in them; what the sheet says about its own size is not believed."""
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if number > MAX_LINES + 1:
            raise BadFile(f"The sheet has more than {MAX_LINES:,} rows, which is not read. Split it by system.")
        cells = [_text(number, cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise BadFile(f"Row {number} has more than {MOST_COLUMNS} columns. Keep the columns of the list.", number)
        if any(cells):
            yield number, cells


def _text(number: int, cell: Any) -> str:
    """Returns a cell as text: dates by ISO 8601, yes and no as words, whole numbers without a point."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise BadFile(f"Row {number} holds a formula. Paste the values in its place and upload the file again.", number)
    if cell.data_type == "e":
        raise BadFile(f"Row {number} holds the error {value}. Correct it and upload the file again.", number)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
