"""Finds the ledger entry that announced a removal, and believes it only where it hashes to its leaf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from evidence.storedrows import deed_row
from ledger.kinds import HASH_BYTES, LeafKind
from ledger.models import Batch
from ledger.tiles import WIDTH
from ledger.tilestore import StoredTiles
from tenants.models import AuditEntry, Tenant

AHEAD: Final = 64


@dataclass(frozen=True, slots=True)
class Announcement:
    """An entry's place in its epoch, its time (UTC), and the facts that it sealed."""

    index: int
    at: datetime
    said: dict[str, Any]


def tiles_of(tenant: Tenant, epoch: int, using: str) -> StoredTiles:
    """Returns the tiles of an epoch."""
    return StoredTiles(UUID(str(tenant.uuid)), epoch, ahead=AHEAD, using=using)


def leaf_of(tiles: StoredTiles, index: int) -> bytes:
    """Returns the leaf hash at an index."""
    n, at = divmod(index, WIDTH)
    return tiles.read(0, n)[at * HASH_BYTES : (at + 1) * HASH_BYTES]


def announcement(
    tenant: Tenant, using: str, batch_id: UUID | None, kind: LeafKind, named: Mapping[str, str]
) -> Announcement:
    """Returns the announcing entry of a kind in a batch, whose detail names the removal, after hashing it again.

    Raises:
        LookupError: There is none in the ledger.
        TileError: The tree's tiles are damaged.
    """
    if batch_id is None:
        raise LookupError("no entry of the ledger announces it")
    entries = AuditEntry.objects.using(using).filter(tenant_id=tenant.pk, batch_id=batch_id, leaf_kind=kind)
    entry = entries.filter(**named).first()
    batch = Batch.objects.using(using).filter(log_id=tenant.uuid, id=batch_id).first()
    if entry is None or batch is None:
        raise LookupError("no entry of the ledger announces it")
    stored, tiles = deed_row(entry, tenant.uuid), tiles_of(tenant, batch.epoch, using)
    for index in range(batch.first_index, batch.first_index + batch.n):
        if leaf_of(tiles, index) == stored.leaf and not stored.differs:
            return Announcement(index, entry.at, json.loads(bytes(entry.subj))["detail"])
    raise LookupError("the entry that announces it is not in the ledger as it is shown")
