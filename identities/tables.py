"""Reads an uploaded table, CSV or Excel, into checked cells. Pure."""

from collections.abc import Collection

from identities.csvtable import check_table, csv_lines
from identities.kinds import CsvTable
from identities.sheets import Line, is_sheet, sheet_lines


def read_table(
    body: bytes, *, required: Collection[str], known: Collection[str], others: bool = False, sheet: str = ""
) -> CsvTable:
    """Returns the cells of a table with a header line; see `csvtable.check_table` for what is refused.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    return check_table(table_lines(body, sheet), required=required, known=known, others=others)


def table_lines(body: bytes, sheet: str = "", most: int | None = None) -> list[Line]:
    """Returns the lines of a table as they are, with their numbers; those of a workbook have the header's length.

    Raises:
        BadFile: with one sentence where the file cannot be read.
    """
    if not is_sheet(body):
        return csv_lines(body)[:most]
    lines = sheet_lines(body, sheet, most)
    width = len(lines[0][1]) if lines else 0
    return [(number, cells + [""] * (width - len(cells))) for number, cells in lines]
