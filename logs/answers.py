"""What the room answers: plain frozen values that other rooms and doors hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

ERRORS_SHOWN: Final = 100
"""Quarantined records that an answer names."""


@dataclass(frozen=True, slots=True)
class DeliveryAnswer:
    """What became of one delivered body: received = stored + duplicates + ignored + quarantined.

    ``errors`` holds the first 100 quarantined records: position and reason. ``replayed`` is true when the same body
    was delivered before and nothing was stored now. ``routed`` says how many of the stored events went to which client
    (its slug); None for a source without rules. ``parts`` are the batches of a body that was stored in parts.
    """

    batch: UUID
    received: int
    stored: int
    duplicates: int
    ignored: int
    quarantined: int
    errors: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    replayed: bool = False
    routed: Mapping[str, int] | None = None
    parts: Sequence[UUID] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the answer as the doors send it."""
        routed = {} if self.routed is None else {"routed": dict(self.routed)}
        parts = {"parts": [str(batch) for batch in self.parts]} if self.parts else {}
        return {
            "batch": str(self.batch),
            "received": self.received,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "ignored": self.ignored,
            "rejected": self.quarantined,
            "replayed": self.replayed,
            "errors": list(self.errors),
            **routed,
            **parts,
        }


def joined(parts: Sequence[DeliveryAnswer]) -> DeliveryAnswer:
    """Return one answer for a body that was stored in parts; records are numbered through all of them."""
    errors: list[Mapping[str, Any]] = []
    routed: Counter[str] = Counter()
    before = 0
    for part in parts:
        errors += [{**error, "index": error["index"] + before} for error in part.errors]
        before += part.received
        routed.update(part.routed or {})
    return DeliveryAnswer(
        batch=parts[0].batch,
        received=before,
        stored=sum(part.stored for part in parts),
        duplicates=sum(part.duplicates for part in parts),
        ignored=sum(part.ignored for part in parts),
        quarantined=sum(part.quarantined for part in parts),
        errors=errors[:ERRORS_SHOWN],
        replayed=all(part.replayed for part in parts),
        routed=None if parts[0].routed is None else routed,
        parts=[part.batch for part in parts],
    )


@dataclass(frozen=True, slots=True)
class Use:
    """How one account was used in a period.

    ``weeks`` counts events in each of the 26 weeks before the period's end, oldest first; ``actions`` the most
    frequent actions, at most ten. Days are UTC days.
    """

    last_used_at: datetime | None = None
    days_used: int = 0
    ok_count: int = 0
    denied_count: int = 0
    out_of_hours_count: int = 0
    weeks: tuple[int, ...] = (0,) * 26
    actions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """How much of what a source should have delivered in a period is there.

    ``ratio`` is None where nothing was expected: silence of such a source says nothing. ``gaps`` are stretches of
    expected hours without events, as (first hour, hour after the last), aware UTC. ``silent`` says that the period's
    last expected hour is one of them.
    """

    source_id: int
    system_id: int | None
    name: str
    log_types: tuple[int, ...]
    expected_hours: int
    received_hours: int
    ratio: float | None
    gaps: tuple[tuple[datetime, datetime], ...]
    quarantined_ratio: float | None
    last_received_at: datetime | None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One leaf of a delivery as it is stored: sealed bytes, and the shown columns to compare with them.

    ``kind`` is a `ledger.kinds.LeafKind` number. A manifest has no columns. ``subj``, ``raw`` and ``salts`` are None
    after an erasure.
    """

    batch_id: UUID
    ord: int
    kind: int
    core: bytes
    subj: bytes | None
    raw: bytes | None
    salts: bytes | None
    shown: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in the order of the ledger after a cursor, and the cursor to go on from."""

    events: Sequence[Any]
    cursor: int
