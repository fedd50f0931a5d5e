"""Describes the printed report as plain values, and turns them into the HTML that evidence/render.py prints.

A report is a cover and sections; a section is a list of blocks. The templates know nothing but these shapes, so that
every number in the PDF is also a cell of a table in the pack or a field of its manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext, ngettext, pgettext
from django.utils.translation import gettext_noop as noop

from evidence.kinds import Cell, Period, Table
from evidence.languages import Language, figure, minute, told, whole, zoned
from evidence.words import WORDS, word

HEADS = {
    "id": "No.",
    "src_ip": "Source address",
    "severity_word": "Severity",
    "rule_word": "Rule",
    "ratio": "Covered share",
    "quarantined_ratio": "Quarantined share",
    "item": "Item no.",
    "captured_at": "Captured at",
    "median_seconds": "Median seconds an item",
    "person_id": "Person's id",
    "days_at_hand": "Days at hand",
    "kept_days": "Days kept",
    "rows": "Rows",
    "by": "Done by",
    "asked": "Asked of",
    "asked_at": "Asked at",
    "last_ok_at": "Last success",
    "self_reviews": "Self-reviews",
}
"""Heads that the column's name alone would spell badly."""
DASH = "\u2013"
COVER_LINES, LANGUAGE_LINES = 29, 3
"""Lines that the first page has for what varies, and those that it needs for saying what is not translated."""
OMISSION_CHARS, CELL_CHARS, NAME_CHARS, TITLE_CHARS = 110, 70, 45, 26
"""Characters of a line of the first page, by what is set in it."""
STATE_MARKS: dict[str, str] = {
    "pass": "✓",
    "attention": "▲",
    "fail": "✗",
    "no_data": "○",
    "no_occurrence": DASH,
    "not_applicable": "·",
    "not_computed": "…",
}
STATE_WORDS: dict[str, str] = {
    "pass": noop("Pass"),
    "attention": noop("Attention"),
    "fail": noop("Fail"),
    "no_data": noop("No data"),
    "no_occurrence": noop("No occurrence"),
    "not_applicable": noop("Not applicable"),
    "not_computed": noop("Not yet computed"),
}


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs; `tone` is plain, note or warning."""

    paragraphs: tuple[str, ...]
    tone: str = "plain"
    kind: str = field(default="prose", init=False)


@dataclass(frozen=True, slots=True)
class Heading:
    """A second-level heading inside a section."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels with their values; a value in `mono` is set in the fixed-width face, `small` ones are set closely."""

    rows: tuple[tuple[str, str], ...]
    mono: frozenset[str] = frozenset()
    small: bool = False
    kind: str = field(default="pairs", init=False)


@dataclass(frozen=True, slots=True)
class Code:
    """Lines in the fixed-width face, such as a checkpoint or commands."""

    lines: tuple[str, ...]
    label: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as it is printed: column heads, widths in percent, text cells, and how many rows stand elsewhere.

    `ahead` marks the rows that are printed before the others where the table is cut. `fields` are the columns' names
    in the file, `filled` the one that has something in each row, where only such rows are printed, and `volumes` says
    which further volumes print a cut table.
    """

    caption: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    file: str = ""
    empty: str = ""
    ahead: tuple[bool, ...] = ()
    fields: tuple[str, ...] = ()
    filled: str = ""
    volumes: str = ""
    kind: str = field(default="grid", init=False)

    @property
    def heads(self) -> list[tuple[str, int]]:
        """Return each column's head with its width."""
        return list(zip(self.columns, self.widths, strict=True))

    @property
    def left_out(self) -> int:
        """Return how many rows are only in the CSV file."""
        return self.total - len(self.rows)

    @property
    def count(self) -> str:
        """Say how many rows there are, and how many of them are printed."""
        if not self.left_out:
            return ngettext("{count} row", "{count} rows", self.total).format(count=told(whole(self.total)))
        form = gettext("first {first} of {count} rows")
        if self.ahead:
            form = gettext("first {first} of {count} rows, privileged and deviating ones before the others")
        return form.format(first=told(whole(len(self.rows))), count=told(whole(self.total)))

    @property
    def nothing(self) -> str:
        """Say that there is no row."""
        return self.empty or gettext("There are no rows.")


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart: its caption, the image as a data URI, and the same in words for who does not see it."""

    caption: str
    source: str
    alt: str
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True, slots=True)
class ControlCard:
    """One catalogue row with its result, as the control matrix prints it."""

    id: str
    title: str
    state: str
    summary: str
    reasons: tuple[str, ...]
    criterion: tuple[tuple[str, str], ...]
    metrics: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    proof: str
    limits: str
    evidence: str
    barred: tuple[str, ...] = ()
    omission: str = ""

    @property
    def mark(self) -> str:
        """Return the sign of the state."""
        return STATE_MARKS[self.state]

    @property
    def word(self) -> str:
        """Return the word of the state."""
        return gettext(STATE_WORDS[self.state])


@dataclass(frozen=True, slots=True)
class Cards:
    """The rows of one framework."""

    framework: str
    cards: tuple[ControlCard, ...]
    kind: str = field(default="cards", init=False)


Block = Prose | Heading | Pairs | Code | Grid | Figure | Cards


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section; a wide one is printed across."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a cut table that one volume prints, the first and the last counted from 1; the grid is without rows."""

    grid: Grid
    first: int
    last: int

    @property
    def span(self) -> str:
        """Tell which rows of how many they are."""
        first, last, total = (told(whole(number)) for number in (self.first, self.last, self.grid.total))
        return gettext("rows {first} to {last} of {total}").format(first=first, last=last, total=total)


@dataclass(frozen=True, slots=True)
class Volume:
    """A further volume of a report, which itself is the first one."""

    number: int
    parts: tuple[Part, ...]

    @property
    def file(self) -> str:
        """Return its name in the pack."""
        return f"volume-{self.number}.pdf"


def lines_of(text: str, chars: int) -> int:
    """Return about how many printed lines a text takes."""
    return -(-len(text) // chars)


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page."""

    client: str
    processor: str
    recipient: str
    frameworks: tuple[str, ...]
    period: Period
    issued_at: datetime
    pack_id: str
    catalogue: str
    classification: str
    prepared_by: str
    supersedes: str
    tier: str
    tier_meaning: str
    content_digest: str
    kind: str
    sign_off: str
    tally: tuple[tuple[str, str, str, str], ...]
    omissions: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the omissions that the first page has room for: all of them, or the first ones of very many."""
        taken = accumulate(lines_of(text, OMISSION_CHARS) for text in self.omissions)
        return tuple(text for text, line in zip(self.omissions, taken, strict=True) if line <= self._room)

    @property
    def _room(self) -> int:
        """Return about how many lines are left for omissions, after what else the first page holds."""
        cells = (self.recipient, self.client, self.processor, self.prepared_by, self.sign_off, self.supersedes)
        used = sum(lines_of(text, CELL_CHARS) for text in (*cells, *self.frameworks, "; ".join(self.cut)))
        used += lines_of(self.tier_meaning, CELL_CHARS) + lines_of(self.classification, OMISSION_CHARS)
        used += 3 * lines_of(self.kind, TITLE_CHARS) + 2 * lines_of(self.client, NAME_CHARS)  # of 27 and 15 points
        return COVER_LINES - used - (0 if str(get_language()).startswith(Language.ENGLISH) else LANGUAGE_LINES)

    @property
    def left_out_elsewhere(self) -> str:
        """Say where all omissions stand, if the first page has no room for some."""
        if len(self.left_out) == len(self.omissions):
            return ""
        form = gettext("There is no room for more here: all {count} are listed further on, under the same heading.")
        return form.format(count=told(whole(len(self.omissions))))


@dataclass(frozen=True, slots=True)
class Report:
    """The whole printed report."""

    cover: Cover
    sections: tuple[Section, ...]
    volumes: tuple[Volume, ...] = ()

    @property
    def title(self) -> str:
        """Return the document's title."""
        return f"{self.cover.kind}: {self.cover.client}, {span(self.cover.period)}"


def html(report: Report) -> str:
    """Render the report's HTML; every value is escaped by the template engine."""
    cover = report.cover
    description = gettext("Evidence pack {pack} for {client}").format(pack=cover.pack_id, client=cover.client)
    return render_to_string("evidence/pdf/report.html", {"report": report, "description": description, **frame(cover)})


def frame(cover: Cover) -> dict[str, object]:
    """Return what every volume of a report prints around its rows, in the language that is spoken."""
    return {
        "language": get_language(),
        "in_english": str(get_language()).startswith(Language.ENGLISH),
        "cover": cover,
        "period": span(cover.period),
        "issued": moment(cover.issued_at, cover.period.zone),
        "created": cover.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def moment(at: datetime | None, zone: str) -> str:
    """Tell a time in a zone with its offset; a missing one is a dash."""
    if at is None:
        return DASH
    return zoned(at, zone)


def span(period: Period) -> str:
    """Spell a half-open period by its first and last second in its zone."""
    start = period.start.astimezone(ZoneInfo(period.zone))
    end = period.end.astimezone(ZoneInfo(period.zone))
    return gettext("{start} to {end} ({zone}, end excluded)").format(
        start=told(minute(start)), end=told(minute(end)), zone=period.zone
    )


def grid(
    table: Table,
    widths: Sequence[int],
    *,
    zone: str,
    limit: int,
    empty: str = "",
    ahead: Sequence[bool] = (),
) -> Grid:
    """Print the first `limit` rows of a pack's table; the file name says where the others stand."""
    return Grid(
        caption=told(table.title),
        columns=tuple(head(name) for name in table.columns),
        widths=tuple(widths),
        rows=tuple(spell_row(row, table.columns, zone) for row in table.rows[:limit]),
        total=table.count,
        file=f"tables/{table.name}.csv",
        empty=empty,
        ahead=tuple(ahead[:limit]) if any(ahead) else (),
        fields=table.columns,
    )


def head(name: str) -> str:
    """Turn a column name into a head: `first_seen_at` becomes "First seen"."""
    return pgettext("head", english_head(name))


def english_head(name: str) -> str:
    """Return a column's head in English."""
    words = name.removesuffix("_at").removesuffix("_on").replace("_", " ")
    return HEADS.get(name, words[:1].upper() + words[1:])


def spell_row(row: Sequence[Cell], columns: Sequence[str], zone: str) -> tuple[str, ...]:
    """Tell a row for print; a key of ours without another spelling has spaces, a name keeps its underscores."""
    cells = (spell_cell(cell, zone, name) for name, cell in zip(columns, row, strict=True))
    return tuple(text.replace("_", " ") if name in WORDS else text for name, text in zip(columns, cells, strict=True))


def spell_cell(cell: Cell, zone: str, column: str = "") -> str:
    """Tell a cell for print: yes and no, times in the zone, thousands apart, words of ours, a dash for nothing."""
    if cell is None or cell == "":
        return DASH
    if isinstance(cell, bool):
        return pgettext("cell", "yes") if cell else pgettext("cell", "no")
    if isinstance(cell, datetime):
        return moment(cell, zone)
    if isinstance(cell, float):
        digits = f"{cell:,.0f}" if abs(cell) >= 10 else f"{cell:,.3f}".rstrip("0").rstrip(".")
        return told(figure(digits))
    return told(whole(cell)) if isinstance(cell, int) else word(column, told(cell))
