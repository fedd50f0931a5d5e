"""Reads a stored pack back, part after part, with the SHA-256 of what was read."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from evidence.models import PackFile
from evidence.workshop import scratch


def stored_zip(pack_id: int) -> tuple[BinaryIO, str]:
    """Return the stored zip of a pack as an open file at its beginning, and its SHA-256; empty where there is none."""
    target, digest = scratch(), hashlib.sha256()
    parts = PackFile.objects.filter(pack_id=pack_id).order_by("n").values_list("data", flat=True)
    for data in parts.iterator(chunk_size=1):
        piece = bytes(data)
        digest.update(piece)
        target.write(piece)
    target.seek(0)
    return target, digest.hexdigest()
