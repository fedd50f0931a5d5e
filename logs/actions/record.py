"""Recording: one delivered body becomes events, leaves and counts, in the one transaction of the open scope."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import DatabaseError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from ledger.entries import salts
from ledger.kinds import LeafBatch
from logs.actions import stage
from logs.actions.chunks import keep_chunk
from logs.actions.manifests import seal_manifest
from logs.actions.numbers import keep_numbers
from logs.actions.routed import Routes, touch
from logs.answers import DeliveryAnswer
from logs.bodies import Body, spool
from logs.intake import Chunk, ContentKeys, GivenIds, Reading, kept_unread, native_key
from logs.kinds import Draft, Format, SourceSettings
from logs.leftopen import LeftOpen
from logs.models import Delivery, LogSource
from logs.ownsources import PROGRAMS, services_of
from logs.parsers import PARSERS
from logs.policies import can_record_events
from logs.rereading import reader_name
from logs.sealing import Place, rfc3339
from logs.sequences import NUMBERED, Seen
from logs.watched import Register
from tenants.kinds import Actor, enforce
from tenants.scope import add_batch, current_scope, current_tenant_id

REPLAY: Final = timedelta(hours=48)
"""How long the same body from the same source is answered as before and not stored again (ingest.md 3.3)."""

LOCK_SECONDS: Final = 10
CHUNKED_SUFFIX: Final = "-chunked"
"""Ends the name of a door where the body came chunked: one that was cut between two records cannot be told."""

MOST_BEGINNINGS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a body came: its door, the sender's key for it, their address, and the equal-record counter of its file.

    ``keys`` is given where the body is a whole file or its next part: records without an id of their own are then told
    apart by their bytes and by how many equal ones came before, so that a file that grew is stored once. Elsewhere
    equal records are never taken for duplicates: real logs hold genuine repeats. ``ids`` are those that the sender gave
    to its records outside of them. ``spoilt`` says why a record with these bytes must not be read, though it could be:
    it was cut off.
    """

    door: str
    idempotency_key: str = ""
    address: str | None = None
    keys: ContentKeys | None = None
    ids: GivenIds | None = None
    spoilt: Mapping[bytes, str] = field(default_factory=dict)
    note: dict[str, str | int] = field(default_factory=dict)


class KeyReusedError(Exception):
    """An Idempotency-Key was sent again with another body."""


def record_events(
    *,
    source: LogSource,
    body: bytes | Iterable[bytes] | Body,
    door: str | Envelope,
    by: Actor,
    idempotency_key: str = "",
) -> DeliveryAnswer:
    """Record one delivered body; the answer holds once the open scope's transaction is committed.

    Everything the body holds is stored, counted as a duplicate or as no access event, or quarantined with its reason.
    A body that the source delivered within the last 48 hours changes nothing and gives the answer of then.

    Raises:
        Refused: the source is switched off or not the actor's to deliver to.
        BodyError: the body is empty, too long, damaged, or holds too many records.
        KeyReusedError: the idempotency key belongs to another body.
        RulesChangedError: the routing rules of the source were changed meanwhile; nothing is stored.
        UsedMeanwhileError: another delivery held the other lines of the same attempt; nothing is stored.
    """
    enforce(can_record_events(by, source))
    envelope = door if isinstance(door, Envelope) else Envelope(door=door, idempotency_key=idempotency_key)
    whole = body if isinstance(body, Body) else spool([body] if isinstance(body, bytes) else body)
    work = _Work(source, whole, envelope, by)
    try:
        with transaction.atomic():
            _refuse_replay(work)
            work.reading.skip = _stored_before(work)
            _read(work)
            _lock(work)
            _refuse_replay(work)
            delivery, batch = _finish(work)
            routed = work.routes.finish(delivery) if work.routes else ()
    except _ReplayError as replay:
        return answer_of(replay.delivery, replayed=True)
    finally:
        if whole is not body:
            whole.close()
    add_batch(batch)
    for client_id, part in routed:
        add_batch(part, client_id=client_id)
    return answer_of(delivery)


@dataclass(slots=True)
class _Work:
    """One delivery on its way into the tables."""

    source: LogSource
    body: Body
    envelope: Envelope
    by: Actor
    reading: Reading = field(init=False)
    left_open: LeftOpen = field(default_factory=LeftOpen)
    facts: stage.Facts = field(init=False)
    routes: Routes | None = field(init=False)

    def __post_init__(self) -> None:
        received_at, batch, parser = timezone.now(), uuid4(), PARSERS[Format(self.source.format)]
        name = reader_name(parser, self.source.mapping_version if self.source.mapping else None)
        place = Place(str(batch), str(current_scope().log_id), self.source.pk, name, rfc3339(received_at))
        self.reading = Reading(place, received_at, numbers=Seen(NUMBERED.get(self.source.format)))
        self.facts = {
            "tenant": self.source.tenant_id,
            "source": self.source.pk,
            "system": self.source.system_id,
            "parser": name,
            "batch": batch,
            "received_at": received_at,
        }
        self.routes = Routes(self.source, self.reading) if self.source.routing_version else None


class _ReplayError(Exception):
    """The body was delivered before: what this transaction staged is rolled back."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(str(delivery))
        self.delivery = delivery


class RulesChangedError(DatabaseError):
    """The rules of a shared source were changed while a delivery was read by the old ones: it has to come again.

    So versions and deliveries stand in one order, and no delivery is routed by rules that no longer held.
    """


def answer_of(delivery: Delivery, *, replayed: bool = False) -> DeliveryAnswer:
    """Return the answer that belongs to a stored delivery."""
    return DeliveryAnswer(
        batch=delivery.id,
        received=delivery.received,
        stored=delivery.stored + delivery.routed,
        duplicates=delivery.duplicates,
        ignored=delivery.ignored,
        quarantined=delivery.quarantined,
        errors=tuple(delivery.errors),
        replayed=replayed,
        routed={part["slug"]: part["events"] for part in delivery.routed_to} if delivery.routing else None,
    )


def _refuse_replay(work: _Work) -> None:
    """Raise where the same body, or another one under the same key, was delivered before."""
    deliveries = Delivery.objects.filter(source=work.source)
    key = work.envelope.idempotency_key
    if key:
        before = deliveries.filter(idempotency_key=key).first()
        if before and bytes(before.body_sha256) != work.body.sha256:
            message = "This Idempotency-Key was used for another body: send a new key with a new body."
            raise KeyReusedError(message)
    else:
        recent = deliveries.filter(body_sha256=work.body.sha256, received_at__gt=work.reading.received_at - REPLAY)
        before = recent.order_by("-received_at").first()
    if before:
        raise _ReplayError(before)


def _stored_before(work: _Work) -> int:
    """Return how many records at the beginning of the body an earlier chunked delivery has stored.

    The server cannot tell a chunked body that ended from one whose sender died between two lines (measured with granian
    2.8): the first lines are then stored, though never answered, and the sender sends the whole again.
    """
    recent = Delivery.objects.filter(
        source=work.source, door__endswith=CHUNKED_SUFFIX, received_at__gt=work.reading.received_at - REPLAY
    )
    shorter = recent.filter(body_bytes__lt=work.body.size).order_by("-received_at")[:MOST_BEGINNINGS]
    begun = list(shorter.values_list("body_bytes", "body_sha256", "received"))
    prefixes = work.body.prefixes(size for size, _digest, _received in begun) if begun else {}
    return max((received for size, digest, received in begun if prefixes.get(size) == bytes(digest)), default=0)


def _lock(work: _Work) -> None:
    """Let deliveries of one source wait for each other, after the long work and before the roll-ups."""
    source = work.source
    locked = LogSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    source.last_record, source.last_received_at = locked.last_record, locked.last_received_at
    source.last_occurred_at = locked.last_occurred_at
    if source.routing_version != locked.routing_version:
        message = "The routing rules of the source were changed meanwhile."
        raise RulesChangedError(message)
    source.left_open = work.left_open.joined(locked.left_open, work.reading.received_at)


def _read(work: _Work) -> None:
    """Parse the body chunk by chunk into the stage, and move the stage into the event table."""
    source, reading = work.source, work.reading
    settings = SourceSettings(
        time_zone=source.time_zone,
        year=source.year,
        received_at=reading.received_at,
        mapping=source.mapping,
        services=services_of(source.key),
        programs=PROGRAMS,
        memory=work.left_open.now,
    )
    parser = PARSERS[Format(source.format)]
    if parser.remembers:
        work.left_open.recall(LogSource.objects.values_list("left_open", flat=True).get(pk=source.pk))
    outcomes = parser.parse(work.body, settings)
    if work.envelope.ids:
        outcomes = work.envelope.ids.named(outcomes)
    if work.envelope.spoilt:
        outcomes = kept_unread(outcomes, work.envelope.spoilt)
    register = Register(source)
    with connections["default"].cursor() as cursor:
        # For every lock from here on: another delivery's record keys, the source's row, roll-ups, the ledger's head.
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        stage.open_stage(cursor)
        if work.routes:
            stage.open_routed(cursor)
        for chunk in reading.chunks(outcomes):
            _drop_duplicates(cursor, reading, chunk, work.facts, work.envelope.keys)
            if work.routes:
                work.routes.divert(cursor, reading, chunk)
            register.learn(chunk.drafts)
            keep_chunk(cursor, reading, chunk, register)
            stage.keep_quarantine(cursor, work.facts, chunk.rejected)
        stage.insert_events(cursor, work.facts)
        if work.routes:
            work.routes.insert_events(cursor)


def _finish(work: _Work) -> tuple[Delivery, LeafBatch]:
    """Write roll-ups and delivery; return the delivery and the leaves for the ledger."""
    reading, tally = work.reading, work.reading.tally
    delivery, leaf = _deliver(work)
    with connections["default"].cursor() as cursor:
        delivery.first_occurred_at, delivery.last_occurred_at = stage.time_span(cursor)
        stage.add_rollups(cursor, work.facts, quarantined=tally.quarantined, ignored=tally.ignored.total())
        if work.routes:
            work.routes.count_for_operator(cursor, delivery, work.facts)
        delivery.save(force_insert=True)
        touch(work.source, delivery)
        keep_numbers(work.source, reading.numbers, reading.received_at)
        stage.notify(cursor, current_tenant_id())
    leaves = [*reading.leaves, leaf]
    batch = LeafBatch(id=delivery.pk, leaves=leaves, received_at=reading.received_at, body_sha256=work.body.sha256)
    return delivery, batch


def _drop_duplicates(
    cursor: CursorWrapper, reading: Reading, chunk: Chunk, facts: stage.Facts, contents: ContentKeys | None
) -> None:
    """Leave only the drafts in the chunk whose record was not stored before, and keep their keys."""
    source_id = reading.place.source
    keys: list[bytes] = []
    for draft in chunk.drafts:
        if draft.native_id:
            keys.append(native_key(source_id, draft.native_id))
        else:
            keys.append(contents.key(draft.raw) if contents else b"")
    asked = [key for key in keys if key]
    if not asked:
        return
    new = stage.keep_keys(cursor, facts, asked)
    if len(new) == len(asked):
        return
    kept: list[Draft] = []
    again: list[bytes] = []
    for key, draft in zip(keys, chunk.drafts, strict=True):
        if key and key not in new:
            reading.tally.duplicates += 1
            again.append(key)
            continue
        new.discard(key)
        kept.append(draft)
    stage.renew_keys(cursor, facts, again)
    chunk.drafts = kept


def _deliver(work: _Work) -> tuple[Delivery, bytes]:
    """Return the delivery with its sealed manifest, and the manifest's leaf: the last of the batch."""
    source, body, envelope, reading = work.source, work.body, work.envelope, work.reading
    tally, place = reading.tally, reading.place
    delivery = Delivery(
        id=UUID(place.batch),
        source=source,
        door=envelope.door,
        received_at=reading.received_at,
        by=work.by.name[:200],
        address=envelope.address or None,
        body_sha256=body.sha256,
        body_bytes=body.size,
        idempotency_key=envelope.idempotency_key,
        parser=place.parser,
        received=tally.received,
        stored=tally.stored,
        duplicates=tally.duplicates,
        ignored=tally.ignored.total(),
        quarantined=tally.quarantined,
        ignored_reasons=dict(tally.ignored.most_common(50)),
        errors=tally.errors,
        first_record=tally.first_record,
        last_record=tally.last_record,
        previous_record=source.last_record,
        salts=salts(1)[0],
    )
    if tally.columns:
        envelope.note["columns"] = tally.columns.decode("utf-8", "backslashreplace")
    note = {**envelope.note, **(work.routes.name_in(delivery) if work.routes else {})}
    return delivery, seal_manifest(delivery, place, tally.rejects.hexdigest(), note)
