"""Routing one delivery of a shared source: what its rules give to clients, each client's part in its own rows.

A part is a delivery of the client's own: its events, counts, manifest and ledger; records are numbered anew in it and
its body is only what came there, so that no client learns about another (docs/adr/0304). What cannot be read, what was
there before, replays and the answer stay with the operator, whose delivery names every part.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import msgspec
from django.db import connections
from django.db.backends.utils import CursorWrapper

from ledger.entries import Json, salts
from ledger.kinds import LeafBatch
from logs.actions import stage
from logs.actions.chunks import keep_chunk
from logs.actions.manifests import seal_manifest
from logs.intake import Chunk, Reading
from logs.kinds import Draft
from logs.models import Delivery, LogSource, SourceRouting
from logs.routing import Router, from_json
from logs.sealing import Place
from logs.watched import Register
from tenants.models import Tenant
from tenants.scope import client_scope


@dataclass(slots=True)
class _Part:
    """What one client gets of a delivery; ``taken`` numbers its records."""

    tenant: Tenant
    source: LogSource
    number: int
    reading: Reading
    register: Register
    facts: stage.Facts
    taken: int = 0
    body_bytes: int = 0
    body: Any = field(default_factory=hashlib.sha256)

    @property
    def rows(self) -> str:
        """What the statements read instead of the stage."""
        return stage.part_of(self.number)

    @property
    def stored(self) -> int:
        """How many events the client gets."""
        return self.reading.tally.stored


class Routes:
    """The rules that hold for a delivery, and the parts that they make of it."""

    def __init__(self, source: LogSource, reading: Reading) -> None:
        self._source, self._received_at = source, reading.received_at
        self._operator_place = reading.place
        self.routing = SourceRouting.objects.get(source=source, version=source.routing_version)
        rules = from_json(self.routing.rules)
        self._router = Router(rules)
        clients = Tenant.objects.filter(parent_id=source.tenant_id, uuid__in={rule.receiver for rule in rules})
        self._clients = {str(client.uuid): client for client in clients}
        self._parts: dict[str, _Part] = {}
        self._named: list[str] = []

    def divert(self, cursor: CursorWrapper, reading: Reading, chunk: Chunk) -> None:
        """Take the clients' drafts out of the operator's chunk; what the database refuses of them is quarantined there.

        A rule may name the operator itself: what it takes stays, whatever later rules say.
        """
        kept: list[Draft] = []
        taken: dict[str, list[Draft]] = {}
        for draft in chunk.drafts:
            to = self._router.receiver(draft)
            (taken.setdefault(to, []) if to in self._clients else kept).append(draft)
        chunk.drafts = kept
        for to, drafts in taken.items():
            with client_scope(self._clients[to]):
                part = self._parts.get(to) or self._open_part(to)
                _take(cursor, part, drafts, reading, chunk)
            names = [drafts[0], drafts[-1]]
            self._named = [*self._named[:1], *(one.native_id or f"record {one.position}" for one in names)]

    def _open_part(self, to: str) -> _Part:
        """Open the part of the open client: its routed source, which the rules' version has made."""
        client, place = self._clients[to], self._operator_place
        source = LogSource.objects.get(fed_by_id=self._source.tenant_id, fed_by_source=self._source.pk)
        source.tenant = client
        batch = uuid4()
        own = Place(str(batch), str(client.uuid), source.pk, place.parser, place.received_at)
        facts: stage.Facts = {
            "tenant": client.pk,
            "source": source.pk,
            "system": source.system_id,
            "parser": place.parser,
            "batch": batch,
            "received_at": self._received_at,
        }
        reading = Reading(own, self._received_at)
        part = _Part(client, source, len(self._parts) + 1, reading, Register(source), facts)
        self._parts[to] = part
        return part

    def _in_order(self) -> list[_Part]:
        """Return the parts that hold events, by the tenant's id: the order in which every delivery visits clients."""
        return sorted((part for part in self._parts.values() if part.stored), key=lambda part: part.tenant.pk)

    def insert_events(self, cursor: CursorWrapper) -> None:
        """Move each client's events into the event table, under that client's row security."""
        for part in self._in_order():
            with client_scope(part.tenant):
                stage.insert_events(cursor, part.facts, part.rows)

    def name_in(self, delivery: Delivery) -> dict[str, Json]:
        """Write into the operator's delivery by which rules and where its events went; returns it for the manifest."""
        parts = self._in_order()
        delivery.routing, delivery.routed = self.routing.version, sum(part.stored for part in parts)
        delivery.routed_to = [
            {
                "batch": part.reading.place.batch,
                "events": part.stored,
                "slug": part.tenant.slug,
                "tenant": str(part.tenant.uuid),
            }
            for part in parts
        ]
        if self._named:
            delivery.first_record = delivery.first_record or self._named[0]
            delivery.last_record = delivery.last_record or self._named[-1]
        routed = {"routed": delivery.routed, "routed_to": delivery.routed_to} if parts else {}
        return {**self._version(), **routed}

    def _version(self) -> dict[str, Json]:
        return {"routing": self.routing.version, "routing_sha256": bytes(self.routing.digest).hex()}

    def count_for_operator(self, cursor: CursorWrapper, delivery: Delivery, facts: stage.Facts) -> None:
        """Let the operator's source count the hours of what it delivered, wherever it went: its coverage is of all."""
        if not delivery.routed:
            return
        stage.add_hours(cursor, facts, rows=stage.ROUTED)
        first, last = stage.time_span(cursor, stage.ROUTED)
        delivery.first_occurred_at = min(at for at in (delivery.first_occurred_at, first) if at)
        delivery.last_occurred_at = max(at for at in (delivery.last_occurred_at, last) if at)

    def finish(self, delivery: Delivery) -> Sequence[tuple[int, LeafBatch]]:
        """Write each client's roll-ups and delivery; returns the leaves with the id of the client they belong to."""
        batches = []
        with connections["default"].cursor() as cursor:
            for part in self._in_order():
                with client_scope(part.tenant):
                    batches.append((part.tenant.pk, self._deliver(cursor, part, delivery)))
            stage.close_routed(cursor)
        return batches

    def _deliver(self, cursor: CursorWrapper, part: _Part, origin: Delivery) -> LeafBatch:
        """Store the client's delivery, under the lock of its routed source and in the order of every delivery."""
        locked = LogSource.objects.select_for_update(no_key=True).get(pk=part.source.pk)
        stage.add_rollups(cursor, part.facts, rows=part.rows)
        delivery = self._delivery(part, origin, locked.last_record)
        delivery.first_occurred_at, delivery.last_occurred_at = stage.time_span(cursor, part.rows)
        note = {**self._version(), "origin_batch": str(origin.pk), "origin_tenant": self._operator_place.tenant}
        leaf = seal_manifest(delivery, part.reading.place, part.reading.tally.rejects.hexdigest(), note)
        delivery.save(force_insert=True)
        touch(locked, delivery)
        stage.notify(cursor, part.tenant.pk)
        leaves = [*part.reading.leaves, leaf]
        body = part.body.digest()
        return LeafBatch(id=delivery.pk, leaves=leaves, received_at=delivery.received_at, body_sha256=body)

    def _delivery(self, part: _Part, origin: Delivery, previous_record: str) -> Delivery:
        tally = part.reading.tally
        return Delivery(
            id=UUID(part.reading.place.batch),
            source=part.source,
            door=origin.door,
            received_at=origin.received_at,
            by=origin.by,
            body_sha256=part.body.digest(),
            body_bytes=part.body_bytes,
            parser=origin.parser,
            received=tally.stored,
            stored=tally.stored,
            duplicates=0,
            ignored=0,
            quarantined=0,
            routing=self.routing.version,
            origin_batch=origin.pk,
            first_record=tally.first_record,
            last_record=tally.last_record,
            previous_record=previous_record,
            salts=salts(1)[0],
        )


def _take(cursor: CursorWrapper, part: _Part, drafts: Sequence[Draft], operator: Reading, whole: Chunk) -> None:
    """Copy drafts for a client, numbered anew; refused ones join the operator's quarantine at their own place."""
    chunk, places = Chunk(), {}
    for draft in drafts:
        places[part.taken] = draft.position
        if stated := whole.stated.get(draft.position):
            chunk.stated[part.taken] = stated
        chunk.drafts.append(msgspec.structs.replace(draft, position=part.taken))
        part.taken += 1
    part.register.learn(chunk.drafts)
    copy = partial(stage.copy_routed, receiver=part.number)
    keep_chunk(cursor, part.reading, chunk, part.register, copy)
    refused = {row[0] for row in chunk.rejected}
    for row in chunk.rejected:
        operator.keep_reject(whole, (places[row[0]], *row[1:]))
    for draft in chunk.drafts:
        if draft.position not in refused:
            part.body.update(draft.raw + b"\n")
            part.body_bytes += len(draft.raw) + 1


def touch(source: LogSource, delivery: Delivery) -> None:
    """Write the source's freshness; its row is locked."""
    latest = [at for at in (source.last_occurred_at, delivery.last_occurred_at) if at]
    source.last_received_at = delivery.received_at
    source.last_occurred_at = max(latest) if latest else None
    source.last_record = delivery.last_record or source.last_record
    source.save(update_fields=["last_received_at", "last_occurred_at", "last_record", "left_open"])
