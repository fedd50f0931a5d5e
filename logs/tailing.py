"""Files that grow: which complete lines came since the last look, across rotation, renaming and truncation.

A file is known by the SHA-256 of its first line, which holds a time and a process or record id: a renamed file goes on
where it was, a truncated or new one begins at its beginning, and no inode that was used again can mislead.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

PART_BYTES: Final = 4 * 1024 * 1024
LINE_BYTES: Final = 16 * 1024 * 1024
"""Longest line; a longer one (a database writes a failed statement whole) goes on in pieces, which no parser reads."""


@dataclass(frozen=True, slots=True)
class Part:
    """Complete lines of one file from an offset on, and the offset behind them."""

    head: bytes
    path: str
    lines: Sequence[bytes]
    offset: int


def head_of(path: Path) -> bytes | None:
    """Return what a file is known by, None while its first line is not complete."""
    with path.open("rb") as file:
        first = file.readline(LINE_BYTES)
    return hashlib.sha256(first).digest() if _complete(first) else None


def _complete(line: bytes) -> bool:
    return line.endswith(b"\n") or len(line) == LINE_BYTES


def next_part(path: Path, head: bytes, offset: int, limit: int = PART_BYTES) -> Part | None:
    """Return up to ``limit`` bytes of complete lines after the offset, None when there is no complete new line."""
    with path.open("rb") as file:
        file.seek(offset)
        lines: list[bytes] = []
        size = 0
        while size < limit and _complete(line := file.readline(LINE_BYTES)):
            lines.append(line)
            size += len(line)
    return Part(head, path.name, lines, offset + size) if lines else None


class _Line(msgspec.Struct):
    session_id: str = ""
    application_name: str = ""
    message: str = ""


_line = msgspec.json.Decoder(_Line)


def without_own(lines: Iterable[bytes], application: str) -> tuple[list[bytes], int]:
    """Return the jsonlog lines that are not about the connections of an application, and how many were left out.

    The line "connection received" comes before the server knows the application: the session's other lines tell.
    """
    read = [(line, _read(line)) for line in lines]
    named = f"application_name={application}"
    own = {
        seen.session_id for _line_, seen in read if seen.application_name == application or named in seen.message
    } - {""}
    kept = [line for line, seen in read if seen.session_id not in own]
    return kept, len(read) - len(kept)


def _read(line: bytes) -> _Line:
    try:
        return _line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Line()
