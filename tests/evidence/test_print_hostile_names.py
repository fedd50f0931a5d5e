"""Hostile names on the printed page: right-to-left text, emoji, 4,000 characters and formulas stay inside, readable."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from evidence.budget import hold
from evidence.charts import fitted, shares
from evidence.render import FONTS, drawable, escape_undrawable
from evidence.rendering import render
from evidence.report import Block, Heading, Pairs, Report, Section, html
from evidence.sections.front import cover
from evidence.tables import from_rows
from tests.evidence.onpage import runs
from tests.evidence.packing import ISSUED
from tests.evidence.test_read_packs_as_oscal import source

LONG, WORDS = "W" * 4_000, "Nimb us " * 500
NAMES = {
    "שלום דנה": "[U+05E9][U+05DC][U+05D5][U+05DD] [U+05D3][U+05E0][U+05D4]",
    "\u202eeiraM": "[U+202E]eiraM",
    "\U0001f469\u200d\U0001f4bb Ana": "[U+1F469][U+200D][U+1F4BB] Ana",
    "=HYPERLINK(1)": "=HYPERLINK(1)",
    "漢字": "[U+6F22][U+5B57]",
    "<b>&amp;</b>": "<b>&amp;</b>",
}


def hostile_report() -> Report:
    """Return a report whose cover, facts, chart and table hold such names."""
    names = [*NAMES, LONG]
    table = from_rows("people", "People", ("name", "ratio"), [(name, 0.5) for name in names])
    made = source()
    told = {
        "client": LONG[:200],
        "recipient": WORDS[:200],
        "processor": "שלום דנה",
        "classification": "\U0001f469\u200d\U0001f4bb Ana",
    }
    asked = replace(made, records={"people": table}, identity=replace(made.identity, **told))
    facts = tuple((f"{number}. {name[:60]}", name) for number, name in enumerate([*names, WORDS]))
    blocks: list[Block] = [Heading(LONG[:300]), Pairs(facts, frozenset(name for name, _ in facts[3:]))]
    blocks += [
        shares("Shares", table, "name", "ratio"),
        asked.grid("people", {"name": 20, "ratio": 80}, limit=20, empty=""),
    ]
    return hold(Report(cover(asked, "ab" * 32), (Section("all", "All", tuple(blocks), wide=True),)))


def test_all_of_it_is_on_the_page_and_readable() -> None:
    printed = render(html(hostile_report()), created=ISSUED).printed
    pages = PdfReader(BytesIO(printed.pdf)).pages
    for number, page in enumerate(pages, start=1):
        wide, high = float(page.mediabox.width), float(page.mediabox.height)
        placed = list(runs(page))
        assert placed, number
        outside = [one for one in placed if not (0 <= one[0] <= one[1] <= wide and 0 <= one[2] <= high)]
        assert not outside, (number, outside[:3])
    text = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
    for name, spelled in NAMES.items():
        assert text.count("".join(spelled.split())) >= 4, (name, "label, value, chart and table")
    assert text.count("W") >= 2 * 200 + 300 + 2 * 4_000, "twice on the cover, in a heading, a fact and the table"
    assert text.count("Nimbus") >= 25 + 500, "on the cover and in a fact"


@pytest.mark.parametrize(
    "name",
    [
        *NAMES,
        LONG,
        WORDS,
        "Ærøskøbing Ελλάδα Москва",
        "\u0301" * 60,
        "…" * 60,
        "m@W%" * 9,
        "4" * 60,
        "Éé" * 30,
        "QR" * 30,
    ],
)
def test_a_charts_label_stays_left_of_its_bar(name: str) -> None:
    with TTFont(FONTS / "Inter-Regular.ttf", lazy=True) as font:
        map_, widths, whole = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
        drawn, _count = escape_undrawable(label := fitted(name, 142), drawable())
        assert sum(widths[map_[ord(char)]][0] for char in drawn) * 10 / whole <= 142, drawn
    assert label == name or (label.endswith("…") and name.startswith(label[:-1]) and len(drawn) > 12)
