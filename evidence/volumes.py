"""Prints the tables that a report cuts in further volumes, one after the other, each in the renderer's own process.

The rows of one volume are at hand at a time: they are read on from the table's file where the volume before ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from django.template.loader import render_to_string
from django.utils.translation import gettext

from evidence.bundle import PrintedVolume, parts_of
from evidence.kept import kept_file
from evidence.kinds import Table
from evidence.languages import told, whole
from evidence.rendering import render
from evidence.report import Grid, Part, Report, Volume, frame, spell_row
from evidence.tables import cells

ROW: Final = 5
"""Width in percent of the column with the row's number in the file, which the report has no room for."""


class MissingRowsError(RuntimeError):
    """A table holds fewer rows than it was said to hold."""


@dataclass(frozen=True, slots=True)
class Printable:
    """Rows of one table as a volume prints them."""

    part: Part
    grid: Grid


def print_volumes(
    report: Report, tables: Sequence[Table], folder: Path, notify: Callable[[str], None]
) -> dict[str, PrintedVolume]:
    """Print a report's further volumes into a folder, in the language that is spoken.

    `notify` is called with what is under way and may raise to stop.

    Raises:
        MissingRowsError: A table ended before its last row.
        RenderError: A volume could not be rendered.
        OSError: The disk was full.
    """
    by_file = {f"tables/{table.name}.csv": table for table in tables}
    readers: dict[Grid, Iterator[tuple[str, ...]]] = {}
    printed: dict[str, PrintedVolume] = {}
    for volume in report.volumes:
        parts = []
        for part in volume.parts:
            table = by_file[part.grid.file]
            rows = readers.setdefault(part.grid, _numbered(table, part.grid, report.cover.period.zone))
            parts.append(_printable(part, rows))
        message = f"Printing volume {volume.number} of {len(report.volumes) + 1}"
        rendered = render(
            html(report, volume, parts),
            created=report.cover.issued_at,
            watch=partial(notify, message),
            inside=folder,
        ).printed
        (folder / volume.file).write_bytes(rendered.pdf)
        printed[volume.file] = PrintedVolume(kept_file(folder / volume.file), rendered.pages, parts_of(rendered))
    return printed


def html(report: Report, volume: Volume, parts: Sequence[Printable]) -> str:
    """Render a volume's HTML, in the language that is spoken."""
    cover, of = report.cover, len(report.volumes) + 1
    heading = gettext("Volume {number} of {total}").format(number=volume.number, total=of)
    form = gettext("Volume {number} of evidence pack {pack} for {client}")
    words = {
        "title": f"{heading}: {report.title}",
        "description": form.format(number=volume.number, pack=cover.pack_id, client=cover.client),
        "heading": heading,
        "is_last": volume.number == of,
        "parts": parts,
    }
    return render_to_string("evidence/pdf/volume.html", {**words, **frame(cover)})


def _printable(part: Part, rows: Iterator[tuple[str, ...]]) -> Printable:
    """Read the next rows of a table."""
    wanted = part.last - part.first + 1
    found = tuple(islice(rows, wanted))
    if len(found) != wanted:
        raise MissingRowsError(f"{part.grid.file} holds fewer than the {part.grid.total:,} rows that were counted.")
    columns, widths = (gettext("Row"), *part.grid.columns), (ROW, *_narrowed(part.grid.widths))
    return Printable(part, replace(part.grid, columns=columns, widths=widths, rows=found))


def _numbered(table: Table, grid: Grid, zone: str) -> Iterator[tuple[str, ...]]:
    """Yield the printed rows of a table as the report spells them, each after its number in the file."""
    places = [table.columns.index(name) for name in grid.fields]
    filled = table.columns.index(grid.filled) if grid.filled else None
    for number, row in enumerate(cells(table), start=1):
        if filled is None or row[filled] not in {None, ""}:
            yield (told(whole(number)), *spell_row([row[place] for place in places], grid.fields, zone))


def _narrowed(widths: Sequence[int]) -> list[int]:
    """Return widths in whole percent that leave room for the number; what rounding leaves goes to the widest."""
    room, whole = 100 - ROW, sum(widths)
    narrow = [round(width * room / whole) for width in widths]
    narrow[narrow.index(max(narrow))] += room - sum(narrow)
    return narrow
