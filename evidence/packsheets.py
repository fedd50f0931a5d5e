"""Gives every table of a pack its information sheet: measured, recorded, or made from the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evidence.actions import Computed
from evidence.catalogue import load
from evidence.ipe import derived_sheet, record_sheet, rows_of, sheet
from evidence.kinds import Table
from evidence.languages import said
from evidence.records import Records
from evidence.tables import from_rows

DERIVED: Final = {
    "deviations": ("controls", said("The rows that did not pass, with what was found.")),
    "sample": ("decisions", said("Drawn from all decisions of the period; the seed is the root of the checkpoint.")),
    "decisions_by_week": ("decisions", said("Decisions counted by week and outcome.")),
    "times_to_acknowledge": ("alerts", said("Alerts counted by the time until somebody looked at them.")),
}
"""Tables that are made from another one of the same pack, and how."""
CONTROLS: Final = said("The state of each row of the catalogue, by its criterion over the metrics of its kinds.")


def sheets_of(computed: Computed, records: Records, tables: Mapping[str, Table]) -> Table:
    """Return the information sheets as rows of one table; `tables` are the recorded and the derived ones."""
    told, kinds = computed.provenance, load().kinds
    found = {name: sheet(item, kinds[name], told) for name, item in computed.evidence.items()}
    found |= {table.name: record_sheet(table, records.queries.get(table.name, ""), told) for table in records.tables}
    for name in DERIVED.keys() & tables.keys():
        source, how = DERIVED[name]
        found[name] = derived_sheet(tables[name], (source,), how, told)
    if "controls" in tables:
        found["controls"] = derived_sheet(tables["controls"], sorted(computed.evidence), CONTROLS, told)
    return from_rows("information_sheets", said("Information sheets"), ("table", "label", "value"), rows_of(found))
