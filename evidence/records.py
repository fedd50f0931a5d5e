"""Reads the records that a pack prints one by one, each with the ledger entry that sealed it.

Decisions, sign-offs and snapshots are sealed by the audit entry of their deed, events by their own leaf. The bindings
say which cells of a table the sealed bytes repeat, so that the verifier can compare them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from evidence.budget import goes_first
from evidence.bundle import Binding, SealedEntry
from evidence.citedevents import CITED, MAX_EVENTS, cited_events, event_table, removals_behind
from evidence.deeds import Covered, Leaf, deed_leaves
from evidence.kinds import Cell, KindEvidence, Table
from evidence.languages import said
from evidence.logrecords import (
    ALERTS_RAISED,
    COLUMNS,
    DISPOSITIONS,
    ERASURES,
    LOG_BINDINGS,
    LOG_SIGN_OFFS,
    incident_tables,
    log_statements,
)
from evidence.metrics.frame import ROWS_AT_ONCE, Asked, Frame, Row
from evidence.rounds import assertions, campaign_tables, signed_statements
from evidence.tables import cells as cells_of
from evidence.tables import from_rows, long_table
from ledger import queries

DECISIONS: Final = """
SELECT d.id AS decision, c.name AS campaign, i.n AS item, s.key AS system, a.name AS account, p.name AS person,
    e.key AS entitlement, d.privileged, d.advice, d.outcome, d.reason, v.name AS reviewer, d.seen_seconds,
    d.bulk::text AS bulk, d.decided_at, d.postponed_until::text AS postponed_until,
    EXISTS (SELECT 1 FROM reviews_decision l WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id
        AND l.decided_at < %(now)s) AS superseded
FROM reviews_decision d
JOIN reviews_campaign c ON c.tenant_id = d.tenant_id AND c.id = d.campaign_id
JOIN reviews_reviewitem i ON i.tenant_id = d.tenant_id AND i.id = d.item_id
JOIN identities_system s ON s.tenant_id = i.tenant_id AND s.id = i.system_id
JOIN identities_account a ON a.tenant_id = i.tenant_id AND a.id = i.account_id
JOIN identities_entitlement e ON e.tenant_id = i.tenant_id AND e.id = i.entitlement_id
LEFT JOIN identities_identity p ON p.tenant_id = i.tenant_id AND p.id = i.subject_id
LEFT JOIN identities_identity v ON v.tenant_id = d.tenant_id AND v.id = d.reviewer_id
WHERE d.tenant_id = %(tenant)s AND d.decided_at >= %(since)s AND d.decided_at < %(until)s
ORDER BY c.name, i.n, d.id
"""
SIGN_OFFS: Final = """
SELECT s.id AS sign_off, c.name AS campaign, s.round, s.printed_name, s.meaning, s.count, s.digest,
    s.level, s.authentication ->> 'assertion_sha256' AS assertion, s.authenticated_at, s.signed_at
FROM reviews_signoff s JOIN reviews_campaign c ON c.tenant_id = s.tenant_id AND c.id = s.campaign_id
WHERE s.tenant_id = %(tenant)s AND s.signed_at >= %(since)s AND s.signed_at < %(until)s ORDER BY s.signed_at, s.id
"""
SNAPSHOTS: Final = """
SELECT n.id AS snapshot, s.key AS system, n.captured_at, n.recorded_at, n.delivered_by, n.source_total,
    n.row_total AS rows, n.complete, n.digest, n.raw_sha256, n.filters
FROM identities_snapshot n JOIN identities_system s ON s.tenant_id = n.tenant_id AND s.id = n.system_id
WHERE n.tenant_id = %(tenant)s AND ((n.captured_at >= %(since)s AND n.captured_at < %(until)s)
    OR (n.recorded_at >= %(since)s AND n.recorded_at < %(until)s))
ORDER BY s.key, n.captured_at, n.id
"""
REMOVALS: Final = """
SELECT p.id::text AS removal, to_char(p.month, 'YYYY-MM') AS month, p.count, p.held, p.quarantined, p.removed,
    p.announced_at,
    CASE WHEN p.removed_at < %(now)s THEN p.removed_at END AS removed_at, encode(p.removed_root, 'hex') AS removed_root,
    encode(p.places_sha256, 'hex') AS places_sha256
FROM logs_retentionprune p WHERE p.tenant_id = %(tenant)s AND (
    (p.announced_at >= %(since)s AND p.announced_at < %(until)s)
    OR (p.month < %(until)s AND p.month + interval '1 month' > %(since)s))
ORDER BY p.month, p.announced_at, p.id
"""


@dataclass(frozen=True, slots=True)
class _Spec:
    """One table of records: what it asks, its columns, the one that says when a row was written, and its deed's key."""

    name: str
    title: str
    statement: str
    columns: str
    written: str
    key: Callable[[Row], str]


def _decision_key(row: Row) -> str:
    """Return the key under which a decision's audit entry is found."""
    return f"bulk {row['bulk']}" if row["bulk"] else f"decision {row['decision']}"


SPECS: Final = (
    _Spec(
        "decisions",
        said("Decisions"),
        DECISIONS,
        "decision campaign item system account person entitlement privileged advice outcome postponed_until reason "
        "reviewer seen_seconds bulk decided_at superseded",
        "decided_at",
        _decision_key,
    ),
    _Spec(
        "sign_offs",
        said("Sign-offs"),
        SIGN_OFFS,
        "sign_off campaign round printed_name meaning count digest level assertion authenticated_at signed_at",
        "signed_at",
        lambda row: f"sign {row['digest']}",
    ),
    _Spec(
        "snapshots",
        said("Snapshots received"),
        SNAPSHOTS,
        "snapshot system captured_at recorded_at delivered_by source_total rows complete digest raw_sha256 filters",
        "recorded_at",
        lambda row: f"snapshot {row['snapshot']}",
    ),
    _Spec(
        "dispositions",
        said("Dispositions of log reviews"),
        DISPOSITIONS,
        COLUMNS[DISPOSITIONS],
        "disposed_at",
        lambda row: f"disposition {row['disposition']}",
    ),
    _Spec(
        "log_sign_offs",
        said("Signatures of log reviews"),
        LOG_SIGN_OFFS,
        COLUMNS[LOG_SIGN_OFFS],
        "signed_at",
        lambda row: f"log-sign {row['digest']}",
    ),
    _Spec(
        "removals",
        said("Removed under retention"),
        REMOVALS,
        "removal month count held quarantined removed announced_at removed_at removed_root places_sha256",
        "announced_at",
        lambda row: f"prune {row['removal']}",
    ),
    _Spec(
        "erasures",
        said("Erased under GDPR Art. 17"),
        ERASURES,
        COLUMNS[ERASURES],
        "confirmed_at",
        lambda row: f"erasure {row['erasure']}",
    ),
    _Spec(
        "alerts_raised",
        said("Alerts as they were raised"),
        ALERTS_RAISED,
        COLUMNS[ALERTS_RAISED],
        "raised_at",
        lambda row: f"alert {row['alert']}",
    ),
)
BINDINGS: Final[dict[str, Binding]] = {
    **LOG_BINDINGS,
    "decisions": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("outcome", "reason", "postponed_until")}
    ),
    "sign_offs": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("count", "digest", "level", "assertion")}
    ),
    "snapshots": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("digest", "rows", "source_total", "delivered_by")}
    ),
    "removals": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("month", "count", "removed_root", "places_sha256")}
    ),
    "cited_events": Binding(
        "ledger_index",
        {
            "occurred_at": ("core", "occurred_at"),
            "received_at": ("core", "received_at"),
            "action": ("core", "action"),
            "status_id": ("core", "status_id"),
            "actor": ("subj", "actor_name"),
        },
    ),
}
_PROOFS_AT_ONCE: Final = 2_000
SIGNATURES: Final = {"sign_offs": "", "log_sign_offs": "log-"}
"""Tables of signatures, and what the names of their statements begin with before the id."""


SUPERSEDED: Final = """
SELECT count(*) AS events FROM logs_superseded s JOIN logs_accessevent e
    ON e.tenant_id = s.tenant_id AND e.received_at = s.received_at AND e.id = s.event_id
WHERE s.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.received_at >= %(since)s::timestamptz - interval '120 seconds' AND s.by_received_at < %(now)s
"""
"""Readings of the period's events that a newer parser or mapping has superseded: they stay in the ledger."""

EARLIER = """
SELECT count(*) AS batches FROM ledger_batch
WHERE log_id = %(log)s AND epoch < (SELECT max(epoch) FROM ledger_head WHERE log_id = %(log)s)
"""


@dataclass(frozen=True, slots=True)
class Records:
    """Tables of single records, the queries behind them, and the sealed entries that they name.

    `entries` are read and proved one after the other while somebody takes them, in the scope in which they were
    gathered; `unproved` are the records without one of their own. All of them were there when the checkpoint of `size`
    leaves was signed at `cut_off` (in the period's zone).
    """

    tables: tuple[Table, ...]
    queries: Mapping[str, str]
    entries: Iterable[SealedEntry]
    unproved: int
    size: int
    cut_off: datetime
    cited_total: int
    statements: Mapping[str, bytes]
    assertions: Mapping[str, bytes]
    earlier_epochs: int = 0
    superseded: int = 0
    cited_gone: int = 0
    gone_by: tuple[int, ...] = ()


def gather(
    frame: Frame,
    size: int,
    folder: Path | None = None,
    incident: int = 0,
    wanted: frozenset[str] | None = None,
    *,
    tell: Callable[[str], None] = lambda _message: None,
) -> Records:
    """Read the period's records, or those of one incident, as a checkpoint of `size` leaves covers and proves them.

    The frame's `now` is when it was signed: what was recorded later is no part of them. Only the wanted tables are
    read, or all. Long ones are written into the folder as they are read; without one they are held. `tell` is called
    with the table under way and may raise to stop.
    """
    covered = Covered(frame, size)
    tables: list[Table] = []
    texts: dict[str, str] = {}
    for spec in SPECS:
        if wanted is None or spec.name in wanted:
            table, texts[spec.name] = _table(frame, spec, covered, folder, tell)
            tables.append(table)
    asked, cited, events = Asked(frame), [], []
    if wanted is None or "cited_events" in wanted:
        tell("Collecting the table cited events")
        found = asked.rows(CITED, incident=incident, size=size)
        cited = [row for row in found if covered.holds(f"alert {row['alert']}", row["raised_at"])]
        events = cited_events(frame, cited[:MAX_EVENTS], size)
        tables.append(event_table(events))
        texts["cited_events"] = asked.statements[0] + "\n"
    leaves = {leaf.index: leaf for _, leaf in events if leaf}
    tell("Collecting the tables of campaigns")
    more, asked_of_more = _other_tables(frame, size, incident, wanted)
    statements, assertions = _signed(frame, tables)
    return Records(
        tables=(*tables, *more),
        queries=texts | asked_of_more,
        entries=_prove(frame, covered.named, leaves.values(), size),
        unproved=covered.alone + sum(leaf is None for _, leaf in events),
        size=size,
        cut_off=frame.now.astimezone(ZoneInfo(frame.period.zone)),
        cited_total=len(cited),
        cited_gone=len(cited[:MAX_EVENTS]) - len(events),
        gone_by=removals_behind(cited[:MAX_EVENTS], events),
        statements=statements,
        assertions=assertions,
        earlier_epochs=int(Asked(frame).one(EARLIER)["batches"]),
        superseded=int(Asked(frame).one(SUPERSEDED)["events"]),
    )


def with_measured(records: Records, measured: Mapping[str, KindEvidence], wanted: frozenset[str]) -> Records:
    """Return the records with those of the measured tables that are wanted too: they were counted with the controls."""
    chosen = [item for name, item in measured.items() if name in wanted]
    tables = (*records.tables, *(item.table for item in chosen))
    return replace(records, tables=tables, queries={**records.queries, **{item.kind: item.query for item in chosen}})


def _other_tables(
    frame: Frame, size: int, incident: int, wanted: frozenset[str] | None
) -> tuple[tuple[Table, ...], dict[str, str]]:
    """Return the wanted tables whose rows have no ledger entry each: of campaigns, and of an incident."""
    tables, texts = campaign_tables(frame)
    if incident:
        more, asked_of_it = incident_tables(frame, size, incident)
        tables, texts = (*tables, *more), texts | asked_of_it
    chosen = tuple(table for table in tables if wanted is None or table.name in wanted)
    return chosen, {table.name: texts[table.name] for table in chosen}


def _signed(frame: Frame, tables: Iterable[Table]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the signed statements, and what was signed over them by others, of the signatures that tables list."""
    statements: dict[str, bytes] = {}
    answers: dict[str, bytes] = {}
    kept = [(SIGNATURES[table.name], table) for table in tables if table.name in SIGNATURES]
    listed = {f"{begins}{row[0]}" for begins, table in kept for row in cells_of(table)}
    if listed:
        of_logs, over_logs = log_statements(frame)
        statements, answers = signed_statements(frame) | of_logs, assertions(frame) | over_logs
    return _of(statements, listed), _of(answers, listed)


def _of(found: Mapping[str, bytes], listed: set[str]) -> dict[str, bytes]:
    """Return what is about the listed signatures."""
    return {name: data for name, data in found.items() if name in listed}


def _table(
    frame: Frame,
    spec: _Spec,
    covered: Covered,
    folder: Path | None,
    tell: Callable[[str], None],
) -> tuple[Table, str]:
    """Return a table of records with the ledger index of each as its last column, and its query; takes them."""
    asked, columns = Asked(frame), spec.columns.split()
    message = f"Collecting the table {spec.name.replace('_', ' ')}"
    tell(message)

    def cells() -> Iterator[list[Cell]]:
        for number, row in enumerate(asked.stream(spec.statement), start=1):
            if number % ROWS_AT_ONCE == 0:
                tell(f"{message}: {number:,} rows")
            if covered.holds(spec.key(row), row[spec.written]):
                yield [*(row[column] for column in columns), covered.take(spec.key(row))]

    heads = (*columns, "ledger_index")
    if folder:
        ahead = partial(goes_first, spec.name, heads)
        table = long_table(spec.name, spec.title, heads, cells(), folder / f"{spec.name}.csv", ahead)
    else:
        table = from_rows(spec.name, spec.title, heads, list(cells()))
    return table, asked.statements[0] + "\n"


def _prove(frame: Frame, named: set[int], events: Iterable[Leaf], size: int) -> Iterator[SealedEntry]:
    """Yield the entries with their inclusion proofs, in the order of their index; some thousands are held at a time."""
    place = attrgetter("index")
    ordered = heapq.merge(deed_leaves(frame, named, size), sorted(events, key=place), key=place)
    while leaves := list(islice(ordered, _PROOFS_AT_ONCE)):
        frame.watch()
        paths = queries.inclusion_proofs(frame.log_id, [leaf.index for leaf in leaves], size)
        for leaf in leaves:
            path = tuple(paths[leaf.index])
            yield SealedEntry(leaf.index, leaf.kind, leaf.label, leaf.core, leaf.subj, leaf.raw, leaf.salts, path)
