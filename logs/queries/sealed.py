"""Events in the order of the ledger, and the sealed bytes that verification hashes again."""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from identities.models import Account
from ledger import queries as ledger
from ledger.entries import leaf_hash, seal
from ledger.kinds import BatchPlace, LeafKind
from ledger.models import Batch
from logs.answers import EventPage, SealedEntry
from logs.kinds import ClockQuality
from logs.models import AccessEvent, Delivery
from logs.places import why_nowhere
from logs.queries.again import links_of
from logs.queries.search import HEAVY
from logs.sealing import CORE_COLUMNS, SUBJECT_COLUMNS, differences
from tenants.scope import current_scope

SHOWN = ("batch_id", "source_id", "extra", *CORE_COLUMNS, *SUBJECT_COLUMNS)
"""Columns that verification compares with the sealed bytes."""

_BATCHES = 200


def events_after(cursor: int, limit: int = 1000) -> EventPage:
    """Return events from a leaf index of the tenant's ledger on, in its order, and the index to go on from.

    The leaf index is a safe cursor: whatever is committed later has a higher one. A page may hold no event and still
    move the cursor (leaves of other kinds); at the end the cursor stays. Superseded events are left out: whoever took
    one before gets its next reading later on, under that one's own index.
    """
    log_id = current_scope().log_id
    places = _places_from(log_id, cursor)
    events: list[AccessEvent] = []
    for place in places:
        begin = max(0, cursor - place.first_index)
        rows = AccessEvent.objects.filter(received_at=place.received_at, batch_id=place.id, ord__gte=begin)
        part = list(rows.order_by("ord").defer(*HEAVY)[: limit - len(events)])
        events += part
        cursor = place.first_index + place.n
        if len(events) >= limit:
            last = place.first_index + part[-1].ord + 1 if part else cursor
            return EventPage(events, min(cursor, last))
    return EventPage(events, cursor)


def _places_from(log_id: UUID, cursor: int) -> list[BatchPlace]:
    """Return the batches that hold the leaf at the cursor and the next ones."""
    places = ledger.batches(log_id, first_index=cursor, limit=_BATCHES)
    try:
        holding = ledger.batch_at(log_id, cursor)
    except Batch.DoesNotExist:
        return places
    return places if places and places[0].id == holding.id else [holding, *places]


def sealed_entries(batch_ids: Collection[UUID]) -> Iterator[SealedEntry]:
    """Give every leaf of the deliveries in the order of their ordinals, the manifest last; two queries a delivery."""
    deliveries = Delivery.objects.filter(pk__in=list(batch_ids)).order_by("received_at", "id")
    for delivery in deliveries:
        rows = AccessEvent.sealed.filter(received_at=delivery.received_at, batch_id=delivery.pk).order_by("ord")
        for event in rows.iterator(chunk_size=2000):
            yield sealed_event(event)
        core, salts = bytes(delivery.core), bytes(delivery.salts)
        yield SealedEntry(delivery.pk, delivery.stored, LeafKind.MANIFEST, core, None, None, salts, None)


def sealed_event(event: AccessEvent) -> SealedEntry:
    """Return the stored leaf of one event with the columns to compare."""
    return SealedEntry(
        event.batch_id,
        event.ord,
        LeafKind.EVENT,
        bytes(event.core),
        _bytes(event.subj),
        _bytes(event.raw),
        _bytes(event.salts),
        {name: getattr(event, name) for name in SHOWN},
    )


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the ledger, and what that proves.

    ``matches`` is true when the stored bytes hash to the leaf in the tree; ``signed_at`` is the newest checkpoint that
    covers it, None before the first.
    """

    index: int
    leaf: bytes
    matches: bool
    tree_size: int
    signed_size: int | None
    signed_at: datetime | None


def place_of(event: AccessEvent) -> Place:
    """Hash the event's stored bytes again and look its leaf up in the tenant's ledger."""
    log_id = current_scope().log_id
    batch = ledger.batch(log_id, event.batch_id)
    index, epoch = batch.first_index + event.ord, batch.epoch
    entry = sealed_event(event)
    leaf = b""
    if entry.salts is not None:
        leaf = leaf_hash(seal(LeafKind.EVENT, entry.core, subj=entry.subj, raw=entry.raw, salts=entry.salts))
    checkpoint = ledger.latest_checkpoint(log_id, epoch=epoch)
    covered = checkpoint is not None and checkpoint.size > index
    return Place(
        index=index,
        leaf=leaf,
        matches=leaf == ledger.leaf(log_id, index, epoch=epoch),
        tree_size=ledger.head(log_id, epoch=epoch).size,
        signed_size=checkpoint.size if checkpoint and covered else None,
        signed_at=checkpoint.signed_at if checkpoint and covered else None,
    )


def event_facts(event: AccessEvent) -> dict[str, Any]:
    """Return what the page of one event shows beside it: delivery, place in the ledger, record and sealed bytes."""
    raw, entry = _bytes(event.raw), sealed_event(event)
    delivery = Delivery.objects.filter(pk=event.batch_id).select_related("source").first()
    return {
        "delivery": delivery,
        "place": place_of(event),
        "raw": raw.decode("utf-8", "backslashreplace") if raw is not None else "",
        "raw_sha256": hashlib.sha256(raw).hexdigest() if raw is not None else "",
        "core": json.loads(entry.core),
        "places_on": _places_on(delivery),
        "nowhere": why_nowhere(event.src_ip) if event.src_ip and not event.src_country else "",
        "changed": differences(entry.core, entry.subj, entry.shown or {}),
        "account": Account.objects.select_related("system", "identity").filter(pk=event.account_id or 0).first(),
        "links": links_of(event),
        "clock": ClockQuality(event.clock_quality).label if event.clock_quality in ClockQuality.values else "",
    }


def _places_on(delivery: Delivery | None) -> date | None:
    """Return the day of the table of addresses that was in use at intake, as the sealed manifest says it."""
    said = json.loads(bytes(delivery.core)).get("places_on") if delivery else None
    return date.fromisoformat(said) if said else None
