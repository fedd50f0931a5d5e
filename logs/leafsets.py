"""A set of leaf indexes as bytes: what a retention entry removes, exactly, in a few bytes a run.

Written as alternating lengths (indexes left out, indexes taken, ...) in unsigned LEB128, compressed by zlib. A month of
one kind of log among others has long runs; one bit a leaf is the worst case.
"""

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

LEVEL: Final = 6
MOST_BYTES: Final = 1 << 28
"""Bytes that a set may have when it is unpacked: 250 million runs are no month of ours."""


class PlacesError(ValueError):
    """The bytes are no set of indexes."""


@dataclass(frozen=True, slots=True)
class Places:
    """Indexes as runs (first, end) in ascending order, which neither touch nor overlap."""

    runs: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return sum(end - first for first, end in self.runs)

    def __contains__(self, index: object) -> bool:
        if not isinstance(index, int):
            return False
        at = bisect_right(self.runs, index, key=lambda run: run[0]) - 1
        return at >= 0 and index < self.runs[at][1]

    def __iter__(self) -> Iterator[int]:
        for first, end in self.runs:
            yield from range(first, end)


def places_of(indexes: Iterable[int]) -> Places:
    """Return the set of indexes that come in ascending order.

    Raises:
        ValueError: an index is negative, or not larger than the one before.
    """
    runs: list[tuple[int, int]] = []
    first = end = -1
    for index in indexes:
        if index < max(end, 0):
            message = f"Index {index} comes after {end - 1}."
            raise ValueError(message)
        if index != end:
            if end > first:
                runs.append((first, end))
            first = index
        end = index + 1
    if end > first:
        runs.append((first, end))
    return Places(tuple(runs))


def pack(places: Places) -> bytes:
    """Return the set as bytes; the same set gives the same bytes with the same zlib."""
    data, at = bytearray(), 0
    for first, end in places.runs:
        for number in (first - at, end - first):
            rest = number
            while rest > 0x7F:
                data.append(rest & 0x7F | 0x80)
                rest >>= 7
            data.append(rest)
        at = end
    return zlib.compress(bytes(data), LEVEL)


def unpack(data: bytes) -> Places:
    """Return the set that bytes hold.

    Raises:
        PlacesError: they hold none.
    """
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(data, MOST_BYTES)
    except zlib.error as error:
        message = f"The places cannot be unpacked: {error}."
        raise PlacesError(message) from error
    if not reader.eof or reader.unused_data:
        raise PlacesError("The places are cut off, too long, or followed by something else.")
    return Places(tuple(_runs(list(_numbers(plain)))))


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    if len(numbers) % 2 or 0 in numbers[1:]:
        raise PlacesError("The places hold an empty run.")
    at = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        yield at + gap, at + gap + length
        at += gap + length


def _numbers(plain: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in plain:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise PlacesError("The places end within a number.")
