"""Gives the query modules their period and parameters, and turns what they asked into evidence of a kind.

A query module is a folder neighbour named after its evidence kind: `measure(frame)` runs constant SQL in the open
scope and returns metrics, the text it ran, its parameters and the rows behind the numbers. A metric that the portal
cannot measure is None, never 0.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from evidence.kinds import Cell, KindEvidence, Period
from evidence.languages import Said
from evidence.tables import from_rows

Row = dict[str, Any]
ROWS_AT_ONCE = 2_000


def _nothing() -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a query module is asked about; `now` is when the run began (aware UTC).

    `watch` is called now and then by modules that take long: it shows that the work goes on, and raises to stop it.
    """

    period: Period
    params: Mapping[str, float]
    tenant_id: int
    log_id: UUID
    now: datetime
    watch: Callable[[], None] = _nothing

    @property
    def as_of(self) -> datetime:
        """The moment that states are looked at: the period's end, or now where it lies ahead."""
        return min(self.period.end, self.now)

    @property
    def bound(self) -> dict[str, Any]:
        """Return the parameters that every statement may name."""
        return {
            "tenant": self.tenant_id,
            "log": self.log_id,
            "since": self.period.start,
            "until": self.period.end,
            "as_of": self.as_of,
            "now": self.now,
        }


@dataclass(slots=True)
class Asked:
    """The statements that one query module ran, in order, with the parameters beyond the frame's."""

    frame: Frame
    statements: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)

    def rows(self, statement: str, **more: Any) -> list[Row]:
        """Run one constant statement and return its rows as mappings; notes text and parameters."""
        self.note(statement, **more)
        with connection.cursor() as cursor:
            cursor.execute(statement, {**self.frame.bound, **more})
            names = [column.name for column in cursor.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        self.counts.append(len(found))
        return found

    def stream(self, statement: str, **more: Any) -> Iterator[Row]:
        """Run one constant statement and yield its rows as they come from the server, some thousands at a time."""
        self.note(statement, **more)
        with connection.chunked_cursor() as cursor:
            cursor.execute(statement, {**self.frame.bound, **more})
            names = [column.name for column in cursor.description or ()]
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                for row in rows:
                    yield dict(zip(names, row, strict=True))

    def one(self, statement: str, **more: Any) -> Row:
        """Run a statement that gives exactly one row."""
        (row,) = self.rows(statement, **more)
        return row

    def note(self, statement: str, **more: Any) -> None:
        """Note a query that another room's function runs, with the parameters it got."""
        self.statements.append(textwrap.dedent(statement).strip())
        self.parameters.update({name: str(value) for name, value in more.items()})

    def answer(
        self,
        kind: str,
        metrics: Mapping[str, float | None],
        rows: Sequence[Row],
        *,
        columns: Sequence[str] = (),
        notes: Sequence[Said] = (),
        title: Said,
    ) -> KindEvidence:
        """Return the evidence of a kind; `columns` names the table's columns where there may be no rows."""
        names = tuple(columns) or tuple(rows[0] if rows else ("no_rows",))
        cells: list[list[Cell]] = [[_cell(row[name]) for name in names] for row in rows]
        bound = {"period_start": self.frame.period.start.isoformat(), "period_end": self.frame.period.end.isoformat()}
        return KindEvidence(
            kind=kind,
            metrics={name: None if value is None else float(value) for name, value in metrics.items()},
            query=";\n\n".join(self.statements) + "\n",
            parameters={**bound, **self.parameters},
            table=from_rows(kind, title, names, cells),
            notes=tuple(notes),
            counts=tuple(self.counts),
        )


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, None where there is nothing to divide by."""
    return part / whole if whole else None


def days_between(start: datetime | None, end: datetime) -> float | None:
    """Return the days from a moment to another, None where the first never was."""
    return None if start is None else max(0.0, (end - start).total_seconds() / 86_400)


def _cell(value: Any) -> Cell:
    """Turn a database value into a table's cell."""
    if value is None or isinstance(value, str | int | float | bool | datetime):
        return value
    return str(value)
