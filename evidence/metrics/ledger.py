"""Measures the ledger's integrity over the period: entries re-hashed against the tree, checkpoints, refusals."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from uuid import UUID

from django.db.models import QuerySet

from evidence.kinds import KindEvidence
from evidence.metrics.frame import Asked, Frame, Row
from ledger import queries
from ledger.entries import leaf_hash, seal
from ledger.kinds import HASH_BYTES, LeafKind
from ledger.tiles import WIDTH
from ledger.tilestore import StoredTiles
from logs.queries import sealed_entries
from tenants.models import AuditEntry

BATCHES = """
SELECT id, epoch, first_index, n, received_at FROM ledger_batch
WHERE log_id = %(log)s AND received_at >= %(since)s AND received_at < %(until)s ORDER BY epoch, first_index
"""
CHECKPOINTS = """
SELECT epoch, size, signed_at FROM ledger_checkpoint
WHERE log_id = %(log)s AND signed_at >= %(since)s AND signed_at < %(until)s ORDER BY epoch, size
"""
UNSEALED = """
SELECT min(b.received_at) AS oldest FROM ledger_batch b WHERE b.log_id = %(log)s AND b.received_at < %(as_of)s
    AND b.epoch = (SELECT max(h.epoch) FROM ledger_head h WHERE h.log_id = %(log)s)
    AND b.first_index + b.n > (
        SELECT coalesce(max(c.size), 0) FROM ledger_checkpoint c WHERE c.log_id = %(log)s AND c.epoch = b.epoch)
"""
REFUSED = """
SELECT count(*) AS refused FROM ledger_refusal
WHERE log_id = %(log)s AND refused_at >= %(since)s AND refused_at < %(until)s
"""
ANCHORED = """
SELECT count(DISTINCT (epoch, size)) AS anchored FROM ledger_anchor
WHERE log_id = %(log)s AND anchored_at >= %(since)s AND anchored_at < %(until)s AND holder <> ''
"""
COLUMNS = ("month", "batches", "entries", "verified", "broken", "first_index", "last_index")
_CHUNK = 50


def measure(frame: Frame) -> KindEvidence:
    """Return the ledger's evidence; an entry is verified when its stored bytes hash to the leaf that the tree holds."""
    asked = Asked(frame)
    batches = asked.rows(BATCHES)
    checkpoints = asked.rows(CHECKPOINTS)
    oldest = asked.one(UNSEALED)["oldest"]
    verified = _verified(batches, frame)
    rows = _months(batches, verified)
    entries = sum(row["entries"] for row in rows)
    metrics = {
        "entries": entries,
        "verified_entries": sum(row["verified"] for row in rows),
        "breaks": sum(row["broken"] for row in rows),
        "consistency_failures": _inconsistent(checkpoints, frame.log_id),
        "checkpoints": len(checkpoints),
        "oldest_unsealed_hours": (frame.as_of - oldest).total_seconds() / 3600 if oldest else 0.0,
        "anchored_checkpoints": asked.one(ANCHORED)["anchored"],
        "refused_changes": asked.one(REFUSED)["refused"],
    }
    held = ("Checkpoints count as anchored where the holder is named: clients, auditors, or a folder's holder.",)
    notes = held if metrics["anchored_checkpoints"] else ("No checkpoint is held by a named third party.",)
    return asked.answer("ledger", metrics, rows, columns=COLUMNS, notes=notes, title="Ledger by month")


def _verified(batches: list[Row], frame: Frame) -> dict[UUID, int]:
    """Return how many leaves of each batch the stored bytes give again; each tile of 256 leaves is read once."""
    counts: dict[UUID, int] = {}
    if not batches:
        return counts
    tiles = {epoch: StoredTiles(frame.log_id, epoch) for epoch in {row["epoch"] for row in batches}}
    read = lru_cache(maxsize=4096)(lambda epoch, n: bytes(tiles[epoch].read(0, n)))
    places = {row["id"]: (row["epoch"], row["first_index"], row["n"]) for row in batches}
    for batch_id, number, leaf in _leaves(list(places), frame.watch):
        epoch, first, n = places[batch_id]
        tile, at = divmod(first + number, WIDTH)
        if number < n and read(epoch, tile)[at * HASH_BYTES : (at + 1) * HASH_BYTES] == leaf:
            counts[batch_id] = counts.get(batch_id, 0) + 1
    return counts


def _leaves(batch_ids: list[UUID], watch: Callable[[], None]) -> Iterator[tuple[UUID, int, bytes]]:
    """Yield (batch, ordinal, leaf hash) recomputed from the stored bytes of audit entries and deliveries."""
    remaining: Iterable[UUID] = iter(batch_ids)
    while chunk := list(islice(remaining, _CHUNK)):
        watch()
        entries: QuerySet[AuditEntry] = AuditEntry.objects.filter(batch_id__in=chunk)
        for entry in entries.iterator(chunk_size=2000):
            sealed = seal(
                LeafKind(entry.leaf_kind), bytes(entry.core), subj=bytes(entry.subj), raw=None, salts=bytes(entry.salts)
            )
            yield entry.batch_id, entry.ord, leaf_hash(sealed)
        for stored in sealed_entries(chunk):
            sealed = seal(
                LeafKind(stored.kind), stored.core, subj=stored.subj, raw=stored.raw, salts=stored.salts or b""
            )
            yield stored.batch_id, stored.ord, leaf_hash(sealed)


def _months(batches: list[Row], verified: dict[UUID, int]) -> list[Row]:
    """Sum the batches by UTC month of receipt."""
    months: dict[str, Row] = {}
    for row in batches:
        name = f"{row['received_at']:%Y-%m}"
        blank = {
            "month": name,
            "batches": 0,
            "entries": 0,
            "verified": 0,
            "broken": 0,
            "first_index": row["first_index"],
        }
        month = months.setdefault(name, blank)
        good = verified.get(row["id"], 0)
        month["batches"] += 1
        month["entries"] += row["n"]
        month["verified"] += good
        month["broken"] += row["n"] - good
        month["last_index"] = row["first_index"] + row["n"] - 1
    return list(months.values())


def _inconsistent(checkpoints: list[Row], log_id: UUID) -> int:
    """Count the signed checkpoints whose root the tree does not give at their size any more."""
    limit = max(1, len(checkpoints) + 50)
    signed = {(item.epoch, item.size): item.root for item in queries.checkpoints(log_id, limit=limit)}
    asked = [(row["epoch"], row["size"]) for row in checkpoints]
    survived = {head.epoch: head.size for head in queries.heads(log_id)}
    return sum(
        queries.root_at(log_id, size, epoch=epoch) != signed[epoch, size]
        for epoch, size in asked
        if (epoch, size) in signed and size <= survived.get(epoch, 0)
    )
