"""Measures the ledger's integrity over the period: entries re-hashed against the tree, checkpoints, refusals."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from uuid import UUID

from evidence.kinds import KindEvidence
from evidence.languages import Said, joined, minute, said
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
UNHELD = said("No checkpoint is held by a named third party.")
_CHUNK = 50
HASHED_AT_ONCE = 100_000
"""Entries that one evaluation hashes again, 5 s of a core; 10,000,000 take minutes, and the weekly verification."""


@dataclass(frozen=True, slots=True)
class Complete:
    """The newest complete verification: when, up to which leaf of the newest epoch, and how many failures it found."""

    at: datetime
    epoch: int
    size: int
    failures: int

    def covers(self, batch: Row) -> bool:
        """Tell whether it hashed all entries of a batch."""
        return bool(batch["epoch"] == self.epoch and batch["first_index"] + batch["n"] <= self.size)


def measure(frame: Frame) -> KindEvidence:
    """Return the ledger's evidence; an entry is verified when its stored bytes hash to the leaf that the tree holds.

    All entries are hashed now where there are not too many. Of more, those that the newest complete verification hashed
    count as verified by it, and the newest of the others are hashed now: the notes say how many, and when.
    """
    asked = Asked(frame)
    batches = asked.rows(BATCHES)
    checkpoints = asked.rows(CHECKPOINTS)
    oldest = asked.one(UNSEALED)["oldest"]
    now, complete = _chosen(batches, frame)
    before = [row for row in batches if complete and complete.covers(row)]
    verified = _verified(now, frame)
    failures = complete.failures if complete and before else 0
    verified |= {row["id"]: row["n"] for row in before if not failures}
    rows = _months(batches, verified, {row["id"] for row in now})
    entries = sum(row["entries"] for row in rows)
    metrics = {
        "entries": entries,
        "verified_entries": sum(row["verified"] for row in rows),
        "breaks": sum(row["broken"] for row in rows) + failures,
        "consistency_failures": _inconsistent(checkpoints, frame.log_id),
        "checkpoints": len(checkpoints),
        "oldest_unsealed_hours": (frame.as_of - oldest).total_seconds() / 3600 if oldest else 0.0,
        "anchored_checkpoints": asked.one(ANCHORED)["anchored"],
        "refused_changes": asked.one(REFUSED)["refused"],
    }
    held = (said("Checkpoints count as anchored where the holder is named: clients, auditors, or a folder's holder."),)
    notes: tuple[Said, ...] = held if metrics["anchored_checkpoints"] else (UNHELD,)
    notes += _told(entries, now, before, complete)
    return asked.answer("ledger", metrics, rows, columns=COLUMNS, notes=notes, title=said("Ledger by month"))


def _chosen(batches: list[Row], frame: Frame) -> tuple[list[Row], Complete | None]:
    """Return the batches to hash now, and the complete verification that stands for others, if there are too many."""
    if sum(row["n"] for row in batches) <= HASHED_AT_ONCE:
        return batches, None
    complete = _newest_complete(frame)
    now: list[Row] = []
    left = HASHED_AT_ONCE
    for row in reversed(batches):
        if not (complete and complete.covers(row)) and row["n"] <= left:
            now.append(row)
            left -= row["n"]
    return now, complete


def _newest_complete(frame: Frame) -> Complete | None:
    """Return the newest complete verification of the log as it is now; one of an epoch before a restore is none."""
    entry = AuditEntry.objects.filter(verb="ledger.verified", at__lt=frame.as_of).order_by("-at").first()
    heads = queries.heads(frame.log_id)
    if entry is None or entry.target != heads[-1].origin:
        return None
    newest = int(entry.detail["size"]) - sum(head.size for head in heads[:-1])
    return Complete(entry.at, heads[-1].epoch, newest, sum(int(n) for n in entry.detail["failures"].values()))


def _told(entries: int, now: list[Row], before: list[Row], complete: Complete | None) -> tuple[Said, ...]:
    """Say what was hashed in this run and what rests on the complete verification, where not all was hashed now."""
    hashed, earlier = (sum(row["n"] for row in part) for part in (now, before))
    if hashed == entries:
        return ()
    if complete is None:
        rest = said("The others were not: there is no complete verification of the ledger as it is now.")
    else:
        found = said("{failures} failures", failures=complete.failures) if complete.failures else said("no failure")
        rest = said(
            "{earlier} were hashed by the complete verification of {at} UTC, which found {found}; what was changed "
            "after it, the next one finds.",
            earlier=earlier,
            at=minute(complete.at),
            found=found,
        )
    first = said("{hashed} of {entries} entries were hashed again in this run.", hashed=hashed, entries=entries)
    return (joined(" ", (first, rest)),)


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
        columns = ("batch_id", "ord", "leaf_kind", "core", "subj", "salts")
        entries = AuditEntry.objects.filter(batch_id__in=chunk).values_list(*columns)
        for batch_id, number, kind, core, subj, salts in entries.iterator(chunk_size=2000):
            sealed = seal(LeafKind(kind), bytes(core), subj=bytes(subj), raw=None, salts=bytes(salts))
            yield batch_id, number, leaf_hash(sealed)
        for stored in sealed_entries(chunk):
            sealed = seal(
                LeafKind(stored.kind), stored.core, subj=stored.subj, raw=stored.raw, salts=stored.salts or b""
            )
            yield stored.batch_id, stored.ord, leaf_hash(sealed)


def _months(batches: list[Row], verified: dict[UUID, int], hashed: set[UUID]) -> list[Row]:
    """Sum the batches by UTC month of receipt; broken are entries that were hashed now and did not match."""
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
        month["broken"] += row["n"] - good if row["id"] in hashed else 0
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
