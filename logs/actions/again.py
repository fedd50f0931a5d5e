"""Reading again: what a newer parser or mapping makes of a batch's sealed records becomes a batch of its own.

Nothing is edited: an event whose reading differs is superseded by a new one, which names it in its sealed bytes; a
record that left quarantine becomes an event; counts follow by their differences. One batch is one transaction, so that
a job that dies leaves whole batches only (ADR 0305).
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

import msgspec
from django.db import DataError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from ledger.entries import canonical, leaf_hash, salts, seal
from ledger.kinds import LeafBatch, LeafKind
from logs.actions import corrections, stage
from logs.actions.record import LOCK_SECONDS, answer_of
from logs.actions.stage import CHANNEL
from logs.copyrows import Columns
from logs.intake import Chunk, Reading, native_key
from logs.kinds import Draft, Ignored
from logs.models import AGAIN, Delivery, LogSource, Rereading, ResolvedLine
from logs.policies import can_read_again
from logs.queries.again import JOB, first_receipt, read_stored, reader_of, reading_again
from logs.queries.search import newest_event_at
from logs.rereading import Kept, changes, resolved_digest
from logs.sealing import Origin, Place, leaf_name, rfc3339, with_origin
from logs.watched import Register
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Work
from tenants.scope import add_batch, current_scope
from tenants.work import enqueue

CLAIM: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


@transaction.atomic
def request_reading_again(*, source: LogSource, since: datetime | None, until: datetime | None, by: Actor) -> Work:
    """Hand the reading of a source's old records to the worker; one that waits or runs already is returned."""
    enforce(can_read_again(by, source))
    running = reading_again(source)
    if running is not None:
        return running
    window = [moment.isoformat() if moment else "" for moment in (since, until)]
    title = f"Reading the records of {source.name} again"
    work = enqueue(f"{JOB}.{source.pk}", "logs.jobs.read_again", source.pk, *window, by.name, title=title, by=by)
    detail = {"reader": reader_of(source), "since": since, "until": until}
    audit("source.read_again", by=by, target=source.name, detail=detail)
    return work


def read_batch_again(*, batch: Delivery, by: Actor) -> Rereading | None:
    """Read one batch again with its source's present parser and mapping; None where that was done before.

    Runs in an open scope and outside of savepoints; the answer holds once the scope's transaction is committed.

    Raises:
        Refused: the batch is not the actor's to read again.
        ParseError: the mapping cannot be used, or the batch's column names do not fit it.
    """
    source = batch.source
    enforce(can_read_again(by, source))
    reader = reader_of(source)
    if not _claimed(batch, reader):
        return None
    work = _Work(source, batch, first_receipt(batch), reader)
    leaves = None
    with transaction.atomic():
        _read(work)
        if work.changed:
            leaves = _finish(work, by)
        answer = _note(work, by)
        detail = {"batch": batch.pk, "reader": reader, "by_batch": answer.by_batch_id, **work.counts()}
        audit("batch.read_again", by=by, target=source.name, detail=detail)
    if leaves is not None:
        add_batch(leaves)
    return answer


def _claimed(batch: Delivery, reader: str) -> bool:
    """Wait for whoever reads the same batch again; return whether it is still to be done."""
    if batch.parser == reader:
        return False
    with connections["default"].cursor() as cursor:
        cursor.execute(CLAIM, [f"read again {batch.pk}"])
    return not Rereading.objects.filter(batch=batch, reader=reader).exists()


class _AgainReading(Reading):
    """A reading whose events say in their sealed bytes where they come from; times are judged by the first receipt."""

    origins: dict[int, Origin]

    def _cores(self, drafts: Sequence[Draft], columns: Columns, chunk: Chunk) -> list[bytes]:
        cores = super()._cores(drafts, columns, chunk)
        return [with_origin(core, self.origins[draft.position]) for core, draft in zip(cores, drafts, strict=True)]


@dataclass(slots=True)
class _Work:
    """One batch on its way to its next reading."""

    source: LogSource
    batch: Delivery
    first: datetime
    reader: str
    reading: _AgainReading = field(init=False)
    facts: stage.Facts = field(init=False)
    kept: dict[int, Kept] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)
    became: Counter[str] = field(default_factory=Counter)
    read: int = 0
    unchanged: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0

    def __post_init__(self) -> None:
        now, new = timezone.now(), uuid4()
        place = Place(str(new), str(current_scope().log_id), self.source.pk, self.reader, rfc3339(now))
        self.reading = _AgainReading(place, self.first)
        self.reading.origins = {}
        self.digest.update(f"countersign: {self.batch.pk} read again by {self.reader} as {new}\n".encode())
        self.facts = {
            "tenant": self.source.tenant_id,
            "source": self.source.pk,
            "system": self.source.system_id,
            "parser": self.reader,
            "batch": new,
            "received_at": now,
            "old_batch": self.batch.pk,
            "old_received_at": self.batch.received_at,
            "first_received_at": self.first,
        }

    @property
    def changed(self) -> int:
        """How many records become something else."""
        return self.reading.tally.stored + len(self.lines)

    @property
    def resolved(self) -> int:
        """How many records leave quarantine."""
        return self.became["line"] + len(self.lines)

    def counts(self) -> dict[str, int]:
        """Return what the records became; together they are all that were read."""
        superseded = self.became["event"]
        kept = self.read - superseded - self.resolved - self.unchanged
        return {
            "read": self.read,
            "superseded": superseded,
            "resolved": self.resolved,
            "unchanged": self.unchanged,
            "kept": kept,
        }


def _read(work: _Work) -> None:
    """Parse the batch's records into the stage, those that differ alone, and from there into the event table."""
    reading, register = work.reading, Register(work.source)
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        stage.open_stage(cursor)
        for chunk in reading.chunks(_drafts(work)):
            _leave_same(work, chunk)
            _keep_keys(cursor, work, chunk)
            register.learn(chunk.drafts)
            _stage(cursor, work, chunk, register)
            work.kept.clear()
        stage.insert_events(cursor, work.facts)


def _drafts(work: _Work) -> Iterator[Draft]:
    """Give what can be an event now, at its old position; note what each was, and what is no access event."""
    for kept, outcome in read_stored(work.batch, work.source, work.first):
        work.read += 1
        work.digest.update(kept.raw + b"\n")
        work.size += len(kept.raw) + 1
        if isinstance(outcome, Draft):
            work.kept[kept.position] = kept
            yield _at(outcome, kept.position)
        elif isinstance(outcome, Ignored) and kept.line_id is not None:
            work.lines[kept.line_id] = ResolvedLine.Outcome.IGNORED


def _at(draft: Draft, position: int) -> Draft:
    return draft if draft.position == position else msgspec.structs.replace(draft, position=position)


def _leave_same(work: _Work, chunk: Chunk) -> None:
    """Leave only the drafts in the chunk whose reading differs, and say where each comes from."""
    first, old, differing = rfc3339(work.first), work.batch.pk, []
    for draft in chunk.drafts:
        kept = work.kept[draft.position]
        if kept.reading is not None and not changes(draft, kept.reading):
            work.unchanged += 1
            continue
        if kept.ord is not None:
            origin = Origin(first, supersedes=leaf_name(old, kept.ord))
        else:
            origin = Origin(first, resolves=leaf_name(old, kept.position))
        work.reading.origins[draft.position] = origin
        differing.append(draft)
    chunk.drafts = differing


def _keep_keys(cursor: CursorWrapper, work: _Work, chunk: Chunk) -> None:
    """Keep the keys of new ids, so that a resend stores nothing; a record that was stored meanwhile is no new event."""
    keyed = [(draft, native_key(work.source.pk, draft.native_id)) for draft in chunk.drafts if draft.native_id]
    if not keyed:
        return
    new = stage.keep_keys(cursor, work.facts, [key for _draft, key in keyed])
    again: set[int] = set()
    for draft, key in keyed:
        line_id = work.kept[draft.position].line_id
        if line_id is not None and key not in new:
            work.lines[line_id] = ResolvedLine.Outcome.DUPLICATE
            again.add(draft.position)
        new.discard(key)
    chunk.drafts = [draft for draft in chunk.drafts if draft.position not in again]


def _stage(cursor: CursorWrapper, work: _Work, chunk: Chunk, register: Register) -> None:
    """Copy the chunk into the stage; a record that the database refuses stays as it was read."""
    reading, drafts = work.reading, chunk.drafts
    before = reading.mark(chunk)
    try:
        with transaction.atomic():
            stage.copy_rows(cursor, reading.rows(chunk, register.find))
    except DataError:
        reading.undo(before, chunk)
        chunk.drafts = [draft for draft in drafts if _taken(cursor, reading, draft, register)]
        stage.copy_rows(cursor, reading.rows(chunk, register.find))
    refused = {row[0] for row in chunk.rejected}
    for draft in chunk.drafts:
        if draft.position not in refused:
            work.became["event" if work.kept[draft.position].ord is not None else "line"] += 1


def _taken(cursor: CursorWrapper, reading: Reading, draft: Draft, register: Register) -> bool:
    """Return whether the database takes a record; nothing of the try is kept."""
    alone = Chunk(drafts=[draft])
    before = reading.mark(alone)
    try:
        with transaction.atomic():
            stage.copy_rows(cursor, reading.rows(alone, register.find))
            transaction.set_rollback(True)
    except DataError:
        return False
    finally:
        reading.undo(before, alone)
    return True


def _finish(work: _Work, by: Actor) -> LeafBatch:
    """Store the batch with its manifest, what supersedes what, and the counts; return its leaves."""
    LogSource.objects.select_for_update(no_key=True).get(pk=work.source.pk)
    outcomes = list(work.lines.values())
    ignored = outcomes.count(ResolvedLine.Outcome.IGNORED)
    work.facts |= {"lines": list(work.lines), "outcomes": outcomes, "ignored": ignored, "resolved": work.resolved}
    with connections["default"].cursor() as cursor:
        delivery, leaf = _deliver(work, stage.time_span(cursor), by)
        delivery.save(force_insert=True)
        corrections.supersede(cursor, work.facts)
        corrections.resolve(cursor, work.facts)
        corrections.correct_rollups(cursor, work.facts)
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(work.source.tenant_id)])
    LogSource.objects.filter(pk=work.source.pk).update(last_occurred_at=newest_event_at([work.source.pk]))
    received_at: datetime = work.facts["received_at"]
    sha256 = bytes(delivery.body_sha256)
    return LeafBatch(id=delivery.pk, leaves=[*work.reading.leaves, leaf], received_at=received_at, body_sha256=sha256)


def _deliver(work: _Work, span: tuple[datetime | None, datetime | None], by: Actor) -> tuple[Delivery, bytes]:
    """Return the batch of what was read again with its sealed manifest, and the manifest's leaf."""
    tally, salt, answers = work.reading.tally, salts(1)[0], list(work.lines.values())
    delivery = Delivery(
        id=work.facts["batch"],
        source=work.source,
        door=AGAIN,
        received_at=work.facts["received_at"],
        by=by.name[:200],
        body_sha256=work.digest.digest(),
        body_bytes=work.size,
        parser=work.reader,
        received=work.changed,
        stored=tally.stored,
        duplicates=answers.count(ResolvedLine.Outcome.DUPLICATE),
        ignored=answers.count(ResolvedLine.Outcome.IGNORED),
        quarantined=0,
        first_record=tally.first_record,
        last_record=tally.last_record,
        first_occurred_at=span[0],
        last_occurred_at=span[1],
        salts=salt,
    )
    delivery.core = core = canonical(_manifest(work, delivery))
    return delivery, leaf_hash(seal(LeafKind.MANIFEST, core, subj=None, raw=None, salts=salt))


def _manifest(work: _Work, delivery: Delivery) -> dict[str, str | int]:
    """Return what the batch's manifest says: who read what again, and what became of it."""
    answer, place, counts = answer_of(delivery), work.reading.place, work.counts()
    about = (
        f"Re-normalised from batch {work.batch.pk}, read by {work.batch.parser}, by {work.reader}; "
        f"sealed from {place.received_at} on."
    )
    return {
        "about": about,
        "again_of": str(work.batch.pk),
        "again_read_by": work.batch.parser,
        "batch": place.batch,
        "body_bytes": delivery.body_bytes,
        "body_sha256": bytes(delivery.body_sha256).hex(),
        "door": AGAIN,
        "duplicates": answer.duplicates,
        "first_received_at": rfc3339(work.first),
        "first_record": delivery.first_record,
        "ignored": answer.ignored,
        "last_record": delivery.last_record,
        "parser": place.parser,
        "previous_record": "",
        "quarantined": 0,
        "quarantined_sha256": hashlib.sha256().hexdigest(),
        "received": answer.received,
        "received_at": place.received_at,
        "resolved_without_event": resolved_digest(work.lines),
        "source": place.source,
        "stored": answer.stored,
        "tenant": place.tenant,
        "v": 1,
        **{f"again_{name}": number for name, number in counts.items()},
    }


def _note(work: _Work, by: Actor) -> Rereading:
    """Note that the batch was read again by this reader, also where nothing differed."""
    return Rereading.objects.create(
        batch=work.batch,
        reader=work.reader,
        first_received_at=work.first,
        by_batch_id=work.facts["batch"] if work.changed else None,
        by=by.name[:200],
        ended_at=work.facts["received_at"],
        **work.counts(),
    )
