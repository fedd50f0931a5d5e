"""Further volumes: what a report cuts is printed in full, a volume at a time, from the table's file."""

import re
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from evidence.budget import Limits, hold, plan
from evidence.kinds import Cell, Table
from evidence.languages import Language, spoken
from evidence.report import Grid, Report, Section, html, spell_row
from evidence.sections.front import cover
from evidence.tables import long_table
from evidence.volumes import MissingRowsError, print_volumes
from tenants.kinds import Cancelled
from tests.evidence.packing import ISSUED
from tests.evidence.test_read_packs_as_oscal import source

COLUMNS = ("campaign", "item", "privileged", "outcome", "decided_at", "follow_up_due_at")


def decided(count: int) -> list[list[Cell]]:
    """Return decisions of which each third has to be followed up; the fifth revokes, so that it is printed first."""
    return [
        [f"Spring {n}", n, n == 2, "revoke" if n == 5 else "certify", ISSUED, None if n % 3 else ISSUED]
        for n in range(1, count + 1)
    ]


def cut_report(table: Table) -> Report:
    """Return a report that prints two decisions of a table, and two of those that are followed up."""
    asked = replace(source(), records={"decisions": table})
    columns = {"campaign": 30, "item": 20, "privileged": 20, "decided_at": 30}
    grids = [
        asked.grid("decisions", columns, limit=9, empty=""),
        asked.chosen("decisions", columns, column="follow_up_due_at", empty="", caption="Followed up"),
    ]
    report = Report(cover(asked, "ab" * 32), (Section("all", "All", tuple(grids)),))
    return hold(report, Limits(rows=0, least=2, volume_rows=10), volumes=True)


def test_volumes_share_the_rows_of_cut_tables_until_they_are_full() -> None:
    def grid(name: str, total: int) -> Grid:
        return Grid(name.title(), ("A",), (100,), (("x",),), total, file=f"tables/{name}.csv", fields=("a",))

    def spans(cut: Sequence[Grid], limits: Limits) -> list[list[str]]:
        return [[f"{part.grid.caption} {part.span}" for part in one.parts] for one in plan(cut, limits)]

    cut = [grid("decisions", 5_312), grid("findings", 700)]
    assert spans(cut, Limits()) == [
        ["Findings rows 1 to 700 of 700", "Decisions rows 1 to 1,300 of 5,312"],
        ["Decisions rows 1,301 to 3,300 of 5,312"],
        ["Decisions rows 3,301 to 5,300 of 5,312"],
        ["Decisions rows 5,301 to 5,312 of 5,312"],
    ], "deviations first, the bulk last"
    grids = (*cut, grid("cited_events", 9_000))
    report = Report(cover(source(), "ab" * 32), (Section("all", "All", grids),))
    held = hold(report, Limits(volumes=2), volumes=True)
    assert [one.file for one in held.volumes] == ["volume-2.pdf", "volume-3.pdf"]
    assert held.cover.cut == (
        "Decisions (1 of 5,312; up to row 3,300 in volume-2.pdf to volume-3.pdf; the rest is in the file alone)",
        "Findings (1 of 700; in full in volume-2.pdf)",
        "Cited_Events (1 of 9,000; in no volume, since all are full)",
    )
    assert 'all in <span class="mono">tables/findings.csv</span>, in full in volume-2.pdf' in html(held)
    assert not hold(report).volumes, "nobody asked for any"


def test_every_row_is_printed_in_its_order_and_a_cancel_stops_it(tmp_path: Path) -> None:
    table = long_table("decisions", "Decisions", COLUMNS, decided(15), tmp_path / "decisions.csv")
    table = replace(table, rows=table.rows[:9])  # as where there are more rows than are held
    report, said = cut_report(table), list[str]()
    assert report.cover.cut == (
        "Decisions (2 of 15; in full in volume-2.pdf to volume-3.pdf)",
        "Followed up (2 of 5; in full in volume-3.pdf)",
    )
    made = print_volumes(report, [table], tmp_path, said.append)
    assert list(dict.fromkeys(said)) == ["Printing volume 2 of 3", "Printing volume 3 of 3"]
    readers = [PdfReader(BytesIO(volume.kept.whole)) for volume in made.values()]
    texts = ["".join(page.extract_text() for page in reader.pages) for reader in readers]
    rows = [re.findall(r"^([0-9]+)\s+Spring ([0-9]+)", text, re.MULTILINE) for text in texts]
    third = [(str(n), str(n)) for n in (3, 6, 9, 12, 15)]
    assert rows == [[(str(n), str(n)) for n in range(1, 11)], [(str(n), str(n)) for n in range(11, 16)] + third]
    assert all(word in texts[1] for word in ("Volume 3 of 3", "rows 11 to 15 of 15", "Page 1 / 1", "2026-04-02 11:30"))
    assert [volume.pages for volume in made.values()] == [len(reader.pages) for reader in readers]
    assert b"<pdfuaid:part>1" in readers[0].trailer["/Root"]["/Metadata"].get_data()

    def cancel(_message: str) -> None:
        raise Cancelled

    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(Cancelled):
        print_volumes(report, [table], empty, cancel)
    assert not list(empty.iterdir())
    short = long_table("decisions", "Decisions", COLUMNS, decided(9), tmp_path / "short.csv")
    with pytest.raises(MissingRowsError, match="fewer than the 15 rows"):
        print_volumes(report, [short], tmp_path, said.append)


def test_a_volume_speaks_the_language_of_its_pack(tmp_path: Path) -> None:
    rows = [[f"Spring_{n}", n, n == 2, "not_decided", ISSUED, None] for n in range(1, 16)]
    table = long_table("decisions", "Decisions", COLUMNS, rows, tmp_path / "decisions.csv")
    asked = replace(source(), records={"decisions": table})
    columns = {"campaign": 30, "item": 20, "outcome": 20, "decided_at": 30}
    with spoken(Language.GERMAN):
        grids = (asked.grid("decisions", columns, limit=9, empty=""),)
        report = Report(cover(asked, "ab" * 32), (Section("all", "All", grids),))
        report = hold(report, Limits(rows=0, least=2, volume_rows=10, volumes=1), volumes=True)
        (made,) = print_volumes(report, [table], tmp_path, lambda _message: None).values()
    assert report.cover.cut == ("Decisions (2 von 15; bis Zeile 10 in volume-2.pdf; der Rest steht nur in der Datei)",)
    reader = PdfReader(BytesIO(made.kept.whole))
    text = "".join(page.extract_text() for page in reader.pages)
    assert reader.trailer["/Root"]["/Lang"] == "de"
    told = ("Band 2 von 2", "Zeilen 1 bis 10 von 15; es folgt kein Band", "Seite 1 / 1", "Spring_1 1 nicht entschieden")
    assert [words for words in told if words not in text] == [], text
    assert "02.04.2026 11:30" in text


def test_keys_of_ours_are_printed_with_spaces_and_names_as_they_are() -> None:
    columns, row = ("outcome", "kind", "account", "resolution"), ("not_decided", "of_a_client", "a_b", "see a_b")
    assert spell_row(row, columns, "UTC") == ("not decided", "of a client", "a_b", "see a_b")
    with spoken(Language.GERMAN):
        assert spell_row(row, columns, "UTC") == ("nicht entschieden", "of a client", "a_b", "see a_b")
