"""Prints the information sheet of every measured table, as the run stored it."""

from collections.abc import Mapping

from evidence.ipe import NO_LOGS
from evidence.report import Block, Heading, Pairs, Prose, Section
from evidence.sections.source import Source

SHARED = ("Run at", "Run by", "Ledger entries of the period")
"""What one run gives all its sheets: said once, and in a sheet of its own only where it differs."""
ROWS, TOTAL, QUERY, GAPS = "Rows", "Control total, SHA-256", "Query, SHA-256", "Gaps"
FILE = "Rows, SHA-256 of the file"
MONO = frozenset({QUERY, FILE})


def sheets(source: Source) -> Section:
    """Return the sheets of the tables that the report rests on.

    Parameters, filters and limits in full stand in tables/information_sheets.csv alone.
    """
    told: dict[str, dict[str, str]] = {}
    for row in source.records["information_sheets"].rows:
        if str(row[0]) in source.kept:
            told.setdefault(str(row[0]), {})[str(row[1])] = str(row[2])
    first = next(iter(told.values()), {})
    shared = {
        name: first[name] for name in SHARED if all(sheet.get(name) == first.get(name) for sheet in told.values())
    }
    intro = Prose(
        (
            "How each measured table came about: taken from the query itself when it ran. The file "
            "tables/information_sheets.csv holds every sheet in full, with parameters, filters and limits. A sheet "
            "without gaps is that of a table that rests on no log type.",
        )
    )
    blocks: list[Block] = [intro, Pairs(tuple((f"{name}, all sheets", value) for name, value in shared.items()))]
    for name, sheet in told.items():
        blocks += [Heading(source.catalogue.kinds[name].title), Pairs(_printed(sheet, shared), MONO, small=True)]
    return Section("sheets", "Information sheets", tuple(blocks))


def _printed(sheet: Mapping[str, str], shared: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the lines of one sheet."""
    lines = [("Source", sheet["Source"]), (QUERY, sheet[QUERY])]
    lines += [(name, sheet[name]) for name in SHARED if name not in shared]
    lines += [(FILE, f"{sheet[ROWS]}, {sheet[TOTAL]}"), ("Reconciliation", sheet["Reconciliation"])]
    return tuple(lines + [(GAPS, sheet[GAPS])] * (sheet[GAPS] != NO_LOGS))
