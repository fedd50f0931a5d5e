"""Merkle proofs: the tree of RFC 6962, its known roots, and proofs that hold or are refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle

ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Roots of the first 0 to 8 entries: the reference vectors of the Certificate Transparency implementations."""

SIZES = st.integers(1, 600)


def leaves(n: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00%d" % i).digest() for i in range(n)]


def mth(hashes: list[bytes]) -> bytes:
    """MTH by the recursive definition of RFC 6962 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_it_gives_the_reference_roots(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]).hex() == ROOTS[size]
    assert merkle.root_at(size, merkle.nodes_of(LEAVES)).hex() == ROOTS[size]


def test_it_gives_the_paths_of_rfc_6962_section_2_1_3() -> None:
    """The seven-leaf example of the RFC: hash names a to l, proofs for d0, d3, d4, d6 and from 3, 4, 6 to 7."""
    d = LEAVES[:7]
    nodes = merkle.nodes_of(d)
    g, h, i = (merkle.node_hash(d[k], d[k + 1]) for k in (0, 2, 4))
    j = d[6]
    k, m = merkle.node_hash(g, h), merkle.node_hash(i, j)
    assert merkle.inclusion_path(0, 7, nodes) == [d[1], h, m]
    assert merkle.inclusion_path(3, 7, nodes) == [d[2], g, m]
    assert merkle.inclusion_path(4, 7, nodes) == [d[5], j, k]
    assert merkle.inclusion_path(6, 7, nodes) == [i, k]
    assert merkle.consistency_path(3, 7, nodes) == [d[2], d[3], g, m]
    assert merkle.consistency_path(4, 7, nodes) == [m]
    assert merkle.consistency_path(6, 7, nodes) == [i, j, k]


@given(SIZES)
def test_the_flat_root_is_the_recursive_one(size: int) -> None:
    hashes = leaves(size)
    assert merkle.root_of(hashes) == mth(hashes) == merkle.root_at(size, merkle.nodes_of(hashes))


@given(SIZES, st.data())
def test_every_leaf_proves_itself_and_nothing_else(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    root = mth(hashes)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(index, size, merkle.nodes_of(hashes))
    merkle.verify_inclusion(hashes[index], index, size, path, root)
    with pytest.raises(merkle.ProofError):
        merkle.verify_inclusion(leaves(size + 1)[size], index, size, path, root)
    for wrong in {index ^ 1, index + 1, index - 1} - {index}:
        with pytest.raises(merkle.ProofError):
            merkle.verify_inclusion(hashes[index], wrong, size, path, root)
    with pytest.raises(merkle.ProofError):
        merkle.verify_inclusion(hashes[index], index, size, [*path, root], root)
    if path:
        with pytest.raises(merkle.ProofError):
            merkle.verify_inclusion(hashes[index], index, size, path[:-1], root)


@given(SIZES, st.data())
def test_every_size_proves_that_it_extends_every_smaller_one(new: int, data: st.DataObject) -> None:
    hashes = leaves(new)
    old = data.draw(st.integers(0, new))
    roots = {"old_root": mth(hashes[:old]), "new_root": mth(hashes)}
    path = merkle.consistency_path(old, new, merkle.nodes_of(hashes))
    merkle.verify_consistency(old, new, path, **roots)
    with pytest.raises(merkle.ProofError):
        merkle.verify_consistency(old, new, [*path, hashes[0]], **roots)
    if path:
        with pytest.raises(merkle.ProofError):
            merkle.verify_consistency(old, new, path[:-1], **roots)
    with pytest.raises(merkle.ProofError):
        merkle.verify_consistency(old, new, path, old_root=b"\1" * 32, new_root=roots["new_root"])


@given(st.integers(2, 300), st.data())
def test_a_changed_past_is_never_consistent(new: int, data: st.DataObject) -> None:
    hashes = leaves(new)
    old = data.draw(st.integers(1, new))
    changed = list(hashes)
    changed[data.draw(st.integers(0, old - 1))] = b"\7" * 32
    path = merkle.consistency_path(old, new, merkle.nodes_of(changed))
    with pytest.raises(merkle.ProofError):
        merkle.verify_consistency(old, new, path, old_root=mth(hashes[:old]), new_root=mth(changed))


def test_any_flipped_bit_in_a_path_is_noticed() -> None:
    hashes = leaves(11)
    nodes = merkle.nodes_of(hashes)
    path = merkle.inclusion_path(6, 11, nodes)
    for at in range(len(path)):
        bent = [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
        with pytest.raises(merkle.ProofError, match="another root"):
            merkle.verify_inclusion(hashes[6], 6, 11, bent, mth(hashes))


def test_it_refuses_impossible_questions() -> None:
    nodes = merkle.nodes_of(LEAVES)
    for index, size in [(8, 8), (-1, 8), (0, 0)]:
        with pytest.raises(ValueError, match="not in a tree"):
            merkle.inclusion_path(index, size, nodes)
        with pytest.raises(merkle.ProofError, match="not in a tree"):
            merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])
    for old, new in [(9, 8), (-1, 8)]:
        with pytest.raises(ValueError, match="cannot extend"):
            merkle.consistency_path(old, new, nodes)
        with pytest.raises(merkle.ProofError, match="cannot extend"):
            merkle.verify_consistency(old, new, [], old_root=LEAVES[0], new_root=LEAVES[0])
    with pytest.raises(merkle.ProofError, match="32 bytes"):
        merkle.verify_inclusion(LEAVES[0], 0, 2, [b"short"], LEAVES[0])
    with pytest.raises(merkle.ProofError, match="empty"):
        merkle.verify_consistency(3, 8, [], old_root=LEAVES[0], new_root=LEAVES[0])
