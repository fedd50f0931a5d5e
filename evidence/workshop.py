"""Keeps what a pack is made of on the disk while it is made, and says plainly when the disk is full."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import BinaryIO, Final, cast

from django.conf import settings

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFullError(RuntimeError):
    """There is no room for the pack; nothing of it was kept."""


def disk_full(folder: Path) -> DiskFullError:
    """Return the sentence for a disk without room."""
    return DiskFullError(
        f"The disk that holds {folder} is full: nothing of the pack was kept. Make room there and ask for the pack "
        "again; it needs about twice the room of its zip while it is made."
    )


def place() -> Path:
    """Return the directory in which packs are made; it holds nothing while none is."""
    folder: Path = settings.COUNTERSIGN_DATA / "making"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def workshop(name: str) -> Iterator[Path]:
    """Give an empty folder, and remove it in the end; what killed workers left in theirs goes first.

    A folder is locked by the process that works in it, so that one without a lock has nobody any more.

    Raises:
        DiskFullError: The disk had no more room.
    """
    root = place()
    try:
        with _locked(root):
            _clear(root)
            folder = Path(mkdtemp(prefix=f"{name}-", dir=root))
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
    except OSError as fault:
        if fault.errno in FULL:
            raise disk_full(root) from fault
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the system takes it back when the process ends in any way."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _clear(root: Path) -> None:
    """Remove the folders that nobody works in."""
    for folder in root.iterdir():
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def scratch() -> BinaryIO:
    """Return an open file without a name: it is gone when it is closed, or when its process ends."""
    return cast("BinaryIO", TemporaryFile(dir=place()))
