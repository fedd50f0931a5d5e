"""Finds the sealed audit entries of the deeds that a pack's tables name: where each lies, and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
SELECT a.verb, b.first_index + a.ord AS index, a.leaf_kind AS kind, a.detail ->> 'decision' AS decision,
    ARRAY(SELECT jsonb_array_elements_text(a.detail -> 'decisions')) AS decisions,
    a.detail ->> 'bulk' AS bulk, a.detail ->> 'digest' AS digest, a.detail ->> 'snapshot' AS snapshot,
    a.detail ->> 'disposition' AS disposition, a.detail ->> 'erasure' AS erasure, a.detail ->> 'alert' AS alert,
    a.detail ->> 'prune' AS prune
FROM tenants_auditentry a JOIN ledger_batch b ON b.log_id = %(log)s AND b.id = a.batch_id
WHERE a.tenant_id = %(tenant)s AND a.verb = ANY(%(verbs)s) AND b.first_index + b.n <= %(size)s
    AND b.epoch = (SELECT max(h.epoch) FROM ledger_head h WHERE h.log_id = %(log)s)
ORDER BY a.at, a.id
"""
SEALED: Final = DEEDS.replace("AS prune\n", "AS prune, a.core, a.subj, a.salts\n").replace(
    "ORDER BY a.at, a.id", "ORDER BY 2"
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


def deed_places(frame: Frame, size: int) -> dict[str, int]:
    """Return the places in the ledger of the deeds that the tables name, by what they were about."""
    rows = Asked(frame).stream(DEEDS, verbs=list(VERBS), size=size)
    return {key: row["index"] for row in rows for key in _deed_keys(row)}


def deed_leaves(frame: Frame, named: set[int], size: int) -> Iterator[Leaf]:
    """Yield the audit entries at the named places, in the order of the ledger."""
    for row in Asked(frame).stream(SEALED, verbs=list(VERBS), size=size):
        if row["index"] in named:
            label = LABELS.get(row["verb"]) or _deed_keys(row)[0]
            core, subj, salts = (bytes(row[name]) for name in ("core", "subj", "salts"))
            yield Leaf(row["index"], row["kind"], label, core, subj, None, salts)
