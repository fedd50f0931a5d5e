"""What the printed report says of its own tables, without printing it."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from django.utils.translation import gettext
from pypdf import PdfReader

from evidence.budget import goes_first, hold
from evidence.languages import said, spoken, told
from evidence.rendering import render
from evidence.report import Pairs, Report, Section, html
from evidence.sections.front import cover
from evidence.sections.sheets import sheets
from evidence.sections.source import LEVELS, proofs_in
from evidence.tables import from_rows, long_table
from reviews.kinds import Level
from tests.database import ROOT
from tests.evidence.facts import source
from tests.evidence.packing import HTML, ISSUED

SHEET = {"Source": "logs_sourcehour", "Query, SHA-256": "ab" * 32, "Run at": "now", "Run by": "Axel", "Rows": "7"} | {
    "Control total, SHA-256": "cd" * 32,
    "Reconciliation": "difference 0.",
    "Gaps": "The kind rests on no log type.",
    "Program": "Countersign 1",
    "Ledger entries of the period": "0 to 9",
}


def test_a_sheet_says_what_is_its_own_and_what_all_share_stands_before() -> None:
    other = SHEET | {"Run by": "Carla", "Gaps": "Silences of the sources by log type: vpn: 2."}
    rows = [(name, *row) for name, sheet in (("alerts", SHEET), ("clock", other)) for row in sheet.items()]
    told = from_rows("information_sheets", "Sheets", ("table", "label", "value"), rows)
    found = sheets(replace(source(), records={told.name: told}))
    shared, alerts, clock = (dict(block.rows) for block in found.blocks if isinstance(block, Pairs))
    assert shared == {
        "Run at, all sheets": "now",
        "Program, all sheets": "Countersign 1",
        "Ledger entries of the period, all sheets": "0 to 9",
    }
    assert (alerts["Run by"], clock["Run by"]) == ("Axel", "Carla"), "what differs stands in each"
    assert alerts["Rows, SHA-256 of the file"] == f"7, {'cd' * 32}"
    assert ("Gaps" in alerts, clock["Gaps"]) == (False, other["Gaps"])


def test_below_signatures_stands_what_each_of_their_levels_rests_on() -> None:
    table = from_rows("sign_offs", "Sign-offs", ("level",), [["provider"], ["code"], ["provider"]])
    with spoken("en"):
        (note,) = proofs_in(table)
        assert [text.partition(":")[0] for text in note.paragraphs] == ["“provider”", "“code”"]
        assert "Whoever runs the provider could sign as its people." in note.paragraphs[0]
        assert proofs_in(from_rows("sign_offs", "Sign-offs", ("level",), [])) == []
    with spoken("de"):
        assert proofs_in(table)[0].paragraphs[0].startswith("„Anbieter, mit zweitem Faktor“: Nach einer neuen")
    assert set(LEVELS) == set(Level)


def test_the_renderer_is_leaner_than_weasyprint_and_writes_the_same(tmp_path: Path) -> None:
    rows = "".join(f"<tr><th>{n}</th><td>a row of the table</td></tr>" for n in range(300))
    (tmp_path / "page.html").write_text(HTML.replace("One page.", f"<table>{rows}</table>"))
    program = (
        "import sys; from pathlib import Path; from evidence import render; folder = Path(sys.argv[1])\n"
        "nothing = lambda *_: None\n"
        "if sys.argv[2]: render.Layout.empty = render.without_note_styles = nothing\n"
        "if sys.argv[2]: render.without_lxml = render.give_back = nothing\n"
        "if sys.argv[2]: render.squeeze_when_painted = lambda _: None\n"
        "render.isolate_fonts(folder); render.gc.disable()\n"
        "job = {'created': '2026-04-02T09:30:00+00:00', 'attachments': []}\n"
        "sys.stdout.buffer.write(render.render((folder / 'page.html').read_text(), job, folder)[0])\n"
        "sys.stderr.write(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    lean, plain = (subprocess.run([*command, how], cwd=ROOT, check=True, capture_output=True) for how in ("", "plain"))
    assert lean.stdout == plain.stdout
    assert int(plain.stderr) - int(lean.stderr) > 4_000, "KiB"


def test_the_whole_report_holds_one_sum_and_its_first_page_says_what_is_cut(tmp_path: Path) -> None:
    columns = ("campaign", "item", "privileged", "outcome")
    decided = [("Spring", n, n == 2_345, "revoke" if n == 2_500 else "certify") for n in range(2_600)]
    ahead = partial(goes_first, "decisions", columns)
    long = long_table("decisions", "Decisions", columns, decided, tmp_path / "decisions.csv", ahead)
    assert [row[1] for row in long.rows[:3]] == [2_345, 2_500, 0], "beyond the rows at hand, but never left out"
    revoked = from_rows("revocations", "Revocations", ("id",), [(n,) for n in range(1_500)])
    asked = replace(source(), records={"decisions": long, "revocations": revoked})
    grids = [
        asked.grid("decisions", dict.fromkeys(columns, 25), limit=1_200, empty=""),
        asked.grid("revocations", {"id": 100}, limit=5_000, empty=""),
    ]
    report = hold(Report(cover(asked, "ab" * 32), (Section("all", "All", (Pairs((("a", "b"),) * 80), *grids)),)))
    _pairs, decisions, revocations = report.sections[0].blocks
    assert (len(decisions.rows), len(revocations.rows)) == (420, 1_500)
    assert [row[1] for row in decisions.rows[:3]] == ["2,345", "2,500", "0"]
    assert report.cover.cut == ("Decisions (420 of 2,600)",)
    printed = html(report)
    assert "first 420 of 2,600 rows, privileged and deviating ones before the others; all in" in printed
    assert "Printed in part</th><td>Decisions (420 of 2,600). All rows" in printed


@pytest.mark.parametrize(("language", "many"), [("en", 60), ("en", 4), ("de", 60)])
def test_the_first_page_holds_what_was_left_out_and_how_many_more(language: str, many: int) -> None:
    asked = source()
    names = tuple(asked.catalogue.frameworks)
    who = replace(
        asked.identity, frameworks=names, recipient="Axel Brandt, Brandt Assurance " * 5, client="Zenith " * 12
    )
    gone = said("{count} rows are not yet computed: {rows}.", count=many, rows="CC21, " * 17)
    with spoken(language):
        first = cover(replace(asked, identity=who, omissions=(gone,) * many), "ab" * 32)
        report = Report(replace(first, cut=("Decisions (1,200 of 100,000)",) * 4), (Section("result", "Result", ()),))
        pages = PdfReader(BytesIO(render(html(report), created=ISSUED).printed.pdf)).pages
        shown, heading, contents = len(report.cover.left_out), gettext("What was left out"), gettext("Contents")
        more = report.cover.left_out_elsewhere
    printed = [" ".join(page.extract_text().split()) for page in pages]
    assert len(printed) == 3, "the cover, the contents and one section: nothing flows over"
    assert "ISO/IEC 27001:2022 Annex A: 2022 (+ Amd 1:2024)" in printed[0]
    assert "(GDPR): 2016/679, consolidated HIPAA" in printed[0], "the edition, without the note on it"
    assert f"{heading} ({many})" in printed[0]
    assert printed[0].count(told_in(language, gone)) == shown
    assert contents in printed[1]
    assert (shown > 0, bool(more)) == (language == "en", shown < many)
    assert more in printed[0]


def told_in(language: str, sentence: str) -> str:
    """Return a sentence as it is told in a language."""
    with spoken(language):
        return told(sentence)
