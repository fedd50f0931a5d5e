"""Reads of the ledger: heads, batches, proofs, tiles and checkpoints. The scope of the log must be open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

from django.db.models import F

from ledger.kinds import HASH_BYTES, BatchPlace, Head, KeyLink, ProofBundle, SignedCheckpoint
from ledger.merkle import Nodes, aligned, consistency_path, inclusion_path
from ledger.models import Anchor, Batch, Checkpoint, Log, Refusal
from ledger.models import Head as HeadRow
from ledger.notes import parse_checkpoint, parse_note
from ledger.proofs import format_growth
from ledger.tiles import WIDTH, edge_at, edge_root, nodes_from, places_of
from ledger.tilestore import StoredTiles

AHEAD: Final = 64
"""Tiles that are read ahead where ranges follow each other."""
FETCHED: Final = 2_000
"""Most leaves whose tiles are read in one statement: about as many tiles, of 8 KiB each."""


class UnknownLogError(LookupError):
    """The log was never opened, or its scope is not the open one."""


class NotSignedError(LookupError):
    """The log has no checkpoint yet."""


def head(log_id: UUID, *, epoch: int | None = None, using: str = "default") -> Head:
    """Returns size and root of one of the log's epochs, the newest unless told.

    Raises:
        UnknownLogError: The log has no such head in the open scope.
    """
    rows = HeadRow.objects.using(using).filter(log_id=log_id).order_by("-epoch")
    row = (rows if epoch is None else rows.filter(epoch=epoch)).first()
    if row is None:
        raise UnknownLogError(f"The log {log_id} is not open.")
    origin = Log.objects.using(using).filter(log_id=log_id, epoch=row.epoch).values_list("origin", flat=True).first()
    if origin is None:
        raise UnknownLogError(f"Epoch {row.epoch} of the log {log_id} has no origin.")
    return Head(log_id, row.epoch, origin, row.size, bytes(row.root))


def heads(log_id: UUID, *, using: str = "default") -> list[Head]:
    """Returns the heads of all epochs of a log, oldest first."""
    epochs = HeadRow.objects.using(using).filter(log_id=log_id).order_by("epoch").values_list("epoch", flat=True)
    return [head(log_id, epoch=epoch, using=using) for epoch in epochs]


def logs(*, using: str = "default") -> list[tuple[UUID, int, str]]:
    """Returns (log, epoch, origin) of every log's newest epoch; needs no scope."""
    rows = Log.objects.using(using).order_by("log_id", "-epoch").distinct("log_id")
    return [(row.log_id, row.epoch, row.origin) for row in rows]


def latest_checkpoint(log_id: UUID, *, epoch: int | None = None, using: str = "default") -> SignedCheckpoint | None:
    """Returns the newest signed checkpoint, of one epoch if told, or None before the first.

    What it says is the note's, not the columns'.
    """
    rows = Checkpoint.objects.using(using).filter(log_id=log_id).order_by("-epoch", "-size")
    row = (rows if epoch is None else rows.filter(epoch=epoch)).first()
    return None if row is None else _signed(row)


def checkpoints(log_id: UUID, limit: int = 50) -> list[SignedCheckpoint]:
    """Returns the newest signed checkpoints, newest first."""
    rows = Checkpoint.objects.filter(log_id=log_id).order_by("-epoch", "-size")[:limit]
    return [_signed(row) for row in rows]


def verifier_key(log_id: UUID, *, using: str = "default") -> str:
    """Returns the key line that checks the newest checkpoint.

    It comes from the database: a reader who distrusts the database takes the key from the contract or an earlier pack.

    Raises:
        NotSignedError: Nothing was signed yet.
    """
    keys = Checkpoint.objects.using(using).filter(log_id=log_id).order_by("-epoch", "-size")
    vkey = keys.values_list("vkey", flat=True).first()
    if vkey is None:
        raise NotSignedError(f"The log {log_id} has no checkpoint yet.")
    return vkey


def key_links(log_id: UUID) -> list[KeyLink]:
    """Returns each change of the log's key with the checkpoint that both keys signed, oldest first; empty for none."""
    rows = Checkpoint.objects.filter(log_id=log_id).order_by("epoch", "vkey", "size").distinct("epoch", "vkey")
    ordered = sorted(rows, key=lambda row: (row.epoch, row.size))
    return [KeyLink(before.vkey, row.vkey, row.note, row.size) for before, row in pairwise(ordered)]


def anchors(log_id: UUID, *, epoch: int | None = None, limit: int = 20, using: str = "default") -> list[Anchor]:
    """Returns the checkpoints that were handed to somebody else, newest first, of one epoch if told."""
    rows = Anchor.objects.using(using).filter(log_id=log_id).order_by("-anchored_at", "-id")
    return list((rows if epoch is None else rows.filter(epoch=epoch))[:limit])


def anchors_of(log_id: UUID, epoch: int, size: int) -> list[Anchor]:
    """Returns who was handed one checkpoint, in the order in which it was."""
    return list(Anchor.objects.filter(log_id=log_id, epoch=epoch, size=size).order_by("id"))


def checkpoint_of_note(log_id: UUID, note: str) -> SignedCheckpoint:
    """Returns the checkpoint that this very note is.

    Raises:
        NotSignedError: The log's signer published no such note.
    """
    row = Checkpoint.objects.filter(log_id=log_id, note=note).first()
    if row is None:
        raise NotSignedError("This is no checkpoint that the log's signer published.")
    return _signed(row)


def notes_of(log_id: UUID, epoch: int, sizes: list[int]) -> dict[int, str]:
    """Returns the log's own checkpoints of these sizes, as the signer wrote them."""
    rows = Checkpoint.objects.filter(log_id=log_id, epoch=epoch, size__in=sizes)
    return dict(rows.values_list("size", "note"))


def cosigned_size(log_id: UUID, epoch: int, key: str) -> int:
    """Returns the size of the largest checkpoint that the witness with this key cosigned; 0 for none."""
    rows = Anchor.objects.filter(log_id=log_id, epoch=epoch, kind="witness", key=key).order_by("-size")
    return rows.values_list("size", flat=True).first() or 0


def refusals(log_id: UUID, limit: int = 20) -> list[Refusal]:
    """Returns the times the signer refused the log, newest first."""
    return list(Refusal.objects.filter(log_id=log_id).order_by("-refused_at", "-id")[:limit])


def newest_at(log_id: UUID) -> datetime | None:
    """Returns when the newest batch was received, or None for an empty log."""
    rows = Batch.objects.filter(log_id=log_id).order_by("-epoch", "-first_index")
    return rows.values_list("received_at", flat=True).first()


def batch(log_id: UUID, batch_id: UUID) -> BatchPlace:
    """Returns where a batch lies in its log.

    Raises:
        Batch.DoesNotExist: The log has no such batch.
    """
    return _place(Batch.objects.get(log_id=log_id, id=batch_id))


def first_indexes(log_id: UUID, batch_ids: Collection[UUID]) -> dict[UUID, int]:
    """Returns where batches begin, for those that the log has."""
    rows = Batch.objects.filter(log_id=log_id, id__in=batch_ids)
    return dict(rows.values_list("id", "first_index"))


def batches(
    log_id: UUID, *, epoch: int | None = None, first_index: int = 0, limit: int = 1000, using: str = "default"
) -> list[BatchPlace]:
    """Returns batches of an epoch, the newest unless told, in the order of their indexes, from the index on."""
    epoch = epoch or head(log_id, using=using).epoch
    rows = Batch.objects.using(using).filter(log_id=log_id, epoch=epoch, first_index__gte=first_index)
    return [_place(row) for row in rows.order_by("first_index")[:limit]]


def last_batch_before(log_id: UUID, moment: datetime) -> BatchPlace | None:
    """Returns the newest batch of the newest epoch that was received at a moment or before, or None."""
    rows = Batch.objects.filter(log_id=log_id, epoch=head(log_id).epoch, received_at__lte=moment)
    row = rows.order_by("-first_index").first()
    return None if row is None else _place(row)


def batch_at(log_id: UUID, index: int) -> BatchPlace:
    """Returns the batch that holds a leaf.

    Raises:
        Batch.DoesNotExist: The log has no such leaf.
    """
    rows = Batch.objects.filter(log_id=log_id, epoch=head(log_id).epoch, first_index__lte=index)
    row = rows.filter(first_index__gt=index - F("n")).order_by("-first_index").first()
    if row is None:
        raise Batch.DoesNotExist(f"The log {log_id} has no leaf {index}.")
    return _place(row)


def leaf(log_id: UUID, index: int, *, epoch: int | None = None) -> bytes:
    """Returns the leaf hash at an index of an epoch, the newest unless told, as the tiles hold it.

    Raises:
        ValueError: The log has no such leaf.
    """
    found = head(log_id, epoch=epoch)
    _check_size(found, index + 1)
    n, at = divmod(index, WIDTH)
    row = StoredTiles(log_id, found.epoch).read(0, n)
    return row[at * HASH_BYTES : (at + 1) * HASH_BYTES]


def inclusion_proof(log_id: UUID, index: int, size: int, *, epoch: int | None = None) -> list[bytes]:
    """Returns the RFC 6962 2.1.1 path of a leaf in the tree of `size` leaves of an epoch, the newest unless told.

    Raises:
        ValueError: The leaf is not in that tree, or the log has fewer leaves.
    """
    return inclusion_path(index, size, _nodes(log_id, size, epoch, indexes=[index]))


def inclusion_proofs(log_id: UUID, indexes: list[int], size: int) -> dict[int, list[bytes]]:
    """Returns the paths of many leaves; tiles that they share are read once.

    Raises:
        ValueError: A leaf is not in that tree, or the log has fewer leaves.
    """
    nodes = _nodes(log_id, size, indexes=indexes)
    return {index: inclusion_path(index, size, nodes) for index in indexes}


def covers(log_id: UUID, ranges: Sequence[tuple[int, int]]) -> list[list[bytes]]:
    """Returns, for each range of leaves (first, end) of the newest epoch, the hashes of its perfect subtrees in order.

    Raises:
        ValueError: The log has fewer leaves.
    """
    found = head(log_id)
    _check_size(found, max((end for _, end in ranges), default=0))
    nodes = nodes_from(StoredTiles(log_id, found.epoch, ahead=AHEAD).read)
    return [[nodes(height, number) for height, number in aligned(first, end)] for first, end in ranges]


def consistency_proof(log_id: UUID, old: int, new: int, *, epoch: int | None = None) -> list[bytes]:
    """Returns the RFC 6962 2.1.2 proof that the tree of `new` leaves begins with that of `old` leaves.

    Raises:
        ValueError: The old tree is larger, or the log has fewer leaves.
    """
    return consistency_path(old, new, _nodes(log_id, new, epoch))


def growth_proof(log_id: UUID, old: int, new: int | None = None, *, using: str = "default") -> str:
    """Returns the file that proves that a signed checkpoint of the newest epoch continues the first `old` leaves.

    Args:
        log_id: The log, whose scope must be open.
        old: Size of the older checkpoint.
        new: Size of the newer one; the newest unless told.
        using: The database connection.

    Raises:
        NotSignedError: There is no checkpoint of the newer size.
        ValueError: The older size is larger than the newer one, or smaller than 1.
    """
    found = head(log_id, using=using)
    rows = Checkpoint.objects.using(using).filter(log_id=log_id, epoch=found.epoch).order_by("-size")
    row = (rows if new is None else rows.filter(size=new)).first()
    if row is None:
        raise NotSignedError(f"{found.origin} has no checkpoint of {new or 'any'} entries.")
    if not 1 <= old <= row.size:
        raise ValueError(f"The older checkpoint has between 1 and {row.size:,} entries.")
    read = StoredTiles(log_id, found.epoch, using=using).read
    return format_growth(old, consistency_path(old, row.size, nodes_from(read)), row.note)


def root_at(log_id: UUID, size: int, *, epoch: int | None = None) -> bytes:
    """Returns the root of the first `size` leaves of an epoch, the newest unless told, recomputed from the tiles.

    Raises:
        ValueError: The log has fewer leaves.
    """
    found = head(log_id, epoch=epoch)
    _check_size(found, size)
    return edge_root(edge_at(size, StoredTiles(log_id, found.epoch).read))


def proof_bundle(log_id: UUID, index: int, checkpoint: SignedCheckpoint) -> ProofBundle:
    """Returns what an outsider needs for one leaf beside its entry; size and root come from the signed note alone.

    Raises:
        ValueError: The leaf is not covered by the checkpoint.
    """
    body = parse_checkpoint(parse_note(checkpoint.note).text)
    path = inclusion_proof(log_id, index, body.size, epoch=checkpoint.epoch)
    return ProofBundle(index, body.size, body.root, tuple(path), checkpoint.note)


def _nodes(log_id: UUID, size: int, epoch: int | None = None, indexes: Collection[int] = ()) -> Nodes:
    """Returns the stored tree's nodes, after checking that it has this many leaves.

    The tiles that the proofs of these leaves need are read in one statement: a proof of one leaf takes two in all.
    """
    rows = HeadRow.objects.filter(log_id=log_id).order_by("-epoch").values_list("epoch", "size")
    found = (rows if epoch is None else rows.filter(epoch=epoch)).first()
    if found is None:
        raise UnknownLogError(f"The log {log_id} is not open.")
    if size > found[1]:
        raise ValueError(f"The log {log_id} has {found[1]} leaves, not {size}.")
    store = StoredTiles(log_id, found[0])
    if 0 < len(indexes) <= FETCHED:
        store.fetch(set().union(*(places_of(index, size) for index in indexes if 0 <= index < size)))
    return nodes_from(store.read)


def _check_size(found: Head, size: int) -> None:
    """Refuses a size beyond the head."""
    if size > found.size:
        raise ValueError(f"The log {found.log_id} has {found.size} leaves, not {size}.")


def _signed(row: Checkpoint) -> SignedCheckpoint:
    """Reads size, root and origin from the note; a column that repeats them is never believed."""
    body = parse_checkpoint(parse_note(row.note).text)
    return SignedCheckpoint(row.log_id, row.epoch, body.origin, body.size, body.root, row.note, row.signed_at)


def _place(row: Batch) -> BatchPlace:
    """Turns a batch row into its place."""
    digest = None if row.body_sha256 is None else bytes(row.body_sha256)
    return BatchPlace(row.id, row.epoch, row.first_index, row.n, row.received_at, digest)
