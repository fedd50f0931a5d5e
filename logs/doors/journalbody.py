"""The journal export format, read while it arrives: entries of fields, a blank line after each.

Source: systemd.io/JOURNAL_EXPORT_FORMATS: ``NAME=text`` on a line, or ``NAME``, a line feed, the length of the value as
64 bits little-endian, the value and a line feed.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

MAX_ENTRY_BYTES: Final = 32 * 1024 * 1024
"""Longest entry in bytes: core dumps travel in the journal too, but are sent in a file of their own."""

_SIZE: Final = 8


class JournalError(Exception):
    """Bytes that are no journal export; what stands before them was read."""


class Entry(msgspec.Struct, gc=False):
    """One entry: its cursor, and the whole as one line of JSON, as ``journalctl -o json --all`` prints it."""

    cursor: str
    line: bytes


class JournalReader:
    """Reads a stream of entries piece by piece; holds one entry at most."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._fields: dict[str, list[bytes]] = {}
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Entry]:
        """Give the entries that are whole with this piece; raises `JournalError`."""
        held, at = self._held, 0
        held += chunk
        while (end := held.find(b"\n", at)) >= 0:
            if end == at:
                at += 1
                if self._fields:
                    yield self._entry()
                continue
            after = self._field(at, end)
            if not after:
                break
            self._size += after - at
            at = after
        del held[:at]
        if self._size + len(held) > MAX_ENTRY_BYTES:
            message = f"An entry has more than {MAX_ENTRY_BYTES:,} bytes."
            raise JournalError(message)

    @property
    def between(self) -> bool:
        """Whether the stream may end here: no entry has begun."""
        return not self._held and not self._fields

    def _field(self, at: int, end: int) -> int:
        """Keep the field at a place and return where the next begins, 0 where it has not arrived whole."""
        held = self._held
        mark = held.find(b"=", at, end)
        if mark >= 0:
            self._keep(held[at:mark], bytes(held[mark + 1 : end]))
            return end + 1
        start = end + 1 + _SIZE
        if len(held) < start:
            return 0
        size = int.from_bytes(held[end + 1 : start], "little")
        if size > MAX_ENTRY_BYTES:
            message = f"A field has more than {MAX_ENTRY_BYTES:,} bytes, or the stream is no journal export."
            raise JournalError(message)
        if len(held) <= start + size:
            return 0
        if held[start + size] != 0x0A:
            message = "The length of a binary field is wrong."
            raise JournalError(message)
        self._keep(held[at:end], bytes(held[start : start + size]))
        return start + size + 1

    def _keep(self, name: bytes | bytearray, value: bytes) -> None:
        if not name or not name.isascii():
            message = "The stream is no journal export: a field has no name."
            raise JournalError(message)
        self._fields.setdefault(name.decode(), []).append(value)

    def _entry(self) -> Entry:
        fields, self._fields, self._size = self._fields, {}, 0
        plain = {name: _said(values) for name, values in fields.items()}
        cursor = plain.get("__CURSOR", "")
        return Entry(cursor if isinstance(cursor, str) else "", msgspec.json.encode(plain))


def _said(values: list[bytes]) -> object:
    """Return a field as journalctl prints it: text, bytes as a list of numbers, several values as a list."""
    said = [_text(value) for value in values]
    return said[0] if len(said) == 1 else said


def _text(value: bytes) -> str | list[int]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return list(value)
