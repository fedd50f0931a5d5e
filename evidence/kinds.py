"""Holds the frozen values that the evidence room passes around: catalogue rows, evidence of a kind, and evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evidence.kept import Kept
from evidence.languages import Said
from evidence.states import ResultState

Cell = str | int | float | bool | datetime | None

VERIFICATION = "evidence.verification"
"""Kind of the work that verifies the ledger."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that criteria name as `p.<name>`; `tighter` is the stricter direction, higher or lower."""

    name: str
    value: float
    unit: str
    tighter: str
    why: str

    def loosened(self, value: float) -> bool:
        """Tell whether a tenant's value is less strict than the catalogue's."""
        return value < self.value if self.tighter == "higher" else value > self.value


@dataclass(frozen=True, slots=True)
class Kind:
    """An evidence kind: what it computes, its metrics, and how an empty or missing population reads.

    `params` are the parameters that its query module counts by, `unmeasured` the metrics that have no number as soon as
    there is something to count, each with its reason.
    """

    name: str
    title: str
    computes: str
    metrics: tuple[str, ...]
    population: str
    empty_is_no_data: bool
    log_types: tuple[str, ...] = ()
    ratios: Mapping[str, str] = field(default_factory=dict)
    ages: frozenset[str] = frozenset()
    params: tuple[str, ...] = ()
    unmeasured: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Framework:
    """A law or standard in one version: its edition, after which a semicolon may begin a note on it."""

    key: str
    name: str
    version: str
    text: str
    url: str
    extra: bool = False

    @property
    def edition(self) -> str:
        """Return its name and edition, without the note."""
        return f"{self.name}: {self.version.partition(';')[0]}"


@dataclass(frozen=True, slots=True)
class Criterion:
    """The expressions of a row as text; evidence/criteria.py parses them."""

    passing: str
    attention: str
    needs: tuple[str, ...] = ()
    occurrence: str = ""
    applies: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """One row: a requirement, the evidence it rests on, its criterion and the limits of what that proves."""

    framework: str
    id: str
    key: str
    title: str
    summary: str
    evidence: tuple[str, ...]
    query: str
    criterion: Criterion
    proof: str
    limits: str
    requirement: str = ""
    points_of_focus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All rows, kinds and parameters in one version; `digest` is the SHA-256 over the files it was read from.

    `refused` names the operator's own files that are not used, each with its faults.
    """

    version: str
    digest: str
    frameworks: Mapping[str, Framework]
    params: Mapping[str, Parameter]
    kinds: Mapping[str, Kind]
    controls: tuple[Control, ...]
    refused: tuple[tuple[str, str], ...] = ()

    def control(self, key: str) -> Control | None:
        """Return the row with this key (its `oscal_id`), or None."""
        return next((control for control in self.controls if control.key == key), None)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured in a period: metrics by kind (None: could not be measured) and coverage by log type."""

    metrics: Mapping[str, Mapping[str, float | None]]
    coverage: Mapping[str, float | None]
    out_of_scope: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The state of one row with the sentences that led to it; `state` is None for a row that is not computed yet."""

    control: Control
    state: ResultState | None
    reasons: tuple[Said, ...]
    used: Mapping[str, float | None]
    missing_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open period [start, end), both aware UTC, with the zone that it was chosen in."""

    start: datetime
    end: datetime
    zone: str = "UTC"

    @property
    def days(self) -> float:
        """Return the length in days of 24 hours."""
        return (self.end - self.start).total_seconds() / 86_400


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the pack: a stable name, column names, and rows of plain cells in a stated order.

    A long one holds only its first rows; `total_rows` says how many there are, `kept` is its CSV file, and `types`
    are those of all its cells, column by column.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total_rows: int | None = None
    kept: Kept | None = None
    types: tuple[frozenset[type], ...] = ()

    @property
    def count(self) -> int:
        """How many rows the table has in all."""
        return len(self.rows) if self.total_rows is None else self.total_rows


@dataclass(frozen=True, slots=True)
class KindEvidence:
    """What one query module measured: metrics, the query's text and parameters, and the rows behind the numbers.

    `counts` are the rows that each of its statements gave.
    """

    kind: str
    metrics: Mapping[str, float | None]
    query: str
    parameters: Mapping[str, str]
    table: Table
    notes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
