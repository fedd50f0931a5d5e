"""Finds the sealed audit entries of the deeds that a pack's tables name: where each lies, and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence.metrics.frame import Asked, Frame, Row

VERBS: Final = {
    "item.decide": ("decision", "decision"),
    "item.decide_in_bulk": ("bulk", "bulk"),
    "item.undo_bulk": ("decision", "decisions"),
    "campaign.sign": ("sign", "digest"),
    "snapshot.import": ("snapshot", "snapshot"),
    "retention.prune": ("prune", "prune"),
    "erasure.confirm": ("erasure", "erasure"),
    "erasure.repeat": ("erasure", "erasure"),
    "alert.raise": ("alert", "alert"),
    "log_item.dispose": ("disposition", "disposition"),
    "log_review.sign": ("log-sign", "digest"),
}
"""Verbs of the deeds that tables name: the first word of the key, and the detail, or the list, that completes it."""
LABELS: Final = {
    "campaign.sign": "sign-off",
    "log_review.sign": "sign-off",
    "item.undo_bulk": "bulk undone",
}
"""What a proved entry is called where its key does not say it."""
DEEDS: Final = """
SELECT a.verb, CASE WHEN b.epoch = h.epoch THEN b.first_index + a.ord END AS index, a.leaf_kind AS kind,
    a.detail ->> 'decision' AS decision,
    ARRAY(SELECT jsonb_array_elements_text(a.detail -> 'decisions')) AS decisions,
    a.detail ->> 'bulk' AS bulk, a.detail ->> 'digest' AS digest, a.detail ->> 'snapshot' AS snapshot,
    a.detail ->> 'disposition' AS disposition, a.detail ->> 'erasure' AS erasure, a.detail ->> 'alert' AS alert,
    a.detail ->> 'prune' AS prune
FROM tenants_auditentry a JOIN ledger_batch b ON b.log_id = %(log)s AND b.id = a.batch_id
    CROSS JOIN (SELECT max(epoch) AS epoch FROM ledger_head WHERE log_id = %(log)s) h
WHERE a.tenant_id = %(tenant)s AND a.verb = ANY(%(verbs)s)
ORDER BY a.at, a.id
"""
SEALED: Final = DEEDS.replace("AS prune\n", "AS prune, a.core, a.subj, a.salts\n").replace(
    "ORDER BY a.at, a.id", "AND b.epoch = h.epoch AND b.first_index + b.n <= %(size)s ORDER BY 2"
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A stored entry with its place in the log."""

    index: int
    kind: int
    label: str
    core: bytes
    subj: bytes | None
    raw: bytes | None
    salts: bytes


def _deed_keys(row: Row) -> list[str]:
    """Return under which key, or keys, the rows of tables find the deed of an audit entry."""
    word, detail = VERBS[row["verb"]]
    named = row[detail]
    return [f"{word} {one}" for one in (named if isinstance(named, list) else [named])]


def _deed_places(frame: Frame, size: int) -> dict[str, int | None]:
    """Return the places in the ledger of the deeds that the tables name, by what they were about.

    None stands for a place in an earlier epoch; `size` or more for a deed that the checkpoint does not cover, where no
    earlier deed was about the same.
    """
    places: dict[str, int | None] = {}
    for row in Asked(frame).stream(DEEDS, verbs=list(VERBS)):
        place = row["index"]
        for key in _deed_keys(row):
            places[key] = place if place is not None and place < size else places.get(key, place)
    return places


class Covered:
    """What of a tenant's records a checkpoint of `size` leaves covers, and where their deeds lie in it.

    A record whose deed lies behind the checkpoint is no part of the pack, and neither is one without a deed of its own
    that was written at the checkpoint's time (the frame's `now`) or later. `named` are the places that were taken,
    `alone` counts the records that were taken without one.
    """

    def __init__(self, frame: Frame, size: int) -> None:
        self.size, self.now = size, frame.now
        self.places = _deed_places(frame, size)
        self.named: set[int] = set()
        self.alone = 0

    def holds(self, key: str, at: datetime) -> bool:
        """Return whether the checkpoint covers a record that was written at a moment, by the key of its deed."""
        if key not in self.places:
            return at < self.now
        place = self.places[key]
        return place is None or place < self.size

    def take(self, key: str) -> int | None:
        """Note a record that is listed; returns the place of its deed."""
        place = self.places.get(key)
        if place is None:
            self.alone += 1
        else:
            self.named.add(place)
        return place


def deed_leaves(frame: Frame, named: set[int], size: int) -> Iterator[Leaf]:
    """Yield the audit entries at the named places, in the order of the ledger."""
    for row in Asked(frame).stream(SEALED, verbs=list(VERBS), size=size):
        if row["index"] in named:
            label = LABELS.get(row["verb"]) or _deed_keys(row)[0]
            core, subj, salts = (bytes(row[name]) for name in ("core", "subj", "salts"))
            yield Leaf(row["index"], row["kind"], label, core, subj, None, salts)
