"""Reads the records that a pack prints one by one, each with the ledger entry that sealed it.

Decisions, sign-offs and snapshots are sealed by the audit entry of their deed, events by their own leaf. The bindings
say which cells of a table the sealed bytes repeat, so that the verifier can compare them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from evidence.bundle import Binding, SealedEntry
from evidence.kinds import Table
from evidence.logrecords import (
    COLUMNS,
    DISPOSITIONS,
    LOG_BINDINGS,
    LOG_SIGN_OFFS,
    incident_tables,
    log_statements,
)
from evidence.metrics.frame import Asked, Frame, Row
from evidence.rounds import campaign_tables, passkey_assertions, signed_statements
from evidence.tables import from_rows
from ledger import queries
from ledger.kinds import LeafKind
from logs.models import AccessEvent, event_key
from logs.queries.again import later_readings
from logs.queries.retention import removals_of
from logs.terms import month_of
from tenants.models import AuditEntry

MAX_EVENTS: Final = 500
"""Events behind alerts that are proved one by one; the table says how many there are in all."""

DECISIONS: Final = """
SELECT d.id AS decision, c.name AS campaign, i.n AS item, s.key AS system, a.name AS account, p.name AS person,
    e.key AS entitlement, d.privileged, d.advice, d.outcome, d.reason, v.name AS reviewer, d.seen_seconds,
    d.bulk::text AS bulk, d.opened_evidence, d.decided_at,
    EXISTS (SELECT 1 FROM reviews_decision l WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id) AS superseded
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
WHERE n.tenant_id = %(tenant)s AND n.captured_at >= %(since)s AND n.captured_at < %(until)s
ORDER BY s.key, n.captured_at, n.id
"""
CITED: Final = """
SELECT x.alert_id AS alert, x.rule, x.event_received_at, x.event_id
FROM alerts_alertevent x JOIN alerts_alert a ON a.tenant_id = x.tenant_id AND a.id = x.alert_id
WHERE x.tenant_id = %(tenant)s AND CASE WHEN %(incident)s = 0 THEN a.raised_at >= %(since)s AND a.raised_at < %(until)s
    ELSE x.alert_id IN (SELECT i.alert_id FROM alerts_incident i WHERE i.tenant_id = %(tenant)s AND i.id = %(incident)s)
    END
ORDER BY x.alert_id, x.occurred_at, x.event_id
"""
REMOVALS: Final = """
SELECT p.id AS removal, to_char(p.month, 'YYYY-MM') AS month, p.count, p.held, p.quarantined, p.removed,
    p.announced_at, p.removed_at, encode(p.removed_root, 'hex') AS removed_root,
    encode(p.places_sha256, 'hex') AS places_sha256
FROM logs_retentionprune p WHERE p.tenant_id = %(tenant)s AND (
    (p.announced_at >= %(since)s AND p.announced_at < %(until)s)
    OR (p.month < %(until)s AND p.month + interval '1 month' > %(since)s))
ORDER BY p.month, p.announced_at, p.id
"""
BINDINGS: Final[dict[str, Binding]] = {
    **LOG_BINDINGS,
    "decisions": Binding("ledger_index", {name: ("subj", "detail", name) for name in ("outcome", "reason")}),
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
_DEEDS: Final = (
    *("item.decide", "item.decide_in_bulk", "campaign.sign", "snapshot.import", "retention.prune"),
    *("log_item.dispose", "log_review.sign"),
)
_ENTRY_CHUNK: Final = 2_000
OUTCOMES: Final = {1: "success", 2: "failure"}


SUPERSEDED: Final = """
SELECT count(*) AS events FROM logs_superseded s JOIN logs_accessevent e
    ON e.tenant_id = s.tenant_id AND e.received_at = s.received_at AND e.id = s.event_id
WHERE s.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.received_at >= %(since)s::timestamptz - interval '120 seconds'
"""
"""Readings of the period's events that a newer parser or mapping has superseded: they stay in the ledger."""

EARLIER = """
SELECT count(*) AS batches FROM ledger_batch
WHERE log_id = %(log)s AND epoch < (SELECT max(epoch) FROM ledger_head WHERE log_id = %(log)s)
"""


@dataclass(frozen=True, slots=True)
class Records:
    """Tables of single records, the queries behind them, and the sealed entries that they name."""

    tables: tuple[Table, ...]
    queries: Mapping[str, str]
    entries: tuple[SealedEntry, ...]
    cited_total: int
    statements: Mapping[str, bytes]
    assertions: Mapping[str, bytes]
    earlier_epochs: int = 0
    superseded: int = 0
    cited_gone: int = 0
    gone_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A stored entry with its place in the log."""

    index: int
    kind: int
    label: str
    core: bytes
    subj: bytes | None
    raw: bytes | None
    salts: bytes


def gather(frame: Frame, size: int, incident: int = 0) -> Records:
    """Read the period's records, or those of one incident, and prove what lies under a checkpoint of `size` leaves."""
    places = _places(frame, size)
    deeds = _deeds(places)
    found: dict[int, _Leaf] = {}
    tables: list[Table] = []
    texts: dict[str, str] = {}
    for name, title, statement, key in (
        ("decisions", "Decisions", DECISIONS, _decision_key),
        ("sign_offs", "Sign-offs", SIGN_OFFS, lambda row: f"sign {row['digest']}"),
        ("snapshots", "Snapshots received", SNAPSHOTS, lambda row: f"snapshot {row['snapshot']}"),
        ("dispositions", "Dispositions of log reviews", DISPOSITIONS, lambda row: f"disposition {row['disposition']}"),
        ("log_sign_offs", "Signatures of log reviews", LOG_SIGN_OFFS, lambda row: f"log-sign {row['digest']}"),
        ("removals", "Removed under retention", REMOVALS, lambda row: f"prune {row['removal']}"),
    ):
        asked = Asked(frame)
        rows = asked.rows(statement)
        leaves = [deeds.get(key(row)) for row in rows]
        found |= {leaf.index: leaf for leaf in leaves if leaf}
        tables.append(_table(name, title, rows, [leaf.index if leaf else None for leaf in leaves], statement))
        texts[name] = asked.statements[0] + "\n"
    asked = Asked(frame)
    cited = asked.rows(CITED, incident=incident)
    events = _events(cited[:MAX_EVENTS], places)
    found |= {leaf.index: leaf for _, leaf in events if leaf}
    tables.append(_event_table(events))
    texts["cited_events"] = asked.statements[0] + "\n"
    rounds, asked_of_rounds = campaign_tables(frame)
    if incident:
        more, asked_of_it = incident_tables(frame, incident)
        rounds, asked_of_rounds = (*rounds, *more), asked_of_rounds | asked_of_it
    log_signed, log_assertions = log_statements(frame)
    return Records(
        tables=(*tables, *rounds),
        queries=texts | asked_of_rounds,
        entries=tuple(_prove(frame, found.values(), size)),
        cited_total=len(cited),
        cited_gone=len(cited[:MAX_EVENTS]) - len(events),
        gone_by=_removals_of(cited[:MAX_EVENTS], events),
        statements=signed_statements(frame) | log_signed,
        assertions=passkey_assertions(frame) | log_assertions,
        earlier_epochs=int(Asked(frame).one(EARLIER)["batches"]),
        superseded=int(Asked(frame).one(SUPERSEDED)["events"]),
    )


def cut(records: Records, wanted: frozenset[str]) -> Records:
    """Return only the tables of a type, with the entries, statements and queries that they name."""
    tables = tuple(table for table in records.tables if table.name in wanted)
    named = {row[-1] for table in tables if table.name in BINDINGS for row in table.rows}
    kept = {str(row[0]) for table in tables if table.name == "sign_offs" for row in table.rows}
    kept |= {f"log-{row[0]}" for table in tables if table.name == "log_sign_offs" for row in table.rows}
    return replace(
        records,
        tables=tables,
        queries={name: text for name, text in records.queries.items() if name in wanted},
        entries=tuple(entry for entry in records.entries if entry.index in named),
        statements={name: text for name, text in records.statements.items() if name in kept},
        assertions={name: text for name, text in records.assertions.items() if name in kept},
    )


def _decision_key(row: Row) -> str:
    """Return the key under which a decision's audit entry is found."""
    return f"bulk {row['bulk']}" if row["bulk"] else f"decision {row['decision']}"


def _places(frame: Frame, size: int) -> dict[Any, int]:
    """Return the first index of every batch under the checkpoint."""
    statement = """
    SELECT id, first_index FROM ledger_batch WHERE log_id = %(log)s AND first_index + n <= %(size)s
        AND epoch = (SELECT max(epoch) FROM ledger_head WHERE log_id = %(log)s)
    """
    return {row["id"]: row["first_index"] for row in Asked(frame).rows(statement, size=size)}


def _deeds(places: Mapping[Any, int]) -> dict[str, _Leaf]:
    """Return the audit entries of the deeds that the tables name, by what they were about."""
    found: dict[str, _Leaf] = {}
    entries = AuditEntry.objects.filter(verb__in=_DEEDS).order_by("at", "id")
    for entry in entries.iterator(chunk_size=_ENTRY_CHUNK):
        if entry.batch_id in places:
            detail: dict[str, Any] = entry.detail
            keys = {
                "item.decide": f"decision {detail.get('decision')}",
                "item.decide_in_bulk": f"bulk {detail.get('bulk')}",
                "campaign.sign": f"sign {detail.get('digest')}",
                "log_item.dispose": f"disposition {detail.get('disposition')}",
                "log_review.sign": f"log-sign {detail.get('digest')}",
                "snapshot.import": f"snapshot {detail.get('snapshot')}",
                "retention.prune": f"prune {detail.get('prune')}",
            }
            found[keys[entry.verb]] = _Leaf(
                index=places[entry.batch_id] + entry.ord,
                kind=entry.leaf_kind,
                label="sign-off" if entry.verb in {"campaign.sign", "log_review.sign"} else keys[entry.verb],
                core=bytes(entry.core),
                subj=bytes(entry.subj),
                raw=None,
                salts=bytes(entry.salts),
            )
    return found


def _events(cited: list[Row], places: Mapping[Any, int]) -> list[tuple[tuple[Row, AccessEvent], _Leaf | None]]:
    """Return the cited events that are still at hand, as they are read now, each with its leaf under the checkpoint."""
    answers: list[tuple[tuple[Row, AccessEvent], _Leaf | None]] = []
    later = later_readings([(row["event_received_at"], row["event_id"]) for row in cited])
    for row in cited:
        cited_as = (row["event_received_at"], row["event_id"])
        received_at, number = later.get(cited_as, cited_as)
        event = AccessEvent.sealed.filter(received_at=received_at, id=number).first()
        if event is None:
            continue
        first = places.get(event.batch_id)
        leaf = None
        if first is not None:
            leaf = _Leaf(
                index=first + event.ord,
                kind=int(LeafKind.EVENT),
                label=f"event {event.key}",
                core=bytes(event.core),
                subj=_bytes(event.subj),
                raw=_bytes(event.raw),
                salts=_bytes(event.salts) or b"",
            )
        answers.append(((row, event), leaf))
    return answers


def _removals_of(cited: list[Row], events: list[tuple[tuple[Row, AccessEvent], _Leaf | None]]) -> tuple[int, ...]:
    """Return the places of the ledger entries that say why cited events are not at hand any more."""
    there = {(row["event_received_at"], row["event_id"]) for (row, _event), _leaf in events}
    gone = [row["event_received_at"] for row in cited if (row["event_received_at"], row["event_id"]) not in there]
    return tuple(one.leaf for one in removals_of({month_of(at) for at in gone}) if one.leaf is not None)


def _event_table(events: list[tuple[tuple[Row, AccessEvent], _Leaf | None]]) -> Table:
    """Return the table of the events that alerts rest on; ``cited_as`` names the reading that an alert stands on."""
    columns = (
        *("alert", "rule", "event", "occurred_at", "received_at", "actor", "action", "status_id", "outcome"),
        "src_ip",
        "cited_as",
        "ledger_index",
    )
    rows = [
        [
            *(row["alert"], row["rule"], event.key, event.occurred_at, event.received_at, event.actor_name),
            *(event.action, event.status_id, OUTCOMES.get(event.status_id, "unknown"), event.src_ip),
            event_key(row["event_received_at"], row["event_id"]),
            leaf.index if leaf else None,
        ]
        for (row, event), leaf in events
    ]
    return from_rows("cited_events", "Events behind the alerts", columns, rows)


def _table(name: str, title: str, rows: list[Row], indexes: list[int | None], statement: str) -> Table:
    """Return a table of records with the ledger index of each as its last column."""
    columns = tuple(rows[0]) if rows else _columns(statement)
    cells = [[*(row[column] for column in columns), index] for row, index in zip(rows, indexes, strict=True)]
    return from_rows(name, title, (*columns, "ledger_index"), cells)


def _columns(statement: str) -> tuple[str, ...]:
    """Return the column names of one of the statements above, for a table without rows."""
    known = COLUMNS | {
        DECISIONS: "decision campaign item system account person entitlement privileged advice outcome reason reviewer "
        "seen_seconds bulk opened_evidence decided_at superseded",
        SIGN_OFFS: "sign_off campaign round printed_name meaning count digest level assertion authenticated_at "
        "signed_at",
        SNAPSHOTS: "snapshot system captured_at recorded_at delivered_by source_total rows complete digest raw_sha256 "
        "filters",
        REMOVALS: "removal month count held quarantined removed announced_at removed_at removed_root places_sha256",
    }
    return tuple(known[statement].split())


def _prove(frame: Frame, leaves: Iterable[_Leaf], size: int) -> list[SealedEntry]:
    """Return the entries with their inclusion proofs, in the order of their index."""
    ordered = sorted(leaves, key=lambda leaf: leaf.index)
    paths = queries.inclusion_proofs(frame.log_id, [leaf.index for leaf in ordered], size) if ordered else {}
    return [
        SealedEntry(
            leaf.index, leaf.kind, leaf.label, leaf.core, leaf.subj, leaf.raw, leaf.salts, tuple(paths[leaf.index])
        )
        for leaf in ordered
    ]


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    """Return stored bytes as bytes."""
    return None if value is None else bytes(value)
