"""Keeps what a pack is made of on the disk while it is made, and says plainly when the disk is full."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import BinaryIO, Final, cast

from django.conf import settings

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MEASURED, SIGNED = "measured.sealed", "signed.json"
TAKEN_UP: Final = frozenset({MEASURED, SIGNED})
"""What a killed worker's folder keeps, for the worker that takes the pack up again (`evidence.begun`)."""
KEPT_SECONDS: Final = 86_400
"""After a day the work is given up (`tenants.work.GIVEN_UP`), and nobody asks for it any more."""


class DiskFullError(RuntimeError):
    """There is no room for the pack; nothing of it was kept."""


def disk_full(folder: Path) -> DiskFullError:
    """Return the sentence for a disk without room."""
    return DiskFullError(
        f"The disk that holds {folder} is full: nothing of the pack was kept. Make room there and ask for the pack "
        "again; it needs about twice the room of its zip while it is made."
    )


def place() -> Path:
    """Return the directory in which packs are made; while none is, it holds no more than what is taken up again."""
    folder: Path = settings.COUNTERSIGN_DATA / "making"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def workshop(name: str) -> Iterator[Path]:
    """Give a folder, and remove it in the end: the one that a killed worker left under this name, or an empty one.

    A folder is locked by the process that works in it, so that one without a lock has nobody any more. Of such a one
    only the files of TAKEN_UP stay, for a day: what names people there is sealed (`evidence.measured`).

    Raises:
        DiskFullError: The disk had no more room.
    """
    root = place()
    try:
        with _locked(root):
            folder, lock = _left(root, name) or _new(root, name)
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


def _new(root: Path, name: str) -> tuple[Path, int]:
    """Return an empty folder with its lock."""
    folder = Path(mkdtemp(prefix=f"{name}-", dir=root))
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _left(root: Path, name: str) -> tuple[Path, int] | None:
    """Clear the folders that nobody works in; return the one of this name with its lock, if there is one."""
    found = None
    for folder in filter(Path.is_dir, root.iterdir()):
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _clear(folder)
        if found is None and folder.name.startswith(f"{name}-") and folder.exists():
            found = folder, lock
        else:
            os.close(lock)
    return found


def sweep() -> None:
    """Clear the folders that killed workers left; the tick does it, since nobody may ask for a pack for a long time."""
    root = place()
    with _locked(root):
        _left(root, "")


def _clear(folder: Path) -> None:
    """Remove what is not taken up again from a folder, and the whole of it where nothing is, or nobody came for it."""
    inside = list(folder.iterdir())
    begun = min((item.stat().st_mtime for item in inside), default=0.0)
    old = time.time() - begun > KEPT_SECONDS
    gone = [item for item in inside if old or item.name not in TAKEN_UP]
    for item in gone:
        if item.is_dir():
            shutil.rmtree(item, ignore_errors=True)
        else:
            item.unlink(missing_ok=True)
    if gone == inside:
        shutil.rmtree(folder, ignore_errors=True)


def scratch() -> BinaryIO:
    """Return an open file without a name: it is gone when it is closed, or when its process ends."""
    return cast("BinaryIO", TemporaryFile(dir=place()))
