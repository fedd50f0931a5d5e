"""Holds everything that the sections print from, and the words that several of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from evidence.budget import goes_first
from evidence.bundle import Checkpoint, Identity
from evidence.catalogue import parameters_of
from evidence.evaluate import spell, spell_metric
from evidence.kinds import Catalogue, Cell, Control, Evaluation, KindEvidence, Period, Table
from evidence.languages import Said, day, joined, said, told, whole
from evidence.registers.kinds import Stand
from evidence.report import Grid, Prose, grid
from evidence.tables import ROWS_AT_HAND, cells, from_rows, spelled
from evidence.words import word
from reviews.kinds import Level

LEVELS: Final = {
    Level.PASSKEY: noop(
        "“{level}”: a device that its user unlocked signed the SHA-256 of the statement. Its answer is in the folder "
        "signatures; verify.py and verify.html check it."
    ),
    Level.PROVIDER: noop(
        "“{level}”: after a new sign-in with a second factor the identity provider put the SHA-256 of the statement "
        "into its signed answer. That is in the folder signatures; verify.py and verify.html check it. Whoever runs "
        "the provider could sign as its people."
    ),
    Level.CODE: noop("“{level}”: a password and a code of an authenticator app, which the portal alone saw."),
    Level.SESSION: noop(
        "“{level}”: the password again, after a log-in with a second factor, which the portal alone saw."
    ),
}
"""What each level of a signature rests on, the strongest first."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a report is printed from: plain values, no database."""

    identity: Identity
    period: Period
    catalogue: Catalogue
    evaluations: tuple[Evaluation, ...]
    evidence: Mapping[str, KindEvidence]
    records: Mapping[str, Table]
    coverage: Mapping[str, float | None]
    out_of_scope: Mapping[str, str]
    parameters: Mapping[str, float]
    checkpoint: Checkpoint | None
    signer_key: str
    tier: str
    omissions: tuple[Said, ...]
    loosened: Mapping[str, str]
    kept: frozenset[str]

    def table(self, name: str) -> Table:
        """Return a table of the pack by its name: a record table or that of an evidence kind."""
        return self.records[name] if name in self.records else self.evidence[name].table

    def grid(self, name: str, columns: Mapping[str, int], *, limit: int, empty: str, caption: str = "") -> Grid:
        """Print some columns of a table, with their widths in percent; the CSV holds all columns."""
        table = self.table(name)
        places = [table.columns.index(column) for column in columns]
        rows = table.rows
        if table.count > limit:
            rows = tuple(sorted(rows, key=lambda row: not goes_first(name, table.columns, row)))[:limit]
        ahead = [goes_first(name, table.columns, row) for row in rows]
        cut = tuple(tuple(row[place] for place in places) for row in rows)
        small = Table(table.name, caption or table.title, tuple(columns), cut, table.count)
        return grid(small, tuple(columns.values()), zone=self.period.zone, limit=limit, empty=empty, ahead=ahead)

    def chosen(self, name: str, columns: Mapping[str, int], *, column: str, empty: str, caption: str) -> Grid:
        """Print those rows of a table that have something in one of its columns."""
        found = replace(self, records={**self.records, name: self.filled(name, column)})
        return replace(found.grid(name, columns, limit=100, empty=empty, caption=caption), filled=column)

    def filled(self, name: str, column: str) -> Table:
        """Return those rows of a table that have something in one of its columns; of very many, the first are held."""
        table = self.table(name)
        place, count, held = table.columns.index(column), 0, list[tuple[Cell, ...]]()
        for row in cells(table):
            if row[place] not in {None, ""}:
                count += 1
                held += [row] if count <= ROWS_AT_HAND else []
        return Table(name, table.title, table.columns, tuple(held), count)

    def metric(self, kind: str, name: str) -> str:
        """Tell one metric of a kind, a whole number with its thousands."""
        text = spell_used(self, f"{kind}.{name}")
        return told(whole(int(text)) if text.isdigit() else text)

    def notes(self, *kinds: str) -> list[Prose]:
        """Return what the query modules say about their own limits."""
        lines = tuple(told(note) for kind in kinds if kind in self.evidence for note in self.evidence[kind].notes)
        return [Prose(lines, tone="note")] if lines else []


def proofs_in(signatures: Table) -> list[Prose]:
    """Return what each level that a table of signatures names says about who signed, the strongest first."""
    place = signatures.columns.index("level")
    found = {row[place] for row in spelled(signatures)}
    lines = tuple(_(text).format(level=word("level", level)) for level, text in LEVELS.items() if level in found)
    return [Prose(lines, tone="note")] if lines else []


def deviations(source: Source) -> Table:
    """Return every row that did not pass and was not set aside or empty, with its reasons: nothing is left out."""
    order, answers = {"fail": 0, "attention": 1, "no_data": 2}, _responses(source)
    rows = [
        [
            *(item.control.framework, item.control.id, item.control.title, item.state.value, joined(" ", item.reasons)),
            answers.get(item.control.key, ""),
        ]
        for item in source.evaluations
        if item.state is not None and item.state.value in order
    ]
    rows.sort(key=lambda row: (order[row[3]], row[0], row[1]))
    columns = ("framework", "control", "title", "state", "reasons", "management_response")
    return from_rows("deviations", said("Exceptions and deviations"), columns, rows)


def _responses(source: Source) -> dict[str, str]:
    """Return what management says about each row that it answered: words, owner and date, of what stands."""
    if "exceptions" not in source.evidence:
        return {}
    table = source.evidence["exceptions"].table
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {
        str(row["control"]): joined("", (str(row["said"]), " (", _stand(row), ")")) for row in rows if "control" in row
    }


def _stand(row: Mapping[str, Cell]) -> str:
    """Say how management stands to a row, who owns it, and until when."""
    stand = said(str(Stand(str(row["stand"])).label))
    return joined("; ", (stand, joined(", ", (str(row["owner"]), day(datetime.fromisoformat(str(row["due_on"])))))))


def controls(source: Source) -> Table:
    """Return every row of the asked frameworks with its state; rows without one say so."""
    rows = [
        [
            *(item.control.framework, item.control.id, item.control.key, item.control.title),
            *(item.state.value if item.state else "not_computed", " ".join(item.reasons), item.control.proof),
            *(item.control.limits, ", ".join(item.control.evidence), ", ".join(item.missing_kinds)),
            "; ".join(f"{name} = {spell_used(source, name)}" for name in item.used),
            used_parameters(source, item.control),
        ]
        for item in source.evaluations
    ]
    columns = (
        *("framework", "control", "key", "title", "state", "reasons", "proof", "limits", "evidence"),
        *("not_computed_kinds", "metrics", "parameters"),
    )
    return from_rows("controls", said("Control results"), columns, rows)


def used_parameters(source: Source, control: Control) -> Said:
    """Tell every parameter that a row's result rests on with its value, and what it was loosened from."""
    units = {name: source.catalogue.params[name].unit for name in parameters_of(source.catalogue, control)}
    return joined(
        ", ",
        (
            joined(
                " ",
                (f"{name} =", spell(source.parameters[name]), joined("", (said(unit), source.loosened.get(name, "")))),
            )
            for name, unit in sorted(units.items())
        ),
    )


def spell_used(source: Source, dotted: str) -> str:
    """Spell a metric that a criterion names, a null by what it means."""
    kind, _, name = dotted.partition(".")
    if kind not in source.evidence:
        return said("not yet computed")
    return spell_metric(source.catalogue.kinds[kind], name, source.evidence[kind].metrics)


def widths(text: str) -> dict[str, int]:
    """Read columns with their widths in percent: "system 12, rows 8"."""
    pairs = (item.split() for item in text.split(", "))
    return {name: int(width) for name, width in pairs}
