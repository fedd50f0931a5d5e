"""Deeds on the ledger: opening a log and appending to it."""

from collections.abc import Sequence
from uuid import UUID

from ledger.kinds import LeafBatch


def open_log(*, log_id: UUID, origin: str) -> None:
    """Open a log."""
    raise NotImplementedError(log_id, origin)


def append(*, log_id: UUID, batches: Sequence[LeafBatch]) -> list[int]:
    """Append batches."""
    raise NotImplementedError(log_id, batches)
