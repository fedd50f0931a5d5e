"""Checks who holds a checkpoint in fact, each time anew; what may be claimed rests on nothing else.

An anchor row alone is no fact: whoever writes to the database can write one. A cosignature counts under a key that the
installation's settings name, a time stamp under certificates that they name, a file while it lies in the folder. What
was mailed is the portal's own word for it, and the receiver's name stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from django.conf import settings

from evidence.anchorfolder import file_of
from evidence.holders import TSA, WITNESS, Holder, HoldersError, holders_of
from evidence.tiers import Held
from evidence.timestamps import TimestampError, token_time
from ledger.cosignatures import open_cosignature, parse_witness_key
from ledger.models import Anchor
from ledger.notes import NoteError


def in_fact(slug: str, notes: Mapping[int, str], anchors: Iterable[Anchor]) -> list[Held]:
    """Return what of these anchors of one epoch could be checked, in the same order.

    Args:
        slug: The tenant's short name, under which its holders are set.
        notes: The log's own checkpoints, by size.
        anchors: What was noted as handed over.
    """
    found = (_held(slug, notes[row.size], row) for row in anchors if row.holder and row.size in notes)
    return [item for item in found if item is not None]


def _held(slug: str, note: str, row: Anchor) -> Held | None:
    """Check one anchor; None where it does not hold or nobody here can tell."""
    answer = bytes(row.answer)
    if row.kind == "mail":
        return Held(row.kind, row.holder, row.size, row.anchored_at)
    if row.kind == "folder":
        return Held(row.kind, row.holder, row.size, row.anchored_at) if _lies_there(row, note) else None
    for holder in _set(slug, row.kind):
        try:
            if row.kind == WITNESS:
                at = open_cosignature(note, answer.decode(), parse_witness_key(holder.key)).at
                return Held(row.kind, holder.name, row.size, at, answer, holder.key)
            certificates = Path(holder.key).read_text(encoding="ascii")
            at = token_time(answer, note.encode(), certificates)
            return Held(row.kind, holder.name, row.size, at, answer, certificates)
        except (NoteError, TimestampError, OSError, UnicodeDecodeError):
            continue  # another holder's, or one that does not hold: neither may be claimed
    return None


def _lies_there(row: Anchor, note: str) -> bool:
    """Say whether the folder holds this very checkpoint."""
    if not settings.COUNTERSIGN_ANCHOR_FOLDER:
        return False
    path = file_of(row.log_id, row.epoch, row.size)
    return path.exists() and path.read_bytes() == note.encode()


def _set(slug: str, kind: str) -> list[Holder]:
    """Return the holders that are set; a list that cannot be read names nobody, and `doctor` says so."""
    try:
        return holders_of(settings.COUNTERSIGN_HOLDERS, slug, WITNESS if kind == WITNESS else TSA)
    except HoldersError:
        return []
