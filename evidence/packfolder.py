"""Keeps finished packs in a folder: whole, on the disk before anything names them, and closed to other users."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from evidence.workshop import FULL, disk_full


class StoreError(RuntimeError):
    """Packs can be neither stored nor read where they are kept, or this one is not there; the message says why."""


class PackGoneError(StoreError):
    """Where packs are kept there is no such file."""


NOT_THERE = "The file of this pack is not where packs are kept. Whoever runs the portal restores it from the backups."


class PackFolder(FileSystemStorage):
    """A folder of packs, one folder a tenant in it."""

    def _save(self, name: str, content: File[Any]) -> str:
        """Write beside its place, have the disk take it, and only then put it there.

        Raises:
            DiskFullError: There was no room; nothing was kept.
            StoreError: The folder cannot be written.
        """
        target = Path(self.path(name))
        part = target.with_suffix(".part")
        try:
            for folder in reversed([target.parent, *target.parent.parents]):
                folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            part.rename(target)
            _settle(target.parent)
        except OSError as fault:
            with suppress(OSError):  # what kept it from being written may keep it from being removed
                part.unlink()
            if fault.errno in FULL:
                raise disk_full(Path(self.location)) from fault
            raise StoreError(f"The folder of packs cannot be written: {fault.strerror}.") from fault
        return name

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        """Open a pack to be read.

        Raises:
            StoreError: It is not there, or cannot be read.
        """
        try:
            return File(Path(self.path(name)).open(mode))
        except FileNotFoundError as fault:
            raise PackGoneError(NOT_THERE) from fault
        except OSError as fault:
            raise StoreError(f"The folder of packs cannot be read: {fault.strerror}.") from fault


def _settle(folder: Path) -> None:
    """Have the disk take a folder's new entry, which a loss of power would otherwise forget."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
