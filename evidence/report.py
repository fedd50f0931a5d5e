"""Describes the printed report as plain values, and turns them into the HTML that evidence/render.py prints.

A report is a cover and sections; a section is a list of blocks. The templates know nothing but these shapes, so that
every number in the PDF is also a cell of a table in the pack or a field of its manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string

from evidence.kinds import Cell, Period, Table

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
SPOKEN = frozenset(
    {"kind", "state", "from_state", "to_state", "outcome", "advice", "log_type", "log_types", "resolution"}
)
"""Columns that hold the portal's own words, which are printed with spaces; a name keeps its underscores."""
DASH = "\u2013"
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
    "pass": "Pass",
    "attention": "Attention",
    "fail": "Fail",
    "no_data": "No data",
    "no_occurrence": "No occurrence",
    "not_applicable": "Not applicable",
    "not_computed": "Not yet computed",
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
    empty: str = "There are no rows."
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
    def shown(self) -> str:
        """Spell how many rows are printed, of how many where some are not."""
        return f"{len(self.rows):,} of {self.total:,}" if self.left_out else f"{self.total:,}"

    @property
    def left_out(self) -> int:
        """Return how many rows are only in the CSV file."""
        return self.total - len(self.rows)


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
    omission: str = ""

    @property
    def mark(self) -> str:
        """Return the sign of the state."""
        return STATE_MARKS[self.state]

    @property
    def word(self) -> str:
        """Return the word of the state."""
        return STATE_WORDS[self.state]


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
        """Spell which rows of how many they are."""
        return f"rows {self.first:,} to {self.last:,} of {self.grid.total:,}"


@dataclass(frozen=True, slots=True)
class Volume:
    """A further volume of a report, which itself is the first one."""

    number: int
    parts: tuple[Part, ...]

    @property
    def file(self) -> str:
        """Return its name in the pack."""
        return f"volume-{self.number}.pdf"


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
    tally: tuple[tuple[str, str, str, int], ...]
    cut: tuple[str, ...] = ()


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
    return render_to_string("evidence/pdf/report.html", {"report": report, **frame(cover)})


def frame(cover: Cover) -> dict[str, object]:
    """Return what every volume of a report prints around its rows."""
    return {
        "cover": cover,
        "period": span(cover.period),
        "issued": moment(cover.issued_at, cover.period.zone),
        "created": cover.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def moment(at: datetime | None, zone: str) -> str:
    """Spell a time in a zone with its offset: 2026-03-31 23:59:00 +02:00; a missing one is a dash."""
    if at is None:
        return DASH
    local = at.astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def span(period: Period) -> str:
    """Spell a half-open period by its first and last second in its zone."""
    start = period.start.astimezone(ZoneInfo(period.zone))
    end = period.end.astimezone(ZoneInfo(period.zone))
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({period.zone}, end excluded)"


def grid(
    table: Table,
    widths: Sequence[int],
    *,
    zone: str,
    limit: int,
    empty: str = "There are no rows.",
    ahead: Sequence[bool] = (),
) -> Grid:
    """Print the first `limit` rows of a pack's table; the file name says where the others stand."""
    return Grid(
        caption=table.title,
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
    if name in HEADS:
        return HEADS[name]
    words = name.removesuffix("_at").removesuffix("_on").replace("_", " ")
    return words[:1].upper() + words[1:]


def spell_row(row: Sequence[Cell], columns: Sequence[str], zone: str) -> tuple[str, ...]:
    """Spell a row for print, the portal's own words without their underscores."""
    said = (spell_cell(cell, zone) for cell in row)
    return tuple(text.replace("_", " ") if name in SPOKEN else text for name, text in zip(columns, said, strict=True))


def spell_cell(cell: Cell, zone: str) -> str:
    """Spell a cell for print: yes and no, times in the zone, thousands with a comma, a dash for nothing."""
    if cell is None or cell == "":
        return DASH
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return moment(cell, zone)
    if isinstance(cell, float):
        if abs(cell) >= 10:
            return f"{cell:,.0f}"
        return f"{cell:,.3f}".rstrip("0").rstrip(".")
    return f"{cell:,}" if isinstance(cell, int) else cell
