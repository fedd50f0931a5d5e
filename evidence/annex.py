"""Makes the completeness annex: every ledger entry since before the period, so that a withheld row shows (ADR 0503).

A line a leaf or a run of leaves, in the order of the log, from an entry before the period to the checkpoint's end:

    L kind commitment commitment core    a deed or a delivery's manifest: never personal, its personal parts closed
    R n hash ...                         the n events of the delivery whose manifest follows: only their tree hashes

Whoever has the lines computes the checkpoint's root from them and sees every deed of the period by its verb and time.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from evidence.bundle import Annex
from evidence.kept import keep
from evidence.metrics.frame import Frame
from ledger import queries as ledger
from ledger.entries import parse_entry, seal
from ledger.kinds import BatchPlace, LeafKind
from logs.models import Delivery
from tenants.models import AuditEntry

MAX_BATCHES: Final = 200_000
"""Deeds and deliveries of the span: about 100 MB of lines. Above it the pack goes without, and says so."""
BEFORE: Final = timedelta(hours=2)
"""The annex begins with an entry at least this much older than the period; the verifier asks for one hour."""
_CHUNK: Final = 1_000
_ENTRIES: Final = 2_000


class AnnexError(RuntimeError):
    """The stored rows do not make up the log's batches: `verify_ledger` says where; the pack is not issued."""


class _TooLongError(Exception):
    """The span has too many deeds and deliveries."""


def make_annex(frame: Frame, size: int, folder: Path | None = None) -> Annex | None:
    """Return the annex under the checkpoint of `size` leaves, or None where it would be too long.

    Raises:
        AnnexError: Rows are missing from a batch.
    """
    before = ledger.last_batch_before(frame.log_id, frame.period.start - BEFORE)
    first = before.first_index if before and before.first_index < size else 0
    edge = tuple(ledger.covers(frame.log_id, [(0, first)])[0])
    try:
        lines = (line + b"\n" for line in _span(frame, first, size))
        return Annex(first, edge, keep(lines, folder / "annex.txt" if folder else None))
    except _TooLongError:
        return None


def _span(frame: Frame, first: int, size: int) -> Iterator[bytes]:
    """Yield the lines from a leaf to the checkpoint's end."""
    at, batches = first, 0
    while at < size:
        places = [
            place
            for place in ledger.batches(frame.log_id, first_index=at, limit=_CHUNK)
            if place.first_index + place.n <= size
        ]
        batches += len(places)
        if batches > MAX_BATCHES:
            raise _TooLongError
        if not places:
            raise AnnexError(f"The ledger's batches end at entry {at}, its checkpoint at {size}: run verify_ledger.")
        frame.watch()
        yield from _lines(frame, places)
        at = places[-1].first_index + places[-1].n


def _lines(frame: Frame, places: list[BatchPlace]) -> Iterator[bytes]:
    """Yield the lines of some batches."""
    deliveries = {row.pk: row for row in Delivery.objects.filter(pk__in=[place.id for place in places])}
    deeds = _Deeds([place for place in places if place.id not in deliveries])
    runs = [(place.first_index, place.first_index + place.n - 1) for place in places if place.id in deliveries]
    covered = dict(zip([first for first, _ in runs], ledger.covers(frame.log_id, runs), strict=True))
    for place in places:
        delivery = deliveries.get(place.id)
        entries = [] if delivery else deeds.of(place)
        if place.n != (delivery.stored + 1 if delivery else len(entries)):
            raise AnnexError(f"The batch {place.id} has {place.n} ledger entries and other rows: run verify_ledger.")
        if delivery is None:
            yield from (_deed(entry) for entry in entries)
            continue
        if delivery.stored:
            yield b" ".join((b"R", str(delivery.stored).encode(), *_encoded(covered[place.first_index])))
        yield _leaf(seal(LeafKind.MANIFEST, bytes(delivery.core), subj=None, raw=None, salts=bytes(delivery.salts)))


class _Deeds:
    """The audit entries of some batches, asked for in their order; a batch may hold thousands, so few are held."""

    def __init__(self, places: list[BatchPlace]) -> None:
        self.waiting = places
        self.held: dict[object, list[AuditEntry]] = {}

    def of(self, place: BatchPlace) -> list[AuditEntry]:
        """Return the entries of the next batch, and let go of them."""
        if place.id not in self.held:
            ids: list[UUID] = []
            leaves = 0
            while self.waiting and (not ids or leaves + self.waiting[0].n <= _ENTRIES):
                ids.append(self.waiting[0].id)
                leaves += self.waiting.pop(0).n
            for entry in AuditEntry.objects.filter(batch_id__in=ids).order_by("batch_id", "ord"):
                self.held.setdefault(entry.batch_id, []).append(entry)
        return self.held.pop(place.id, [])


def _deed(entry: AuditEntry) -> bytes:
    """Return the line of an audit entry."""
    kind, core, subj, salts = LeafKind(entry.leaf_kind), bytes(entry.core), bytes(entry.subj), bytes(entry.salts)
    return _leaf(seal(kind, core, subj=subj, raw=None, salts=salts))


def _leaf(entry: bytes) -> bytes:
    """Return the line of one opened leaf."""
    parts = parse_entry(entry)
    return b" ".join((b"L", str(int(parts.kind)).encode(), *_encoded((parts.subj, parts.raw)), parts.core))


def _encoded(hashes: Iterable[bytes]) -> Iterator[bytes]:
    """Yield hashes in base64, an absent commitment as a dash."""
    for item in hashes:
        yield base64.b64encode(item) if item.strip(b"\0") else b"-"
