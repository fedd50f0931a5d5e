"""Writes files of a pack line by line, to the disk where a folder is given: a long table is never held as a whole.

What is made of them (length, SHA-256, checksum, a short digest a line) is taken down while they are written.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

PIECE: Final = 1 << 20
_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Kept:
    """A file on the disk, or bytes at hand, with what was taken down when it was written."""

    size: int
    sha256: str
    crc32: int
    lines: str
    path: Path | None = None
    data: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in parts."""
        if self.path is None:
            yield self.data
            return
        with self.path.open("rb") as source:
            while piece := source.read(PIECE):
                yield piece

    def text(self) -> Iterator[str]:
        """Yield the lines with their ends."""
        if self.path is None:
            yield from (line + "\n" for line in self.data.decode().split("\n")[:-1])
            return
        with self.path.open(encoding="utf-8", newline="\n") as source:
            yield from source

    @property
    def whole(self) -> bytes:
        """All bytes: for files that are known to be short."""
        return self.data if self.path is None else self.path.read_bytes()

    @property
    def line_digests(self) -> list[str]:
        """The first 12 hex digits of each line's SHA-256, the end of the file counting as a line without bytes."""
        return [self.lines[at : at + _SHORT] for at in range(0, len(self.lines), _SHORT)]


@dataclass(frozen=True, slots=True)
class Inside:
    """A file that lies inside of an open one, such as an archive; it is read where it lies."""

    source: BinaryIO
    at: int
    size: int
    sha256: str
    crc32: int

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in parts."""
        for done in range(0, self.size, PIECE):
            self.source.seek(self.at + done)
            yield self.source.read(min(PIECE, self.size - done))


def keep(lines: Iterable[bytes], path: Path | None = None) -> Kept:
    """Write lines, each of which ends in LF, to a file, or keep them at hand where there is no path."""
    digest, crc, size, short = hashlib.sha256(), 0, 0, bytearray()
    with path.open("wb") if path else BytesIO() as out:
        for line in lines:
            digest.update(line)
            crc, size = zlib.crc32(line, crc), size + out.write(line)
            short += _digest(line[:-1])
        body = out.getvalue() if isinstance(out, BytesIO) else b""
    short += _digest(b"")
    return Kept(size, digest.hexdigest(), crc, short.decode(), path, body)


def kept_file(path: Path) -> Kept:
    """Return a file that something else wrote, without digests of lines."""
    digest, crc, size = hashlib.sha256(), 0, 0
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            digest.update(piece)
            crc, size = zlib.crc32(piece, crc), size + len(piece)
    return Kept(size, digest.hexdigest(), crc, "", path)


def at_hand(data: bytes) -> Kept:
    """Return bytes as a kept file, without digests of its lines."""
    return Kept(len(data), hashlib.sha256(data).hexdigest(), zlib.crc32(data), "", None, data)


def _digest(line: bytes) -> bytes:
    """Return the digits that name a line."""
    return hashlib.sha256(line).hexdigest()[:_SHORT].encode()
