"""The CSV files: harmless in a spreadsheet, one record a line, the same bytes for the same table."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.building import attached
from evidence.kinds import Table
from evidence.tables import cell_text, csv_bytes, from_rows
from evidence.verifier.check import printed

CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)"])
def test_it_neutralises_formula_cells(text: str) -> None:
    assert cell_text(text) == f"'{text}"
    assert cell_text("\t" + text).startswith("\\u0009")


def test_it_spells_numbers_times_and_truth_the_same_everywhere() -> None:
    assert cell_text(-5) == "-5"
    assert cell_text(0.5) == "0.5"
    assert cell_text(True) == "true"
    assert cell_text(None) == ""
    assert cell_text(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"


def test_it_spells_out_characters_that_forge_lines_or_directions() -> None:
    assert cell_text("a\r\nb\x1b[31m\u202eevil\x00") == "a\\u000d\\u000ab\\u001b[31m\\u202eevil\\u0000"


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6))
def test_it_reads_back_with_one_line_a_record(rows: list[list[str | int | bool | None]]) -> None:
    data = csv_bytes(from_rows("t", "T", ("a", "b", "c"), rows))
    assert data.count(b"\n") == len(rows) + 1
    read = list(csv.reader(io.StringIO(data.decode())))
    assert read[1:] == [[cell_text(cell) for cell in row] for row in rows]
    assert all(not cell.startswith(("=", "+", "@", "\t", "\r")) for row in read for cell in row)


@given(CELLS)
def test_the_verifier_spells_sealed_values_as_the_tables_do(cell: str | int | bool | None) -> None:
    assert isinstance(cell, int) or printed(cell) == cell_text(cell)
    assert printed(cell) == cell_text(cell) or (isinstance(cell, int) and cell < 0)


def test_it_refuses_a_row_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="has 1 cells for 2 columns"):
        from_rows("t", "T", ("a", "b"), [[1]])
    assert csv_bytes(Table("t", "T", ("a",), ())) == b"a\n"


def test_a_report_holds_the_results_and_then_the_shortest_tables() -> None:
    rows = {"controls": 40, "long": 30, "short": 2, "none": 0, "again": 0}
    tables = [from_rows(name, name, ("x",), [["y" * 9]] * count) for name, count in rows.items()]
    described = dict.fromkeys(rows, "What it holds")
    assert [one.name for one in attached(tables, described, 450)] == ["again.csv", "controls.csv", "short.csv"]
    assert len(attached(tables, described)) == 4, "two empty tables are one file in a PDF"
    assert attached(tables, described, 1) == []
