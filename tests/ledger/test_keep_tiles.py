"""Tiles: growth over partial tiles, the right edge, proofs read from tiles, addresses and entry bundles."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import merkle, tiles


def leaves(n: int, first: int = 0) -> list[bytes]:
    return [hashlib.sha256(b"\x00%d" % i).digest() for i in range(first, first + n)]


class Store:
    """Tiles in memory, grown exactly as the database's are."""

    def __init__(self) -> None:
        self.size = 0
        self.root = merkle.EMPTY_ROOT
        self.full: dict[tuple[int, int], bytes] = {}
        self.partial: dict[int, bytes] = {}

    def append(self, new: list[bytes]) -> None:
        growth = tiles.grow(self.size, self.partial, new)
        for tile in growth.full:
            assert (tile.level, tile.n) not in self.full, "a full tile is written once"
            self.full[tile.level, tile.n] = tile.hashes
        self.size, self.root, self.partial = growth.size, growth.root, dict(growth.partial)

    def read(self, level: int, n: int) -> bytes:
        if (level, n) in self.full:
            return self.full[level, n]
        if n == tiles.partial_number(self.size, level) and level in self.partial:
            return self.partial[level]
        raise tiles.TileError(level, n, "is missing")


def grown(*steps: int) -> Store:
    store = Store()
    for step in steps:
        store.append(leaves(step, store.size))
    return store


def test_it_holds_the_worked_example_of_the_specification() -> None:
    """A tree of 70,000: 273 full and a 112-wide tile, one full and a 17-wide, one 1-wide (C2SP tlog-tiles)."""
    store = grown(70_000)
    assert tiles.full_tiles(70_000) == [(0, 273), (1, 1)]
    assert tiles.edge(70_000) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert {level: len(row) // 32 for level, row in store.partial.items()} == {0: 112, 1: 17, 2: 1}
    assert sorted(store.full) == [*((0, n) for n in range(273)), (1, 0)]
    assert store.root == merkle.root_of(leaves(70_000))
    assert tiles.edge(256) == [(1, 0, 1)]


def test_tile_addresses_are_those_of_the_specification() -> None:
    assert tiles.path_of(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tiles.path_of(1, 0, 17) == "tile/1/000.p/17"
    assert tiles.path_of(0, 999) == "tile/0/999"
    assert tiles.path_of(0, 1000) == "tile/0/x001/000"
    assert tiles.entries_path_of(273, 112) == "tile/entries/273.p/112"


@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_any_way_of_growing_gives_the_same_tree(steps: list[int]) -> None:
    store, at_once = grown(*steps), grown(sum(steps))
    everything = leaves(sum(steps))
    assert store.root == merkle.root_of(everything)
    assert (store.full, store.partial, store.root) == (at_once.full, at_once.partial, at_once.root)
    assert b"".join(store.full[0, n] for n in range(store.size // 256)) + store.partial.get(0, b"") == b"".join(
        everything
    )


@given(st.integers(1, 1500), st.data())
@settings(deadline=None, max_examples=60)
def test_proofs_from_tiles_are_proofs_from_leaves(size: int, data: st.DataObject) -> None:
    """The store has run ahead: proofs for a smaller size read wider tiles and must not notice."""
    store = grown(size, data.draw(st.integers(0, 600)))
    stored, memory = tiles.nodes_from(store.read), merkle.nodes_of(leaves(size))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    assert merkle.inclusion_path(index, size, stored) == merkle.inclusion_path(index, size, memory)
    assert merkle.consistency_path(old, size, stored) == merkle.consistency_path(old, size, memory)
    assert tiles.edge_root(tiles.edge_at(size, store.read)) == merkle.root_of(leaves(size))


def test_a_third_level_is_reached() -> None:
    store = grown(65_536 - 1, 1, 300)
    assert store.root == merkle.root_of(leaves(65_836))
    assert set(store.partial) == {0, 1, 2}
    path = merkle.inclusion_path(65_535, 65_836, tiles.nodes_from(store.read))
    merkle.verify_inclusion(leaves(1, 65_535)[0], 65_535, 65_836, path, store.root)


def test_growth_is_checked_tile_by_tile() -> None:
    store = grown(1000, 1000)
    tiles.check_growth(0, 2000, store.read)
    store.full[0, 5] = store.full[0, 5][:-1] + bytes([store.full[0, 5][-1] ^ 1])
    tiles.check_growth(1536, 2000, store.read)
    with pytest.raises(tiles.TileError, match="Tile 5 of level 0 does not hash"):
        tiles.check_growth(1000, 2000, store.read)


def test_a_wrong_edge_is_refused_before_anything_grows() -> None:
    store = grown(300)
    for partial in ({}, {**store.partial, 2: bytes(32)}, {**store.partial, 0: store.partial[0][:-32]}):
        with pytest.raises(tiles.TileError, match="300 leaves"):
            tiles.grow(300, partial, leaves(1))
    with pytest.raises(ValueError, match="32 bytes"):
        tiles.grow(300, store.partial, [b"short"])
    with pytest.raises(tiles.TileError, match="where 3200 are needed"):
        tiles.edge_at(356, store.read)


def test_growing_by_nothing_changes_nothing() -> None:
    store = grown(300)
    growth = tiles.grow(300, store.partial, [])
    assert (growth.size, growth.root, growth.full, growth.changed) == (300, store.root, (), ())


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_carry_entries_unchanged(entries: list[bytes]) -> None:
    data = tiles.bundle(entries)
    assert list(tiles.unbundle(data)) == entries
    if data:
        with pytest.raises(ValueError, match="inside an entry"):
            list(tiles.unbundle(data + b"\x00"))
