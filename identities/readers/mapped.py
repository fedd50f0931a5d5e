"""A saved mapping of a system's own export: which of its columns is what in a list of grants. Pure.

A mapping is a plain JSON object, so that a form can edit it and a snapshot can keep it:

- `columns`: field of a grant (`grantlist.COLUMNS`) -> name of the column, in lower case.
- `separator`: what stands between several entitlements in one cell; empty where a line is one grant.
- `sheet`: name of the sheet of a workbook; empty where there is one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from identities.csvtable import BadFile, check_table
from identities.grantlist import COLUMNS, REQUIRED, rows_of
from identities.kinds import CsvTable
from identities.readers.population import ACCOUNT, Population
from identities.tables import table_lines

SEPARATORS: Final = ("", ";", ",", "|", "/", "\n")
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Mapped:
    """Holds a mapping in its checked form."""

    columns: Mapping[str, str]
    separator: str = ""
    sheet: str = ""


def mapped_of(
    mapping: Mapping[str, Any], *, required: Collection[str] = REQUIRED, known: Collection[str] = COLUMNS
) -> Mapped:
    """Returns a mapping in its checked form; its fields are those of a grant unless others are named.

    Raises:
        BadFile: where it leaves a required field out, or takes one column for two things.
    """
    columns = {str(field): str(name).strip().lower() for field, name in dict(mapping.get("columns") or {}).items()}
    for field in required:
        if not columns.get(field):
            raise BadFile(f"The mapping names no column for the {field}. Choose one.")
    unknown = [field for field in columns if field not in known]
    if unknown:
        raise BadFile(f"The mapping has '{unknown[0]}', which is no field of such a list.")
    taken = list(columns.values())
    if twice := sorted({name for name in taken if taken.count(name) > 1}):
        raise BadFile(f"The mapping takes the column '{twice[0]}' for two things. Choose it once.")
    separator = str(mapping.get("separator") or "")
    if separator not in SEPARATORS:
        raise BadFile("Several entitlements in a cell are separated by ; , | / or a new line.")
    return Mapped(columns, separator, str(mapping.get("sheet") or "")[:100])


def read_mapped(body: bytes, mapping: Mapping[str, Any]) -> Population:
    """Returns the grants of a table in a system's own columns; the records are its lines.

    Raises:
        BadFile: with one sentence for the first thing that is wrong; a column that was renamed is told by its name.
    """
    mapped = mapped_of(mapping)
    table = check_mapped(body, mapped)
    rows = rows_of((number, cells) for number, line in table.lines for cells in _grants(line, mapped))
    return Population(tuple(rows), len(table.lines))


def check_mapped(body: bytes, mapped: Mapped) -> CsvTable:
    """Returns the cells that a mapping takes of a table."""
    lines = table_lines(body, mapped.sheet)
    header = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    for field, column in mapped.columns.items():
        if column not in header:
            near = get_close_matches(column, [name for name in header if name not in mapped.columns.values()], 1, 0.5)
            hint = f"It may be called '{near[0]}' now. " if near else ""
            raise BadFile(
                f"The file has no column '{column}', which the mapping takes for '{field}'. {hint}"
                "Change the mapping, or export the list as before.",
                1,
            )
    names = tuple(mapped.columns.values())
    return check_table(lines, required=names, known=names, others=True)


def _grants(line: Mapping[str, str], mapped: Mapped) -> list[dict[str, str]]:
    """Returns the grants of one line: one, or one for each entitlement in its cell."""
    cells = {field: line[column] for field, column in mapped.columns.items()}
    if not mapped.separator:
        return [cells]
    parts = [part.strip() for part in cells["entitlement"].split(mapped.separator)]
    return [{**cells, "entitlement": part} for part in dict.fromkeys(filter(None, parts))] or [
        {**cells, "entitlement": ACCOUNT}
    ]
