"""Prints the information sheet of every measured table, as the run stored it."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from evidence.ipe import NO_LOGS
from evidence.languages import told
from evidence.report import Block, Heading, Pairs, Prose, Section
from evidence.sections.source import Source

SHARED = ("Run at", "Run by", "Program", "Ledger entries of the period")
"""What one run gives all its sheets: said once, and in a sheet of its own only where it differs."""
SOURCE, ROWS, TOTAL, QUERY, GAPS = "Source", "Rows", "Control total, SHA-256", "Query, SHA-256", "Gaps"
RECONCILED = noop("Reconciliation")
FILE = noop("Rows, SHA-256 of the file")
MONO = frozenset({QUERY, FILE})


def sheets(source: Source) -> Section:
    """Return the sheets of the tables that the report rests on.

    Parameters, filters and limits in full stand in tables/information_sheets.csv alone.
    """
    found: dict[str, dict[str, str]] = {}
    for row in source.records["information_sheets"].rows:
        if str(row[0]) in source.kept:
            found.setdefault(str(row[0]), {})[str(row[1])] = row[2] if isinstance(row[2], str) else str(row[2])
    first = next(iter(found.values()), {})
    shared = {
        name: first[name] for name in SHARED if all(sheet.get(name) == first.get(name) for sheet in found.values())
    }
    intro = Prose(
        (
            _(
                "How each measured table came about: taken from the query itself when it ran. The file "
                "tables/information_sheets.csv holds every sheet in full, with parameters, filters and limits. A sheet "
                "without gaps is that of a table that rests on no log type."
            ),
        )
    )
    blocks: list[Block] = [intro, Pairs(tuple((_for_all(name), told(value)) for name, value in shared.items()))]
    mono = frozenset(map(_, MONO))
    for name, sheet in found.items():
        blocks += [Heading(_(source.catalogue.kinds[name].title)), Pairs(_printed(sheet, shared), mono, small=True)]
    return Section("sheets", _("Information sheets"), tuple(blocks))


def _for_all(name: str) -> str:
    """Name what all sheets share."""
    return _("{name}, all sheets").format(name=_(name))


def _printed(sheet: Mapping[str, str], shared: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the lines of one sheet."""
    names = [SOURCE, QUERY, *(name for name in SHARED if name not in shared)]  # messages of evidence.ipe
    lines = [(_(name), told(sheet[name])) for name in names]
    lines += [(_(FILE), f"{told(sheet[ROWS])}, {sheet[TOTAL]}"), (_(RECONCILED), told(sheet[RECONCILED]))]
    return tuple(lines + [(_(GAPS), told(sheet[GAPS]))] * (sheet[GAPS] != NO_LOGS))
