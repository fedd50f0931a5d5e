"""Prints the information sheet of every measured table, as the run stored it."""

from evidence.report import Block, Heading, Pairs, Prose, Section
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
            "How each measured table came about: taken from the query itself when it ran. The file "
            "tables/information_sheets.csv holds every sheet in full, with parameters, filters and limits.",
        )
    )
    blocks: list[Block] = [intro]
    for name in dict.fromkeys(str(row[0]) for row in rows):
        pairs = tuple((str(row[1]), str(row[2])) for row in rows if row[0] == name and row[1] in PRINTED)
        if name in source.kept:
            blocks += [Heading(source.catalogue.kinds[name].title), Pairs(pairs, mono=MONO)]
    return Section("sheets", "Information sheets", tuple(blocks))
