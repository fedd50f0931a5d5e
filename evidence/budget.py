"""Holds a report to about 2,000 printed rows: one sum for all sections, shared out by a fixed rule. Pure.

What a report prints in any case (states, parameters, sheets) is taken off first. Then every table of records gets its
first rows, and what is left goes to whole tables in order: deviations and what is privileged first, the bulk last.
All rows stand in the pack's tables; a cut table says so, and the first page lists the cut ones. Where that is asked
for, further volumes print the cut tables in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from evidence.kinds import Cell
from evidence.languages import told, whole
from evidence.report import Block, Cards, ControlCard, Grid, Pairs, Part, Report, Volume

ROWS: Final = 2_000
"""About 100 pages, and with the worker under 400 MiB while they are printed (bench/RESULTS.md)."""
LEAST: Final = 20
"""Rows that every table gets, so that no section stays empty."""
FIRST: Final = (
    *("deviations", "exceptions", "findings", "incidents", "incident_steps", "incident_alert", "revocations"),
    *("leavers", "privileged", "population", "coverage", "sign_offs", "log_sign_offs", "review_quality"),
)
LAST: Final = ("decisions", "dispositions", "cited_events")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a report prints, how many each table gets in any case, and how much further volumes may hold."""

    rows: int = ROWS
    least: int = LEAST
    volume_rows: int = 2_000
    volumes: int = 25


LIMITS: Final = Limits()


def goes_first(table: str, columns: Sequence[str], row: Sequence[Cell]) -> bool:
    """Tell whether a row is printed before others of a table that is cut: privileged ones, and those that deviate."""
    if table != "decisions":
        return False
    return row[columns.index("privileged")] is True or row[columns.index("outcome")] != "certify"


def hold(report: Report, limits: Limits = LIMITS, *, volumes: bool = False) -> Report:
    """Return the report with tables cut to the sum, their names for its first page, and the volumes that print them."""
    blocks = [block for section in report.sections for block in section.blocks]
    grids = [block for block in blocks if isinstance(block, Grid) and block.file]
    rows = limits.rows - sum(_fixed(block) for block in blocks)
    given = shares([(_name(grid), len(grid.rows)) for grid in grids], rows, limits.least)
    kept = [_cut(grid, number) for grid, number in zip(grids, given, strict=True)]
    planned = plan([grid for grid in kept if grid.left_out], limits) if volumes else ()
    if volumes:
        kept = [replace(grid, volumes=_told(planned, grid) if grid.left_out else "") for grid in kept]
    cut = tuple(_spelled(grid) for grid in kept if grid.left_out)
    left = iter(kept)

    def held(block: Block) -> Block:
        return next(left) if isinstance(block, Grid) and block.file else block

    sections = tuple(replace(one, blocks=tuple(held(block) for block in one.blocks)) for one in report.sections)
    return replace(report, sections=sections, cover=replace(report.cover, cut=cut), volumes=planned)


def plan(cut: Sequence[Grid], limits: Limits = LIMITS) -> tuple[Volume, ...]:
    """Give every row of the cut tables, in the order in which tables are filled, its volume, until all are full."""
    size, at, end = limits.volume_rows, 0, limits.volumes * limits.volume_rows
    found: dict[int, list[Part]] = {}
    for grid in sorted({_key(grid): grid for grid in cut}.values(), key=lambda grid: _rank(_name(grid))):
        begin, after = at, min(at + grid.total, end)
        while at < after:
            until = min((at // size + 1) * size, after)
            part = Part(replace(grid, rows=(), ahead=()), at - begin + 1, until - begin)
            found.setdefault(at // size + 2, []).append(part)
            at = until
    return tuple(Volume(number, tuple(parts)) for number, parts in found.items())


def _told(volumes: Sequence[Volume], grid: Grid) -> str:
    """Say which volumes print a cut table, and how far."""
    mine = [(one.file, part.last) for one in volumes for part in one.parts if _key(part.grid) == _key(grid)]
    if not mine:
        return _("in no volume, since all are full")
    (first, _until), (final, last) = mine[0], mine[-1]
    files = first if len(mine) == 1 else _("{first} to {last}").format(first=first, last=final)
    if last == grid.total:
        return _("in full in {files}").format(files=files)
    form = _("up to row {row} in {files}; the rest is in the file alone")
    return form.format(row=told(whole(last)), files=files)


def _spelled(grid: Grid) -> str:
    """Name a cut table for the first page."""
    form = _("{title} ({printed} of {total}; {volumes})") if grid.volumes else _("{title} ({printed} of {total})")
    printed, total = told(whole(len(grid.rows))), told(whole(grid.total))
    return form.format(title=grid.caption, printed=printed, total=total, volumes=grid.volumes)


def _key(grid: Grid) -> tuple[str, tuple[str, ...], str]:
    """Return what makes a printed table another one: its file, columns and choice of rows."""
    return grid.file, grid.fields, grid.filled


def shares(wanted: Sequence[tuple[str, int]], rows: int, least: int = LEAST) -> list[int]:
    """Share rows out between tables, each a name with its number of rows; returns those of each in the same order."""
    given = [min(least, count) for _, count in wanted]
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
