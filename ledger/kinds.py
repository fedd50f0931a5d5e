"""What the ledger speaks of: kinds of leaves, batches, heads, checkpoints and proofs, as plain frozen values.

A leaf is always its 32-byte RFC 6962 leaf hash; the bytes it commits to are stored by the room that wrote it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

HASH_BYTES = 32
"""Bytes in a SHA-256 hash: a leaf, a node, a root or a commitment."""

FIRST_EPOCH = 1
"""The epoch a log opens with; a restore that lost signed leaves opens the next one."""


class LeafKind(enum.IntEnum):
    """The second byte of every entry: what the leaf testifies to."""

    EVENT = 0x01
    MANIFEST = 0x02
    HEARTBEAT = 0x03
    ROTATION = 0x04
    ERASURE = 0x05
    PRUNE = 0x06
    HOLD = 0x07
    DECISION = 0x08
    PACK = 0x09
    CONFIG = 0x0A
    LOOKED = 0x0B
    EPOCH = 0x0C


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafBatch:
    """Leaves that enter the log together and next to each other.

    Attributes:
        id: The batch's own UUID; the room that stores the rows keeps it beside them.
        leaves: Leaf hashes of 32 bytes, in the order of the rows' ordinals (0, 1, 2 ...): the ordinal of a row plus
            the batch's first index is the leaf's index in the log.
        received_at: When the portal received the bytes (aware UTC).
        body_sha256: SHA-256 of the delivered body, or None when nothing was delivered (audit entries).
    """

    id: UUID
    leaves: Sequence[bytes]
    received_at: datetime
    body_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The size and root of a log as the database knows it; only a checkpoint's signature makes it evidence."""

    log_id: UUID
    epoch: int
    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """Where a batch lies in its log: leaves first_index up to, not including, first_index + n."""

    id: UUID
    epoch: int
    first_index: int
    n: int
    received_at: datetime
    body_sha256: bytes | None


@dataclass(frozen=True, slots=True)
class CheckpointBody:
    """The signed text of a checkpoint: whose log, how many leaves, which root (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as the signer wrote it: the body's values, the whole signed note, and when it was signed."""

    log_id: UUID
    epoch: int
    origin: str
    size: int
    root: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class ProofBundle:
    """All an outsider needs for one leaf beside its entry: index, path and the checkpoint it leads to.

    `hashes` is the RFC 6962 2.1.1 audit path from the leaf's sibling upwards, against the tree of the checkpoint's
    size.
    """

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...] = field(default_factory=tuple)
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeyLink:
    """A change of a log's key: the old verifier key, the new one, and the note of `size` leaves that both signed."""

    old: str
    new: str
    note: str
    size: int


@dataclass(frozen=True, slots=True)
class EpochStart:
    """Why an epoch begins: what the signer last signed of the one before, and what of it survived.

    `note` is the last signed checkpoint, `closed` the epoch before with its surviving size and root.
    """

    epoch: int
    origin: str
    closed: Head
    signed_size: int
    note: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round did with one log: the checkpoint that now stands (None before the first), or why it refused."""

    log_id: UUID
    origin: str
    signed: SignedCheckpoint | None
    is_new: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key that took over: the old verifier key, the new one, and the checkpoint size that both signed."""

    old: str
    new: str
    size: int
