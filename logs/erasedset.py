"""The set of leaves that a deed of erasure names, as one hash: what the ledger commits to, and the database compares.

Pure. The function `erasure_digest` of the database (migration `0004_erasure`) writes the same lines.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from logs.models.keys import event_key

MOST: Final = 100_000
"""Leaves of one deed: more are asked for in parts, by narrower ranges."""


class NamedLeaf(NamedTuple):
    """A leaf of a deed: its batch and ordinal, receipt and number of its event, the quarter hour of its occurrence."""

    batch_id: UUID
    ord: int
    received_at: datetime
    event_id: int
    quarter: datetime


def quarter_of(moment: datetime) -> datetime:
    """Return the quarter of an hour (UTC) that holds an aware moment."""
    return datetime.fromtimestamp(int(moment.timestamp()) // 900 * 900, tz=UTC)


def digest_of(leaves: Iterable[NamedLeaf]) -> bytes:
    """Return the SHA-256 over the leaves, a line each, in the order of batch and ordinal."""
    lines = (
        f"{leaf.batch_id}/{leaf.ord} {event_key(leaf.received_at, leaf.event_id)} {int(leaf.quarter.timestamp())}"
        for leaf in sorted(leaves)
    )
    return hashlib.sha256("\n".join(lines).encode()).digest()
