"""Stores the zip of a pack where packs are kept, and reads it back with the SHA-256 of what was read.

It goes through Django's storage `packs` (`portal/packplace.py`) under a name of its own, before any row names it: what
was stored for a pack that then was not kept is named by nothing. Packs from before lie in the rows themselves.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import BinaryIO, Final

from django.core.files import File
from django.core.files.storage import storages

from evidence.models import EvidencePack, FileStage, PackFile
from evidence.packfolder import StoreError
from evidence.workshop import scratch
from tenants.models import Tenant
from tenants.scope import tenant_scope

ALIAS: Final = "packs"
WAITS: Final = (5, 15, 40, 60, 120)
"""Seconds before each further try to store: an outage of four minutes is waited for, with what was made at hand."""
SIGN_OF_LIFE: Final = 5


@contextmanager
def kept_zip(
    tenant: Tenant, pack: EvidencePack, stage: FileStage, source: BinaryIO, tell: Callable[[str], None]
) -> Iterator[str]:
    """Store an open file, outside of any transaction; gives the name, and takes the file back if no row names it then.

    Args:
        tenant: whose pack it is.
        pack: the pack.
        stage: draft or issued.
        source: the zip, verified and hashed.
        tell: takes what is waited for; raises `Cancelled` where nobody wants the pack any more.

    Raises:
        StoreError: It could not be stored, in several tries.
    """
    name = _store(f"{tenant.uuid}/{pack.uuid}/{stage}-{token_hex(8)}.zip", source, tell)
    try:
        yield name
    finally:
        with tenant_scope(tenant):
            named = PackFile.objects.filter(pack_id=pack.pk, stored_as=name).exists()
        if not named:
            storages[ALIAS].delete(name)


def _store(name: str, source: BinaryIO, tell: Callable[[str], None]) -> str:
    """Store an open file, trying again while the store does not take it; returns the name that it has there."""
    for wait in WAITS:
        try:
            return _save(name, source)
        except StoreError as fault:
            said = str(fault)
        for left in range(wait, 0, -SIGN_OF_LIFE):
            tell(f"{said} The pack is made and kept at hand; trying again in {left} s.")
            time.sleep(min(left, SIGN_OF_LIFE))
    return _save(name, source)


def _save(name: str, source: BinaryIO) -> str:
    """Store an open file from its beginning."""
    source.seek(0)
    return storages[ALIAS].save(name, File(source))


def name_zip(pack: EvidencePack, stage: FileStage, stored_as: str) -> None:
    """Note where the zip of one stage of a pack is, for the deed that moves the pack there."""
    PackFile(pack=pack, stage=stage, stored_as=stored_as).save(force_insert=True)


def stored_zip(pack_id: int, stage: FileStage) -> tuple[BinaryIO, str]:
    """Return the zip of one stage as an open file at its beginning, and its SHA-256; empty where there is none.

    Raises:
        StoreError: It is not there, or the store does not give it.
    """
    target, digest = scratch(), hashlib.sha256()
    try:
        for piece in _pieces(pack_id, stage):
            digest.update(piece)
            target.write(piece)
    except StoreError:
        target.close()
        raise
    target.seek(0)
    return target, digest.hexdigest()


def _pieces(pack_id: int, stage: FileStage) -> Iterator[bytes]:
    """Yield the bytes of one stage, from where its rows say that they are."""
    parts = PackFile.objects.filter(pack_id=pack_id, stage=stage).order_by("n").values_list("stored_as", "data")
    for stored_as, data in parts.iterator(chunk_size=1):
        if not stored_as:
            yield bytes(data)
            continue
        with storages[ALIAS].open(stored_as) as opened:
            yield from opened.chunks(1 << 20)
