"""Stores the zip of a pack part after part, and reads it back with the SHA-256 of what was read."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import BinaryIO, Final

from evidence.models import EvidencePack, FileStage, PackFile
from evidence.workshop import scratch

PART_BYTES: Final = 4 << 20
"""A zip is stored in parts of this size, so that neither worker nor server ever holds all of a large one."""


def store_zip(pack: EvidencePack, stage: FileStage, source: BinaryIO) -> None:
    """Store an open file as the zip of one stage of a pack, for the deed that moves the pack there."""
    source.seek(0)
    for n, data in enumerate(iter(partial(source.read, PART_BYTES), b"")):
        PackFile(pack=pack, stage=stage, n=n, data=data).save(force_insert=True)


def stored_zip(pack_id: int, stage: FileStage) -> tuple[BinaryIO, str]:
    """Return the zip of one stage as an open file at its beginning, and its SHA-256; empty where there is none."""
    target, digest = scratch(), hashlib.sha256()
    parts = PackFile.objects.filter(pack_id=pack_id, stage=stage).order_by("n").values_list("data", flat=True)
    for data in parts.iterator(chunk_size=1):
        piece = bytes(data)
        digest.update(piece)
        target.write(piece)
    target.seek(0)
    return target, digest.hexdigest()
