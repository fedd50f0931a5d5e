"""Writes down what was measured for a pack, beside its other files, and reads it again after a crash.

One JSON value a line: the run's own facts, then of each evidence kind what it measured, followed by its rows. It names
people, and a killed worker's folder keeps it: some hundred lines at a time are sealed under a key for this pack alone.
The SHA-256 of the file stands in the ledger's entry of the pack's beginning: a file with another one is nobody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from evidence.actions import Computed
from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from evidence.ipe import Provenance
from evidence.kept import keep, kept_file
from evidence.kinds import Cell, Facts, KindEvidence, Period
from evidence.languages import Said
from evidence.metrics.frame import Frame
from evidence.models import ControlRun
from evidence.provenance import version
from evidence.tables import from_rows
from evidence.workshop import MEASURED
from tenants.boxes import box
from tenants.models import Tenant

_SAID: Final = "said"
_AT: Final = "at"
_LINES_AT_ONCE: Final = 500


def keep_measured(computed: Computed, folder: Path, pack: UUID) -> str:
    """Write what was measured for a pack into a folder, sealed; returns the file's SHA-256."""
    path, lines = folder / MEASURED, (json.dumps(line, separators=(",", ":")) for line in _lines(computed))
    path.touch(mode=0o600)
    return keep(_sealed(lines, _box(pack)), path).sha256


def measured_again(tenant: Tenant, run: ControlRun, folder: Path, pack: UUID, sha256: str) -> Computed | None:
    """Return what a folder holds of a run, or None: there is no such file, or another, or one of another program.

    `sha256` is the file's, as the ledger has it. The rows of the catalogue are evaluated again, of the same numbers.
    """
    path = folder / MEASURED
    if not path.is_file() or kept_file(path).sha256 != sha256:
        return None
    with path.open("rb") as source:
        lines = (_read(json.loads(line)) for line in _opened(source, _box(pack)))
        try:
            facts = next(lines)
        except InvalidToken:
            return None  # the installation's key is another since
        if (facts["run"], facts["version"], facts["catalogue"]) != (run.pk, version(), load().digest):
            return None
        patterns = _evidence(islice(lines, facts["patterns"]))
        evidence = _evidence(lines)
    metrics = {kind: item.metrics for kind, item in evidence.items()}
    judged = Facts(metrics, facts["coverage"], facts["out_of_scope"], facts["not_applicable"])
    return Computed(
        run=run,
        frame=_frame(tenant.pk, tenant.uuid, run, facts["params"]),
        evaluations=tuple(evaluate_all(load(), judged, facts["params"])),
        evidence=evidence,
        coverage=facts["coverage"],
        out_of_scope=facts["out_of_scope"],
        not_applicable=facts["not_applicable"],
        provenance=msgspec.convert(json.loads(facts["provenance"]), Provenance),
        patterns=patterns,
    )


def _box(pack: UUID) -> Fernet:
    """Return what seals the file of one pack."""
    return box(settings.SECRET_KEY, f"measurement for pack {pack}")


def _sealed(lines: Iterator[str], sealing: Fernet) -> Iterator[bytes]:
    """Yield tokens, each of which seals some hundred lines."""
    while some := list(islice(lines, _LINES_AT_ONCE)):
        yield sealing.encrypt("\n".join(some).encode()) + b"\n"


def _opened(tokens: Iterable[bytes], sealing: Fernet) -> Iterator[str]:
    """Yield the lines that tokens seal."""
    for token in tokens:
        yield from sealing.decrypt(token.rstrip()).decode().split("\n")


def _lines(computed: Computed) -> Iterator[dict[str, Any] | list[Any]]:
    """Yield the values of the file, line by line."""
    yield {
        "run": computed.run.pk,
        "version": version(),
        "catalogue": load().digest,
        "params": dict(computed.frame.params),
        "coverage": dict(computed.coverage),
        "out_of_scope": dict(computed.out_of_scope),
        "not_applicable": dict(computed.not_applicable),
        "provenance": msgspec.json.encode(computed.provenance).decode(),
        "patterns": sum(1 + item.table.count for item in computed.patterns.values()),
    }
    for item in (*computed.patterns.values(), *computed.evidence.values()):
        yield {
            "kind": item.kind,
            "metrics": dict(item.metrics),
            "query": item.query,
            "parameters": dict(item.parameters),
            "notes": _written(item.notes),
            "counts": list(item.counts),
            "title": _plain(item.table.title),
            "columns": list(item.table.columns),
            "rows": item.table.count,
        }
        yield from (_written(row) for row in item.table.rows)


def _evidence(lines: Iterator[Any]) -> dict[str, KindEvidence]:
    """Read what each kind measured, and its rows."""
    found: dict[str, KindEvidence] = {}
    for head in lines:
        rows = list(islice(lines, head["rows"]))
        found[head["kind"]] = KindEvidence(
            kind=head["kind"],
            metrics=head["metrics"],
            query=head["query"],
            parameters=head["parameters"],
            table=from_rows(head["kind"], head["title"], head["columns"], rows),
            notes=tuple(head["notes"]),
            counts=tuple(head["counts"]),
        )
    return found


def _frame(tenant_id: int, log_id: UUID, run: ControlRun, params: Mapping[str, float]) -> Frame:
    """Return the frame in which a run measured."""
    return Frame(Period(run.period_start, run.period_end, run.zone), params, tenant_id, log_id, run.computed_at)


def _written(cells: Iterable[Cell]) -> list[Any]:
    """Return cells as JSON has them."""
    return [_plain(cell) for cell in cells]


def _plain(cell: Cell) -> Any:
    """Return a cell as JSON has it: words that can be told, and times, as an object of one name."""
    if isinstance(cell, Said):
        return {_SAID: [str(cell), cell.way, *_written(cell.parts)]}
    return {_AT: cell.isoformat()} if isinstance(cell, datetime) else cell


def _read(value: Any) -> Any:
    """Return a JSON value with its cells as they were."""
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_AT}:
        return datetime.fromisoformat(value[_AT])
    if value.keys() == {_SAID}:
        words, way, *parts = _read(value[_SAID])
        return Said(words, way, parts)
    return {name: _read(item) for name, item in value.items()}
