"""A log's tree as 256-wide tiles (C2SP tlog-tiles): growth, right edge, reading nodes and entry bundles.

Tile n of level l holds MTH(D[(n*256+i)*256^l : (n*256+i+1)*256^l]) for i = 0 to 255 as 32-byte hashes in a row. A full
tile (8,192 bytes) never changes. The partial tile of level l of a tree of size s has floor(s / 256^l) mod 256 hashes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ledger.kinds import HASH_BYTES
from ledger.merkle import Nodes, root_of

WIDTH = 256
"""Hashes in a full tile."""
HEIGHT = 8
"""Levels of the tree inside one tile: 2^8 = 256."""
FULL_BYTES = WIDTH * HASH_BYTES

ReadTile = Callable[[int, int], bytes]
"""read(level, n) = the hashes of a tile in a row, full or partial; may hold more than asked for, never less."""


class TileError(ValueError):
    """A tile is missing, too short, or does not hash into the tile above it."""

    def __init__(self, level: int, n: int, reason: str) -> None:
        self.level = level
        self.n = n
        super().__init__(f"Tile {n} of level {level} {reason}.")


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: level, number and its hashes in a row (full: 8,192 bytes)."""

    level: int
    n: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """What an append changes: the new size and root, tiles that became full, and the right edge that stays partial.

    `changed` names the levels whose partial tile differs from before (a level may have become empty).
    """

    size: int
    root: bytes
    full: tuple[Tile, ...]
    partial: Mapping[int, bytes]
    changed: tuple[int, ...]


def split(hashes: bytes) -> list[bytes]:
    """Returns the hashes of a tile one by one."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def tile_root(hashes: bytes) -> bytes:
    """Returns the tree hash over one full tile: the hash it leaves in the tile above."""
    sha256 = hashlib.sha256
    pair = 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        hashes = b"".join([sha256(b"\x01" + hashes[i : i + pair]).digest() for i in range(0, len(hashes), pair)])
    return hashes


def partial_width(size: int, level: int) -> int:
    """Returns how many hashes the partial tile of a level has (C2SP tlog-tiles, "Partial Tiles"); 0 for none."""
    return (size >> (HEIGHT * level)) % WIDTH


def partial_number(size: int, level: int) -> int:
    """Returns the number of the partial tile of a level."""
    return size >> (HEIGHT * (level + 1))


def edge(size: int) -> list[tuple[int, int, int]]:
    """Returns (level, number, width) of every partial tile of a tree of this size, lowest level first."""
    found = []
    level = 0
    while size >> (HEIGHT * level):
        if width := partial_width(size, level):
            found.append((level, partial_number(size, level), width))
        level += 1
    return found


def full_tiles(size: int) -> list[tuple[int, int]]:
    """Returns (level, count) of the full tiles of a tree of this size: numbers 0 to count - 1."""
    found = []
    level = 0
    while count := size >> (HEIGHT * (level + 1)):
        found.append((level, count))
        level += 1
    return found


def grow(size: int, partial: Mapping[int, bytes], leaves: Sequence[bytes]) -> Growth:
    """Appends leaf hashes to a tree of which only the partial tiles are known.

    Args:
        size: Leaves before.
        partial: The partial tiles by level, exactly as wide as `partial_width` says.
        leaves: Leaf hashes of 32 bytes.

    Raises:
        TileError: A partial tile has another width than the size asks for.
        ValueError: A leaf has not 32 bytes.
    """
    _check_edge(size, partial)
    if any(len(leaf) != HASH_BYTES for leaf in leaves):
        raise ValueError(f"A leaf is its hash of {HASH_BYTES} bytes.")
    full: list[Tile] = []
    after = dict(partial)
    changed: list[int] = []
    level, arriving = 0, b"".join(leaves)
    while arriving:
        row = after.get(level, b"") + arriving
        first = size >> (HEIGHT * (level + 1))
        cut = len(row) - len(row) % FULL_BYTES
        tiles = [Tile(level, first + k, row[at : at + FULL_BYTES]) for k, at in enumerate(range(0, cut, FULL_BYTES))]
        full.extend(tiles)
        after[level] = row[cut:]
        changed.append(level)
        arriving = b"".join([tile_root(tile.hashes) for tile in tiles])
        level += 1
    kept = {at: hashes for at, hashes in after.items() if hashes}
    return Growth(size + len(leaves), edge_root(kept), tuple(full), kept, tuple(changed))


def root_over(leaves: Iterable[bytes], *, chunk: int = WIDTH * WIDTH) -> bytes:
    """Returns the tree hash (RFC 9162 2.1.1) over any number of leaf hashes, holding a chunk of them at a time."""
    growth = grow(0, {}, ())
    rest = iter(leaves)
    while part := list(islice(rest, chunk)):
        growth = grow(growth.size, growth.partial, part)
    return growth.root


def edge_root(partial: Mapping[int, bytes]) -> bytes:
    """Returns the root of the tree whose partial tiles these are."""
    carried: list[bytes] = []
    for level in sorted(partial):
        carried = [root_of([*split(partial[level]), *carried])]
    return root_of(carried)


def edge_at(size: int, read: ReadTile) -> dict[int, bytes]:
    """Reads the partial tiles of a tree of this size; wider (newer) tiles are cut to it.

    Raises:
        TileError: A tile is too short for the size.
    """
    return {level: _cut(read, level, n, width) for level, n, width in edge(size)}


def places_of(index: int, size: int) -> set[tuple[int, int]]:
    """Returns level and number of each tile that the proof of a leaf reads: those above it, and the right edge."""
    levels = range((max(size - 1, 1).bit_length() - 1) // HEIGHT + 1)
    above = {(level, index >> (HEIGHT * (level + 1))) for level in levels}
    return above | {(level, n) for level, n, _width in edge(size)}


def nodes_from(read: ReadTile) -> Nodes:
    """Returns the `Nodes` of a tree held in tiles; each tile is read once, and each node in it hashed once.

    Hashed anew for each node, the proofs of 10,000 leaves in a row took 250 hashes a leaf, and half of a pack's time.
    """
    seen: dict[tuple[int, int], list[bytes]] = {}

    def nodes(height: int, i: int) -> bytes:
        level, above = divmod(height, HEIGHT)
        n, offset = divmod(i << above, WIDTH)
        if (level, n) not in seen:
            seen[level, n] = _floors(read(level, n))
        start = (offset >> above) * HASH_BYTES
        found = seen[level, n][above][start : start + HASH_BYTES]
        if len(found) != HASH_BYTES:
            raise TileError(level, n, "is shorter than its tree needs")
        return found

    return nodes


def _floors(hashes: bytes) -> list[bytes]:
    """Returns the hashes of a tile, those of its whole pairs, of the pairs of these, and so on: one text a height."""
    sha256, pair = hashlib.sha256, 2 * HASH_BYTES
    floors = [hashes]
    for _ in range(1, HEIGHT):
        ends = range(pair, len(hashes) + 1, pair)
        hashes = b"".join([sha256(b"\x01" + hashes[end - pair : end]).digest() for end in ends])
        floors.append(hashes)
    return floors


def check_growth(old: int, new: int, read: ReadTile) -> None:
    """Checks that every tile that became full between two sizes hashes into the tile above it.

    Raises:
        TileError: The first tile that does not.
    """
    for level, count in full_tiles(new):
        for n in range(old >> (HEIGHT * (level + 1)), count):
            check_tile(level, n, read)


def check_tile(level: int, n: int, read: ReadTile) -> None:
    """Checks that one full tile hashes into the tile above it.

    Raises:
        TileError: It does not, or has not 8,192 bytes.
    """
    hashes = _cut(read, level, n, WIDTH)
    above, at = divmod(n, WIDTH)
    upper = _cut(read, level + 1, above, at + 1)
    if tile_root(hashes) != upper[at * HASH_BYTES :]:
        raise TileError(level, n, f"does not hash into place {at} of tile {above} of level {level + 1}")


def path_of(level: int, n: int, width: int = WIDTH) -> str:
    """Returns the address of a tile below the log's prefix, such as tile/0/x001/x234/067.p/12 (C2SP tlog-tiles)."""
    return f"tile/{level}/{_number(n)}" + ("" if width == WIDTH else f".p/{width}")


def entries_path_of(n: int, width: int = WIDTH) -> str:
    """Returns the address of an entry bundle below the log's prefix, such as tile/entries/000."""
    return f"tile/entries/{_number(n)}" + ("" if width == WIDTH else f".p/{width}")


def bundle(entries: Iterable[bytes]) -> bytes:
    """Returns an entry bundle: every entry after its big-endian uint16 length (C2SP tlog-tiles, "Log entries")."""
    return b"".join(part for entry in entries for part in (struct.pack(">H", len(entry)), entry))


def unbundle(data: bytes) -> Iterator[bytes]:
    """Yields the entries of a bundle.

    Raises:
        ValueError: The bundle ends inside an entry.
    """
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ValueError("The entry bundle ends inside an entry.")
        yield data[at + 2 : end]
        at = end


def _number(n: int) -> str:
    """Writes a tile number in path elements of three digits, all but the last with an x."""
    digits = f"{n:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def _cut(read: ReadTile, level: int, n: int, width: int) -> bytes:
    """Reads the first `width` hashes of a tile."""
    hashes = read(level, n)
    if len(hashes) < width * HASH_BYTES:
        raise TileError(level, n, f"has {len(hashes)} bytes where {width * HASH_BYTES} are needed")
    return hashes[: width * HASH_BYTES]


def _check_edge(size: int, partial: Mapping[int, bytes]) -> None:
    """Refuses partial tiles that do not belong to the size."""
    wanted = {level: width for level, _n, width in edge(size)}
    for level in sorted(wanted.keys() | partial.keys()):
        width, found = wanted.get(level, 0), len(partial.get(level, b""))
        if found != width * HASH_BYTES:
            n = partial_number(size, level)
            raise TileError(level, n, f"has {found} bytes, but a log of {size} leaves has {width * HASH_BYTES} there")
