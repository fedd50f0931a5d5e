"""Holds a report to about 2,000 printed rows: one sum for all sections, shared out by a fixed rule. Pure.

What a report prints in any case (states, parameters, sheets) is taken off first. Then every table of records gets its
first rows, and what is left goes to whole tables in order: deviations and what is privileged first, the bulk last.
All rows stand in the pack's tables; a cut table says so, and the first page lists the cut ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from evidence.kinds import Cell
from evidence.languages import told, whole
from evidence.report import Block, Cards, ControlCard, Grid, Pairs, Report

ROWS: Final = 2_000
"""About 100 pages, and with the worker under 400 MiB while they are printed (bench/RESULTS.md)."""
LEAST: Final = 20
"""Rows that every table gets, so that no section stays empty."""
FIRST: Final = (
    *("deviations", "exceptions", "findings", "incidents", "incident_steps", "incident_alert", "revocations"),
    *("leavers", "privileged", "population", "coverage", "sign_offs", "log_sign_offs", "review_quality"),
)
LAST: Final = ("decisions", "dispositions", "cited_events")


def goes_first(table: str, columns: Sequence[str], row: Sequence[Cell]) -> bool:
    """Tell whether a row is printed before others of a table that is cut: privileged ones, and those that deviate."""
    if table != "decisions":
        return False
    return row[columns.index("privileged")] is True or row[columns.index("outcome")] != "certify"


def hold(report: Report) -> Report:
    """Return the report with tables cut to the sum, and their names for its first page."""
    grids = [block for section in report.sections for block in section.blocks if isinstance(block, Grid)]
    fixed = sum(_fixed(block) for section in report.sections for block in section.blocks)
    given = iter(shares([(_name(grid), len(grid.rows)) for grid in grids if grid.file], ROWS - fixed))
    cut: list[str] = []

    def held(block: Block) -> Block:
        if not isinstance(block, Grid) or not block.file:
            return block
        kept = _cut(block, next(given))
        if kept.left_out:
            printed, total = told(whole(len(kept.rows))), told(whole(kept.total))
            cut.append(_("{title} ({printed} of {total})").format(title=kept.caption, printed=printed, total=total))
        return kept

    sections = tuple(replace(one, blocks=tuple(held(block) for block in one.blocks)) for one in report.sections)
    return replace(report, sections=sections, cover=replace(report.cover, cut=tuple(cut)))


def shares(wanted: Sequence[tuple[str, int]], rows: int) -> list[int]:
    """Share rows out between tables, each a name with its number of rows; returns those of each in the same order."""
    given = [min(LEAST, count) for _, count in wanted]
    left = max(0, rows - sum(given))
    order = sorted(range(len(wanted)), key=lambda place: (_rank(wanted[place][0]), place))
    for place in order:
        more = min(wanted[place][1] - given[place], left)
        given[place] += more
        left -= more
    return given


def _rank(name: str) -> int:
    """Return the place of a table in the order: named first, then the others as they come, then the bulk."""
    if name in FIRST:
        return FIRST.index(name)
    return len(FIRST) + (1 + LAST.index(name) if name in LAST else 0)


def _name(grid: Grid) -> str:
    return grid.file.removeprefix("tables/").removesuffix(".csv")


def _cut(grid: Grid, rows: int) -> Grid:
    """Return a grid with some of its rows: those that go first, and the first of the others after them."""
    if rows >= len(grid.rows) and not grid.left_out:
        return replace(grid, ahead=())
    places = sorted(range(len(grid.rows)), key=lambda place: not (grid.ahead and grid.ahead[place]))[:rows]
    return replace(grid, rows=tuple(grid.rows[place] for place in places))


def _fixed(block: Block) -> int:
    """Count the rows that a block prints in any case."""
    if isinstance(block, Grid):
        return 0 if block.file else len(block.rows)
    if isinstance(block, Pairs):
        return len(block.rows)
    return sum(_lines(card) for card in block.cards) if isinstance(block, Cards) else 0


def _lines(card: ControlCard) -> int:
    """Count the rows of a card: evidence, and proof with limits, stand in each."""
    return 2 + len(card.criterion) + len(card.metrics) + len(card.parameters)
