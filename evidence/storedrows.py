"""The rows whose bytes were sealed, read in bundles for verification: events, manifests, audit entries, quarantine.

Every query names its tenant, because verification may log in as the read-only role, which row security does not bind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from ledger.entries import leaf_hash, seal
from ledger.kinds import BatchPlace, LeafKind
from ledger.models import Batch
from logs.models import AccessEvent, Delivery, ErasedLeaf, QuarantinedLine, ResolvedLine
from logs.queries.sealed import SHOWN
from logs.sealing import differences, rfc3339
from logs.watched import actor_key
from tenants.models import AuditEntry

CHUNK = 2000
SEALED = ("batch_id", "ord", "core", "subj", "raw", "salts")
MANIFEST_COLUMNS = (
    "body_bytes",
    "door",
    "duplicates",
    "first_record",
    "ignored",
    "last_record",
    "parser",
    "previous_record",
    "quarantined",
    "received",
    "stored",
)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One sealed row: its place in the batch, its leaf hashed again, and the columns that differ from its bytes."""

    name: str
    batch_id: UUID
    ord: int
    leaf: bytes
    differs: tuple[str, ...]


class StoredRows:
    """Reads the sealed rows of one tenant over one connection."""

    def __init__(self, tenant_id: int, log_id: UUID, using: str) -> None:
        self.tenant_id, self.log_id, self.using = tenant_id, log_id, using

    def events(self, places: Iterable[BatchPlace]) -> Iterator[StoredRow]:
        """Yields the events of some batches, batch by batch, in the order of their ordinals."""
        known = list(places)
        rows = AccessEvent.sealed.using(self.using).filter(
            tenant_id=self.tenant_id,
            received_at__in={place.received_at for place in known},
            batch_id__in=[place.id for place in known],
        )
        ordered = rows.order_by("batch_id", "ord", "id").values_list(*SEALED, "id", "actor_key", *SHOWN)
        for row in ordered.iterator(chunk_size=CHUNK):
            yield _event(row)

    def manifests(self, places: Iterable[BatchPlace]) -> dict[UUID, StoredRow]:
        """Returns the manifests of some batches; their columns are checked, and the batch row's hash of the body."""
        known = {place.id: place for place in places}
        rows = Delivery.objects.using(self.using).filter(tenant_id=self.tenant_id, id__in=list(known))
        return {row.id: _manifest(row, known[row.id]) for row in rows}

    def deeds(self, places: Iterable[BatchPlace]) -> dict[UUID, list[StoredRow]]:
        """Returns the audit entries of some batches, in the order of their ordinals."""
        ids = [place.id for place in places]
        rows = AuditEntry.objects.using(self.using).filter(tenant_id=self.tenant_id, batch_id__in=ids)
        found: dict[UUID, list[StoredRow]] = {}
        for row in rows.order_by("batch_id", "ord"):
            found.setdefault(row.batch_id, []).append(deed_row(row, self.log_id))
        return found

    def announced_keys(self) -> set[str]:
        """Returns the verifier keys that entries of the log announced as new ones."""
        rows = AuditEntry.objects.using(self.using).filter(tenant_id=self.tenant_id, leaf_kind=LeafKind.ROTATION)
        return {str(detail.get("new_key")) for detail in rows.values_list("detail", flat=True)}

    def epoch_start(self, epoch: int) -> dict[str, Any]:
        """Returns what the first entry of a later epoch says about the one before; empty where there is none."""
        first = Batch.objects.using(self.using).filter(log_id=self.log_id, epoch=epoch, first_index=0)
        rows = AuditEntry.objects.using(self.using).filter(
            tenant_id=self.tenant_id, leaf_kind=LeafKind.EPOCH, batch_id__in=first.values("id")
        )
        found: dict[str, Any] | None = rows.order_by("ord").values_list("detail", flat=True).first()
        return found or {}

    def quarantine_faults(self, ids: Sequence[UUID], removed: Callable[[datetime], bool]) -> Iterator[tuple[UUID, str]]:
        """Yields deliveries whose quarantined records are not those that the manifest's hash names, with the reason.

        ``removed`` says whether retention took the bytes of the records that were received at a moment.
        """
        deliveries = Delivery.objects.using(self.using).filter(tenant_id=self.tenant_id, id__in=ids)
        sealed = {row.id: json.loads(bytes(row.core)) for row in deliveries.filter(quarantined__gt=0)}
        lines = QuarantinedLine.objects.using(self.using).filter(tenant_id=self.tenant_id, delivery_id__in=ids)
        digests = {batch_id: hashlib.sha256() for batch_id in sealed}
        for line in lines.order_by("delivery_id", "id").iterator(chunk_size=CHUNK):
            digest = bytes(line.raw_sha256)
            if not line.cut and hashlib.sha256(bytes(line.raw)).digest() != digest:
                yield line.delivery_id, f"the quarantined record {line.position} was changed"
            if not line.raw and line.raw_bytes and line.pk not in self.erased_lines and not removed(line.received_at):
                yield line.delivery_id, f"the bytes of the quarantined record {line.position} are gone"
            digests.setdefault(line.delivery_id, hashlib.sha256()).update(digest)
        for batch_id, found in digests.items():
            if found.hexdigest() != sealed.get(batch_id, {}).get("quarantined_sha256"):
                yield batch_id, "the quarantined records are not those that the manifest counts"

    @cached_property
    def erased_lines(self) -> set[int]:
        """Returns the quarantined records whose event a deed of erasure took, with their bytes."""
        leaves = ErasedLeaf.objects.using(self.using).filter(
            tenant_id=self.tenant_id, erasure__removed_at__isnull=False
        )
        of_event = leaves.filter(batch_id=OuterRef("batch_id"), event_id=OuterRef("event_id"))
        lines = ResolvedLine.objects.using(self.using).filter(Exists(of_event), tenant_id=self.tenant_id)
        return set(lines.values_list("line_id", flat=True))

    def totals(self) -> tuple[int, int, int]:
        """Returns how many events, deliveries and audit entries the tenant has."""
        managers = (AccessEvent.sealed, Delivery.objects, AuditEntry.objects)
        events, deliveries, deeds = (
            manager.using(self.using).filter(tenant_id=self.tenant_id).count() for manager in managers
        )
        return events, deliveries, deeds

    def strays(self, limit: int) -> Iterator[str]:
        """Yields the names of rows that belong to no batch of the log."""
        batches = Batch.objects.using(self.using).filter(log_id=self.log_id)
        by_batch = batches.filter(id=OuterRef("batch_id"))
        events = AccessEvent.sealed.using(self.using).filter(tenant_id=self.tenant_id)
        lost = events.filter(~Exists(by_batch.filter(received_at=OuterRef("received_at"))))
        yield from (f"event {number}" for number in lost.values_list("id", flat=True)[:limit])
        deliveries = Delivery.objects.using(self.using).filter(tenant_id=self.tenant_id)
        unknown = deliveries.filter(~Exists(batches.filter(id=OuterRef("id"))))
        yield from (f"delivery {number}" for number in unknown.values_list("id", flat=True)[:limit])
        deeds = AuditEntry.objects.using(self.using).filter(tenant_id=self.tenant_id).filter(~Exists(by_batch))
        yield from (f"audit entry {number}" for number in deeds.values_list("id", flat=True)[:limit])


def _event(row: Sequence[Any]) -> StoredRow:
    """Hashes one event again and compares its columns."""
    batch_id, number, core, subj, raw, salts, event_id, key = row[:8]
    shown = dict(zip(SHOWN, row[8:], strict=True))
    leaf = _leaf(LeafKind.EVENT, core, subj, raw, salts)
    differs = _differences(core, subj, shown)
    if subj is not None and key not in map(actor_key, (shown["actor_name"], shown["actor_uid"])):
        differs = (*differs, "actor_key")
    return StoredRow(f"event {event_id}", batch_id, number, leaf, differs)


def _differences(core: bytes, subj: bytes | None, shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Compares the columns of an event with its bytes; bytes that cannot be read differ in themselves."""
    try:
        return tuple(differences(bytes(core), None if subj is None else bytes(subj), shown))
    except ValueError:
        return ("core",)


def _manifest(row: Delivery, place: BatchPlace) -> StoredRow:
    """Hashes one manifest again and compares the delivery's columns."""
    core = bytes(row.core)
    shown: dict[str, object] = {name: getattr(row, name) for name in MANIFEST_COLUMNS}
    shown |= {"batch": str(row.id), "source": row.source_id, "received_at": rfc3339(row.received_at)}
    shown |= {"body_sha256": bytes(row.body_sha256).hex()}
    # Only deliveries of shared sources say these; in the columns of the others they are empty.
    shown |= {"routing": row.routing or None, "routed": row.routed or None, "routed_to": row.routed_to or None}
    shown |= {"origin_batch": str(row.origin_batch) if row.origin_batch else None}
    differs = _unequal(core, shown)
    if place.body_sha256 != bytes(row.body_sha256) or place.received_at != row.received_at:
        differs = (*differs, "batch")
    leaf = _leaf(LeafKind.MANIFEST, core, None, None, bytes(row.salts))
    return StoredRow(f"manifest of delivery {row.id}", row.id, row.stored, leaf, differs)


def deed_row(row: AuditEntry, log_id: UUID) -> StoredRow:
    """Hashes one audit entry again and compares its columns."""
    core, subj = bytes(row.core), bytes(row.subj)
    differs = _unequal(core, {"at": rfc3339(row.at), "id": str(row.id), "log": str(log_id), "verb": row.verb})
    who = {"actor": row.actor_name, "actor_id": row.actor_user_id, "detail": row.detail, "target": row.target}
    leaf = _leaf(row.leaf_kind, core, subj, None, bytes(row.salts))
    return StoredRow(f"audit entry {row.id}", row.batch_id, row.ord, leaf, differs + _unequal(subj, who))


def _unequal(sealed: bytes, shown: Mapping[str, object]) -> tuple[str, ...]:
    """Returns the names whose shown value is not the sealed one."""
    try:
        values = json.loads(sealed)
    except ValueError:
        return ("core",)
    return tuple(sorted(name for name, value in shown.items() if values.get(name) != value))


def _leaf(kind: int, core: bytes, subj: bytes | None, raw: bytes | None, salts: bytes | None) -> bytes:
    """Hashes stored bytes again; bytes that could never be sealed give no leaf."""
    try:
        entry = seal(
            LeafKind(kind),
            bytes(core),
            subj=None if subj is None else bytes(subj),
            raw=None if raw is None else bytes(raw),
            salts=bytes(salts or b""),
        )
    except ValueError:
        return b""
    return leaf_hash(entry)
