"""Reads the events that alerts rest on, each with its leaf of the ledger, as a pack prints and proves them."""

from __future__ import annotations

from typing import Final

from evidence.deeds import Leaf
from evidence.kinds import Table
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row
from evidence.tables import from_rows
from ledger.kinds import LeafKind
from logs.models import AccessEvent, event_key
from logs.queries.again import later_readings
from logs.queries.erasures import erasures_of_events
from logs.queries.retention import removals_of
from logs.terms import month_of

MAX_EVENTS: Final = 500
"""Events behind alerts that are proved one by one; the table says how many there are in all."""

UP_TO_CHECKPOINT: Final = """NOT EXISTS (
        SELECT 1 FROM logs_accessevent e JOIN ledger_batch b ON b.log_id = %(log)s AND b.id = e.batch_id
        WHERE e.tenant_id = %(tenant)s AND e.received_at = x.event_received_at AND e.id = x.event_id
        AND b.first_index + b.n > %(size)s AND b.epoch = (SELECT max(epoch) FROM ledger_head WHERE log_id = %(log)s))"""
"""Holds for an event behind an alert (`x`) that did not come in after a checkpoint of `size` leaves."""
CITED: Final = f"""
SELECT x.alert_id AS alert, a.raised_at, x.rule, x.event_received_at, x.event_id
FROM alerts_alertevent x JOIN alerts_alert a ON a.tenant_id = x.tenant_id AND a.id = x.alert_id
WHERE x.tenant_id = %(tenant)s AND CASE WHEN %(incident)s = 0 THEN a.raised_at >= %(since)s AND a.raised_at < %(until)s
    ELSE x.alert_id IN (SELECT i.alert_id FROM alerts_incident i WHERE i.tenant_id = %(tenant)s AND i.id = %(incident)s)
    END
    AND {UP_TO_CHECKPOINT}
ORDER BY x.alert_id, x.occurred_at, x.event_id
"""  # noqa: S608 -- constant text
PLACES: Final = """
SELECT id, first_index FROM ledger_batch
WHERE log_id = %(log)s AND id = ANY(%(batches)s) AND first_index + n <= %(size)s
    AND epoch = (SELECT max(epoch) FROM ledger_head WHERE log_id = %(log)s)
"""
OUTCOMES: Final = {1: "success", 2: "failure"}


def cited_events(frame: Frame, cited: list[Row], size: int) -> list[tuple[tuple[Row, AccessEvent], Leaf | None]]:
    """Return the cited events that are still at hand, as they were read by the frame's `now`, each with its leaf."""
    answers: list[tuple[tuple[Row, AccessEvent], Leaf | None]] = []
    later = later_readings([(row["event_received_at"], row["event_id"]) for row in cited], frame.now)
    found: list[tuple[Row, AccessEvent]] = []
    for row in cited:
        cited_as = (row["event_received_at"], row["event_id"])
        received_at, number = later.get(cited_as, cited_as)
        event = AccessEvent.sealed.filter(received_at=received_at, id=number).first()
        if event is not None:
            found.append((row, event))
    asked = Asked(frame).rows(PLACES, batches=[event.batch_id for _, event in found], size=size)
    places = {row["id"]: row["first_index"] for row in asked}
    for row, event in found:
        first = places.get(event.batch_id)
        leaf = None
        if first is not None:
            leaf = Leaf(
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


def removals_behind(cited: list[Row], events: list[tuple[tuple[Row, AccessEvent], Leaf | None]]) -> tuple[int, ...]:
    """Return the places of the ledger entries that say why cited events are not at hand any more."""
    there = {(row["event_received_at"], row["event_id"]) for (row, _event), _leaf in events}
    gone = {(row["event_received_at"], row["event_id"]) for row in cited} - there
    removed = [one.leaf for one in removals_of({month_of(at) for at, _number in gone})]
    erased = [one.leaf for one in erasures_of_events(gone)] if gone else []
    return tuple(leaf for leaf in (*removed, *erased) if leaf is not None)


def event_table(events: list[tuple[tuple[Row, AccessEvent], Leaf | None]]) -> Table:
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
    return from_rows("cited_events", said("Events behind the alerts"), columns, rows)


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    """Return stored bytes as bytes."""
    return None if value is None else bytes(value)
