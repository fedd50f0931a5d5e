"""Opens a tar or zip file of a few text files, and refuses what is built to exhaust the machine. Pure."""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from typing import IO, Final

from identities.csvtable import BadFile

MOST_FILES: Final = 500
MOST_BYTES: Final = 20_000_000
"""Together, unpacked: passwd, group and sudoers of a machine with 100,000 accounts have some 10 MB."""

BROKEN: Final = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError)
UNREADABLE: Final = (*BROKEN, RuntimeError, NotImplementedError, OverflowError, KeyError)


def is_packed(body: bytes) -> bool:
    """Returns whether a file is a zip (a workbook is one), or gzip, bzip2 or xz."""
    return body.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))


def members(body: bytes) -> dict[str, bytes]:
    """Returns the files of an archive by name, without their folders except one named `sudoers.d`.

    Raises:
        BadFile: with one sentence where it is no archive, too big once unpacked, encrypted, or holds one name twice.
    """
    found: dict[str, bytes] = {}
    try:
        for path, stream in _open(body):
            _take(found, _name(path), stream)
    except BadFile:
        raise
    except UNREADABLE as error:
        raise BadFile("The file is no readable tar or zip archive. Pack it again, without a password.") from error
    return found


def _take(found: dict[str, bytes], name: str, stream: IO[bytes]) -> None:
    """Takes in one file, as long as all together stay small."""
    if len(found) >= MOST_FILES:
        raise BadFile(f"The archive holds more than {MOST_FILES} files. Pack only those that are asked for.")
    if name in found:
        raise BadFile(f"The archive holds the file '{name}' twice. Pack the files of one machine only.")
    left = MOST_BYTES - sum(map(len, found.values()))
    found[name] = stream.read(left + 1)
    if len(found[name]) > left:
        raise BadFile(f"The archive unpacks to more than {MOST_BYTES:,} bytes, which is not read.")


def _name(path: str) -> str:
    """Returns the name that counts of a path in an archive."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    folder = parts[-2] if len(parts) > 1 else ""
    return f"{folder}/{parts[-1]}" if folder == "sudoers.d" else parts[-1] if parts else ""


def _open(body: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields the plain files of an archive with their paths; links and devices are left out."""
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    with packed.open(info) as opened:
                        yield info.filename, opened
        return
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:*") as tape:
        for member in tape:
            stream = tape.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name, stream
