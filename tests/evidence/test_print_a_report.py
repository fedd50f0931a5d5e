"""What the printed report says of its own tables, without printing it."""

from dataclasses import replace

from evidence.report import Pairs
from evidence.sections.sheets import sheets
from evidence.tables import from_rows
from tests.evidence.test_read_packs_as_oscal import source

SHEET = {"Source": "logs_sourcehour", "Query, SHA-256": "ab" * 32, "Run at": "now", "Run by": "Axel", "Rows": "7"} | {
    "Control total, SHA-256": "cd" * 32,
    "Reconciliation": "difference 0.",
    "Gaps": "The kind rests on no log type.",
    "Ledger entries of the period": "0 to 9",
}


def test_a_sheet_says_what_is_its_own_and_what_all_share_stands_before() -> None:
    other = SHEET | {"Run by": "Carla", "Gaps": "Silences of the sources by log type: vpn: 2."}
    rows = [(name, *row) for name, sheet in (("alerts", SHEET), ("clock", other)) for row in sheet.items()]
    told = from_rows("information_sheets", "Sheets", ("table", "label", "value"), rows)
    found = sheets(replace(source(), records={told.name: told}))
    shared, alerts, clock = (dict(block.rows) for block in found.blocks if isinstance(block, Pairs))
    assert shared == {"Run at, all sheets": "now", "Ledger entries of the period, all sheets": "0 to 9"}
    assert (alerts["Run by"], clock["Run by"]) == ("Axel", "Carla"), "what differs stands in each"
    assert alerts["Rows, SHA-256 of the file"] == f"7, {'cd' * 32}"
    assert ("Gaps" in alerts, clock["Gaps"]) == (False, other["Gaps"])
