"""Prints the information sheet of every measured table, as the run stored it."""

from django.utils.translation import gettext as _

from evidence.report import Block, Heading, Pairs, Prose, Section, spell_cell
from evidence.sections.source import Source

MONO = frozenset({"Query, SHA-256", "Control total, SHA-256"})
PRINTED = (
    *("Source", "Query, SHA-256", "Run at", "Run by", "Rows", "Control total, SHA-256", "Reconciliation", "Gaps"),
    "Ledger entries of the period",
)
"""What is printed; parameters, filters and limits in full stand in tables/information_sheets.csv."""


def sheets(source: Source) -> Section:
    """Return the sheets of the tables that the report rests on."""
    rows = source.records["information_sheets"].rows
    intro = Prose(
        (
            _(
                "How each measured table came about: taken from the query itself when it ran. The file "
                "tables/information_sheets.csv holds every sheet in full, with parameters, filters and limits."
            ),
        )
    )
    blocks: list[Block] = [intro]
    zone, mono = source.period.zone, frozenset(map(_, MONO))
    for name in dict.fromkeys(str(row[0]) for row in rows):
        mine = [row for row in rows if row[0] == name and row[1] in PRINTED]
        pairs = tuple((spell_cell(row[1], zone), spell_cell(row[2], zone)) for row in mine)
        if name in source.kept:
            blocks += [Heading(_(source.catalogue.kinds[name].title)), Pairs(pairs, mono=mono)]
    return Section("sheets", _("Information sheets"), tuple(blocks))
