"""Whether every row that leaves an event or a quarantined record out of the pages rests on sealed bytes.

An event is left out where a row says that a later reading of its record takes its place. Such a row is sealed nowhere
itself: the later event's sealed core names what it supersedes. A row put in hides an access, one taken out counts it
twice; both are found here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
from django.db import connections

from logs.models import AGAIN
from logs.rereading import resolved_digest
from logs.sealing import Origin, leaf_name, origin_of
from logs.terms import month_of

_CHUNK: Final = 2000
_NONE: Final = Origin("")

_ROWS: Final = """
SELECT s.event_id, s.batch_id, s.ord, s.by_batch_id, o.batch_id, o.ord, n.batch_id, n.core, s.by_received_at, s.by_id
FROM logs_superseded s
LEFT JOIN logs_accessevent o ON o.tenant_id = s.tenant_id AND o.received_at = s.received_at AND o.id = s.event_id
LEFT JOIN logs_accessevent n ON n.tenant_id = s.tenant_id AND n.received_at = s.by_received_at AND n.id = s.by_id
WHERE s.tenant_id = %(tenant)s
"""
_EVENTS: Final = """
SELECT e.id, e.core, s.event_id, q.delivery_id, q.position
FROM logs_delivery d
JOIN logs_accessevent e ON e.tenant_id = d.tenant_id AND e.received_at = d.received_at AND e.batch_id = d.id
LEFT JOIN logs_superseded s ON s.tenant_id = e.tenant_id AND s.by_received_at = e.received_at AND s.by_id = e.id
LEFT JOIN logs_resolvedline r ON r.tenant_id = e.tenant_id AND r.batch_id = e.batch_id AND r.event_id = e.id
LEFT JOIN logs_quarantinedline q ON q.tenant_id = r.tenant_id AND q.id = r.line_id
WHERE d.tenant_id = %(tenant)s AND d.door = %(again)s
"""
_RESOLVED: Final = """
SELECT r.batch_id, d.core, r.line_id, r.outcome, q.delivery_id, q.position, e.core, d.received_at, r.event_id
FROM logs_resolvedline r
JOIN logs_delivery d ON d.tenant_id = r.tenant_id AND d.id = r.batch_id
JOIN logs_quarantinedline q ON q.tenant_id = r.tenant_id AND q.id = r.line_id
LEFT JOIN logs_accessevent e ON e.tenant_id = r.tenant_id AND e.received_at = d.received_at AND e.id = r.event_id
WHERE r.tenant_id = %(tenant)s ORDER BY r.batch_id
"""

_ERASED: Final = """
SELECT t.received_at, t.event_id FROM logs_erasedleaf t
JOIN logs_erasure e ON e.tenant_id = t.tenant_id AND e.id = t.erasure_id
WHERE t.tenant_id = %(tenant)s AND e.removed_at IS NOT NULL
"""
_PRUNED: Final = """
SELECT DISTINCT month FROM logs_retentionprune WHERE tenant_id = %(tenant)s AND removed_at IS NOT NULL
"""

Fault = tuple[str, str]
"""Where a fault is, and what it is."""


class Gone(NamedTuple):
    """What may have gone lawfully: months of receipt by their term, and events, by receipt and number, by a deed."""

    months: Collection[date]
    events: Collection[tuple[datetime, int]]

    def explains(self, received_at: datetime, number: int) -> bool:
        """Say whether an event that is not stored may have gone; whether each was announced is told elsewhere."""
        return month_of(received_at) in self.months or (received_at, number) in self.events


def reading_faults(tenant_id: int, using: str) -> Iterator[Fault]:
    """Yield what is left out without a sealed reason, and what is shown beside the reading that takes its place."""
    asked = {"tenant": tenant_id, "again": AGAIN}
    # Events of these months may have gone by their term; whether each that is missing was announced is told elsewhere.
    pruned = {month for (month,) in _rows(_PRUNED, asked, using)}
    gone = Gone(pruned, {(at, number) for at, number in _rows(_ERASED, asked, using)})
    for *row, by_received_at, by_id in _rows(_ROWS, asked, using):
        if row[-1] is not None or not gone.explains(by_received_at, by_id):
            yield from _of_superseded(*row)
    for number, core, older, delivery_id, position in _rows(_EVENTS, asked, using):
        origin = _origin(core)
        if origin.supersedes and older is None:
            yield f"event {number}", "the reading that it supersedes is shown too"
        if origin.resolves and origin.resolves != leaf_name(delivery_id, position):
            yield f"event {number}", "the record in quarantine that it resolves is not marked"
    for _batch, rows in groupby(_rows(_RESOLVED, asked, using), key=lambda row: row[0]):
        yield from _of_resolved(list(rows), gone)


def _of_superseded(*row: Any) -> Iterator[Fault]:
    """Check one row that leaves an event out."""
    event_id, batch_id, number, by_batch_id, old_batch_id, old_number, new_batch_id, core = row
    if old_batch_id is not None and (old_batch_id, old_number) != (batch_id, number):
        yield f"event {event_id}", "it is left out under the place of another event"
    if core is None or new_batch_id != by_batch_id or _origin(core).supersedes != leaf_name(batch_id, number):
        yield f"event {event_id}", "it is left out, and no sealed event says that it supersedes it"


def _of_resolved(rows: list[tuple[Any, ...]], removed: Gone) -> Iterator[Fault]:
    """Check the records of one batch that are marked as resolved."""
    batch_id, manifest = rows[0][:2]
    without = {line_id: outcome for _batch, _core, line_id, outcome, *_rest in rows if outcome != "event"}
    if resolved_digest(without) != _sealed(manifest).get("resolved_without_event"):
        yield f"batch {batch_id}", "the records that left quarantine without an event are not those of its manifest"
    for _batch, _core, line_id, outcome, delivery_id, position, core, received_at, event_id in rows:
        gone = core is None and removed.explains(received_at, event_id)
        named = core is not None and _origin(core).resolves == leaf_name(delivery_id, position)
        if outcome == "event" and not (gone or named):
            yield f"quarantined record {line_id}", "it is marked as resolved, and no sealed event says that it was"


def _rows(statement: str, asked: dict[str, Any], using: str) -> Iterator[tuple[Any, ...]]:
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(statement, asked)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _origin(core: Any) -> Origin:
    """Return what sealed bytes say; bytes that cannot be read say nothing (and are a fault of their own)."""
    try:
        return origin_of(bytes(core)) or _NONE
    except (msgspec.DecodeError, ValueError):
        return _NONE


def _sealed(core: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(bytes(core))
    except ValueError:
        return {}
    return found
