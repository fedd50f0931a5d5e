"""The information sheet of a table (IPE, AT-C 205.36): how it was made, from what, and how whole it is. Pure.

Everything is taken from the query itself, the table and the run, so that no sheet can say something else than what ran.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from evidence.kinds import Kind, KindEvidence, Period, Table
from evidence.languages import joined, minute, said, whole
from evidence.tables import control_total, spelled

MODULES: Final = Path(__file__).parent / "metrics"
NO_LOGS: Final = said("The kind rests on no log type.")
_TABLE: Final = re.compile(r"\b(?:FROM|JOIN)\s+((?:logs|ledger|identities|reviews|alerts|evidence|tenants|portal)_\w+)")
_WHERE: Final = re.compile(r"(?<!FILTER )(?<!FILTER \()\bWHERE\b")
_ENDS: Final = re.compile(r"[();]|\b(?:GROUP BY|ORDER BY|LIMIT|UNION)\b")
LOG_TABLES: Final = frozenset(
    {"logs_accessevent", "logs_currentevent", "logs_usageday", "logs_typeday", "logs_sourcehour", "logs_lastuse"}
)
LIST_TABLES: Final = frozenset(
    {"identities_snapshot", "identities_snapshotrow", "identities_grant", "identities_account"}
)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a source says it has, and what is accounted for here."""

    source: int
    here: int

    @property
    def difference(self) -> int:
        """What is missing here (negative: too much)."""
        return self.source - self.here


@dataclass(frozen=True, slots=True)
class Provenance:
    """What all sheets of one run share: who ran which program when, and what deliveries, lists and ledger add up to.

    `records` are the records that sources delivered in the period against those stored, known, ignored, unreadable or
    passed on. `lists` are the totals that systems state of their newest lists against what was read. `first` and `last`
    are the ledger's indexes in the period, `broken` the places at which they do not follow one another. `erased`
    are the records of the period that each deed of erasure took, with the place of its ledger entry.
    """

    run_at: datetime
    run_by: str
    program: str
    period: Period
    catalogue: str
    ledger_size: int
    records: Sum
    lists: Sum
    first: int | None
    last: int | None
    broken: int
    gaps: Mapping[str, int]
    out_of_scope: Mapping[str, str]
    erased: Sequence[tuple[int, int | None]] = ()


Sheet = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query's text as the database gets it, names unquoted, and its parameters in their order."""

    text: str
    parameters: Mapping[str, str]


def sheet(item: KindEvidence, kind: Kind, told: Provenance) -> Sheet:
    """Return the sheet of a measured kind."""
    return (
        (said("What it computes"), kind.computes),
        *_query(item.query, item.parameters),
        (said("Written by"), f"evidence/metrics/{item.kind}.py, SHA-256 {module_digest(item.kind)}"),
        *_run(told),
        *_table(item.table),
        (
            said("Rows of each statement"),
            joined(", ", map(whole, item.counts)) or said("counted by the module itself"),
        ),
        (said("Reconciliation"), _reconciled(item.query, told)),
        (said("Gaps"), _gaps(kind, told)),
        (said("Erased under GDPR Art. 17"), _erased(told)),
        (said("Ledger entries of the period"), _sequence(told)),
        (said("Limits"), joined(" ", item.notes) or said("None beyond those of the row.")),
    )


def record_sheet(table: Table, query: str, told: Provenance) -> Sheet:
    """Return the sheet of a table of records that a pack holds beside the measured kinds."""
    period = {"period_start": told.period.start.isoformat(), "period_end": told.period.end.isoformat()}
    sealed = joined(" ", (*_sealed(table), _reconciled(query, told)))
    of_logs = sorted(told.gaps) if set(tables_of(query)) & LOG_TABLES else ()
    ends = (
        (said("Reconciliation"), sealed),
        (said("Gaps"), _silences(of_logs, told) if of_logs else NO_LOGS),
        (said("Erased under GDPR Art. 17"), _erased(told)),
        (said("Ledger entries of the period"), _sequence(told)),
    )
    return (*_query(query, period), *_run(told), *_table(table), *ends)


def derived_sheet(table: Table, made_from: Sequence[str], how: str, told: Provenance) -> Sheet:
    """Return the sheet of a table that is made from other tables of the same pack, which have their own."""
    return (
        (said("What it computes"), how),
        (said("Made from"), ", ".join(f"tables/{name}.csv" for name in made_from)),
        *_run(told),
        *_table(table),
    )


def _sealed(table: Table) -> Iterator[str]:
    """Say how many rows of a table name the ledger's entry of their deed, where it has such a column."""
    if "ledger_index" in table.columns:
        place = table.columns.index("ledger_index")
        named = sum(bool(row[place]) for row in spelled(table))
        yield said("{named} of {rows} rows name the ledger entry that sealed them.", named=named, rows=table.count)


def population_sheet(table: Table, asked: Query, kind: Kind, told: Provenance, own: Sheet = ()) -> Sheet:
    """Return the sheet of a population that is frozen for an auditor's room; `own` are lines that it alone has.

    `kind` is what is measured over such things: it names the log types whose silences count.
    """
    return (
        *_query(asked.text, asked.parameters),
        (said("Query"), asked.text),
        *_run(told),
        *_table(table),
        (said("Reconciliation"), _reconciled(asked.text, told)),
        (said("Gaps"), _gaps(kind, told)),
        (said("Erased under GDPR Art. 17"), _erased(told)),
        (said("Ledger entries of the period"), _sequence(told)),
        *own,
    )


def module_digest(kind: str) -> str:
    """Return the SHA-256 of the program text that measured a kind."""
    return hashlib.sha256((MODULES / f"{kind}.py").read_bytes()).hexdigest()


def tables_of(query: str) -> list[str]:
    """Return the tables that a query reads, each once, in the order of their first use."""
    return list(dict.fromkeys(_TABLE.findall(query)))


def filters_of(query: str) -> list[str]:
    """Return the conditions of a query's statements as they were run, white space joined.

    Conditions inside of a condition stay where they are; those of a single count (`FILTER (WHERE ...)`) choose no rows.
    """
    found, at = [], 0
    while (begin := _WHERE.search(query, at)) is not None:
        at = _end_of(query, begin.end())
        found.append(" ".join(query[begin.end() : at].split()))
    return found


def _end_of(query: str, begin: int) -> int:
    """Return where a condition ends: at a clause after it, or where its bracket closes."""
    depth = 0
    for mark in _ENDS.finditer(query, begin):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth < 0 or (depth == 0 and mark[0] not in "()"):
            return mark.start()
    return len(query)


def _query(query: str, parameters: Mapping[str, str]) -> Sheet:
    values = "; ".join(f"{name} = {value}" for name, value in parameters.items())
    return (
        (said("Source"), ", ".join(tables_of(query)) or said("no table")),
        (said("Query, SHA-256"), hashlib.sha256(query.encode()).hexdigest()),
        (said("Parameters"), values),
        (
            said("Filters"),
            " | ".join(filters_of(query)) or said("none: the query reads no rows by conditions of its own"),
        ),
    )


def _run(told: Provenance) -> Sheet:
    return (
        (said("Run at"), joined("", (minute(told.run_at), f":{told.run_at:%S} UTC"))),
        (said("Run by"), told.run_by),
        (said("Program"), told.program),
        (said("Catalogue"), told.catalogue),
    )


def _table(table: Table) -> Sheet:
    return ((said("Rows"), whole(table.count)), (said("Control total, SHA-256"), control_total(table)))


def _reconciled(query: str, told: Provenance) -> str:
    """Say how what was read compares with what the sources say they gave."""
    read = set(tables_of(query))
    words = []
    if read & LOG_TABLES:
        words.append(
            said(
                "{source} records that sources delivered in the period, {here} accounted for here, difference {gap}.",
                source=told.records.source,
                here=told.records.here,
                gap=told.records.difference,
            )
        )
    if read & LIST_TABLES:
        words.append(
            said(
                "{source} records that systems state of their newest lists, {here} read here, difference {gap}.",
                source=told.lists.source,
                here=told.lists.here,
                gap=told.lists.difference,
            )
        )
    return joined(" ", words) or said(
        "The rows arise in the portal itself: there is no other source to compare them with."
    )


def _gaps(kind: Kind, told: Provenance) -> str:
    """Say how many silences the kind's log types had in the period."""
    if not kind.log_types:
        return NO_LOGS
    return _silences(kind.log_types, told)


def _silences(log_types: Sequence[str], told: Provenance) -> str:
    """Say how many silences some log types had in the period."""
    counts = joined(", ", (joined(": ", (_type(name), whole(told.gaps.get(name, 0)))) for name in log_types))
    words = [said("Silences of the sources by log type: {counts}.", counts=counts)]
    aside = joined(", ", (_type(name) for name in log_types if name in told.out_of_scope))
    return joined(" ", (*words, *([said("Out of scope: {names}.", names=aside)] if aside else ())))


def _type(name: str) -> str:
    """Name a log type for people."""
    return said(name.replace("_", " "))


def _erased(told: Provenance) -> str:
    """Say how many records of the period were erased, and by which deeds: no table holds them any more."""
    if not told.erased:
        return said("No record of the period.")
    deeds = (
        said(
            "{count} by the deed at ledger entry {entry}",
            count=whole(number),
            entry=said("none that is known") if leaf is None else leaf,
        )
        for number, leaf in told.erased
    )
    total = whole(sum(number for number, _leaf in told.erased))
    return said("{count} records of the period: {deeds}.", count=total, deeds=joined(", ", deeds))


def _sequence(told: Provenance) -> str:
    """Say which ledger entries the period holds, and whether their numbers follow one another."""
    if told.first is None or told.last is None:
        return said("none of {size}", size=told.ledger_size)
    spanned = said("{first} to {last} of {size}", first=told.first, last=told.last, size=told.ledger_size)
    places = said("{places} places where numbers are missing", places=told.broken)
    return joined("; ", (spanned, places if told.broken else said("no number is missing")))


def rows_of(sheets: Mapping[str, Sheet]) -> Sequence[Sequence[str]]:
    """Return all sheets as rows of one table: table, label, value."""
    return [[name, label, value] for name, found in sorted(sheets.items()) for label, value in found]
