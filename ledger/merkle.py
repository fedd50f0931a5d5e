"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 2.1) over SHA-256: hashes, proofs and their verification.

Pure functions over hashes. Proofs are built from a `Nodes` function, which gives the hash of a perfect, aligned
subtree, so that the same code works over a list in memory and over stored tiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from ledger.kinds import HASH_BYTES

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 2.1: MTH({}) = SHA-256())."""

Nodes = Callable[[int, int], bytes]
"""nodes(height, i) = MTH of leaves i * 2^height up to (i + 1) * 2^height, all of which exist."""


class ProofError(ValueError):
    """A proof does not lead to the root it is held against, or has the wrong shape."""


def leaf_hash(entry: bytes) -> bytes:
    """Returns SHA-256(0x00 || entry), the leaf hash of RFC 6962 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns SHA-256(0x01 || left || right), the inner node of RFC 6962 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Returns the tree hash over hashes that are already leaves, or roots of equally tall perfect subtrees.

    The last one may also be the root of a smaller subtree: the split of RFC 6962 2.1 falls on the same places. A hash
    without a partner moves up a level unchanged, which is the same tree as the recursive definition.
    """
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    sha256 = hashlib.sha256
    while len(level) > 1:
        odd = [level.pop()] if len(level) % 2 else []
        pairs = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)] + odd
    return level[0]


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """Returns the `Nodes` of a tree held in memory."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    def nodes(height: int, i: int) -> bytes:
        return levels[height][i]

    return nodes


def root_at(size: int, nodes: Nodes) -> bytes:
    """Returns the root of the first `size` leaves."""
    return _range_hash(0, size, nodes) if size else EMPTY_ROOT


def aligned(first: int, end: int) -> list[tuple[int, int]]:
    """Returns (height, number) of the perfect, aligned subtrees that make up the leaves first to end - 1, in order."""
    found = []
    while first < end:
        height = (end - first).bit_length() - 1
        if first:
            height = min(height, (first & -first).bit_length() - 1)
        found.append((height, first >> height))
        first += 1 << height
    return found


def inclusion_path(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Returns PATH(index, D[size]) of RFC 6962 2.1.1: the sibling hashes from the leaf upwards.

    Raises:
        ValueError: The index lies outside the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"Leaf {index} is not in a tree of {size} leaves.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            path.append(_range_hash(start, middle, nodes))
            start = middle
    path.reverse()
    return path


def consistency_path(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Returns PROOF(old, D[new]) of RFC 6962 2.1.2; empty from size 0 and between equal sizes.

    Raises:
        ValueError: The old size is larger than the new one, or negative.
    """
    if not 0 <= old <= new:
        raise ValueError(f"A tree of {new} leaves cannot extend one of {old}.")
    if old in {0, new}:
        return []
    path: list[bytes] = []
    start, end = 0, new
    whole = True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            path.append(_range_hash(start, middle, nodes))
            start = middle
            whole = False
    if not whole:
        path.append(_range_hash(start, end, nodes))
    path.reverse()
    return path


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Returns the root that a path leads to from a leaf hash (RFC 9162 2.1.3.2).

    Raises:
        ProofError: The index lies outside the tree, or the path has the wrong length.
    """
    if not 0 <= index < size:
        raise ProofError(f"Leaf {index} is not in a tree of {size} leaves.")
    _check_hashes([leaf, *path])
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError("The inclusion proof is too long for its tree.")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("The inclusion proof is too short for its tree.")
    return found


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Checks that a leaf hash is leaf `index` of the tree with this size and root (RFC 9162 2.1.3.2).

    Raises:
        ProofError: It is not, as far as this proof shows.
    """
    if root_from_inclusion(leaf, index, size, path) != root:
        raise ProofError(f"The inclusion proof of leaf {index} leads to another root.")


def verify_consistency(old: int, new: int, path: Sequence[bytes], *, old_root: bytes, new_root: bytes) -> None:
    """Checks that the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162 2.1.4.2).

    Raises:
        ProofError: The sizes are impossible, the path has the wrong length, or it leads to other roots.
    """
    if not 0 <= old <= new:
        raise ProofError(f"A tree of {new} leaves cannot extend one of {old}.")
    _check_hashes([old_root, new_root, *path])
    if old in {0, new}:
        _verify_trivial(old, new, path, old_root, new_root)
        return
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        raise ProofError("The consistency proof is empty.")
    found_old, found_new = _fold_consistency(old, new, hashes)
    if found_old != old_root:
        raise ProofError(f"The consistency proof leads to another root of the first {old} leaves.")
    if found_new != new_root:
        raise ProofError(f"The consistency proof leads to another root of the {new} leaves.")


def _verify_trivial(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Checks the two cases whose proof is empty: from an empty tree, and between equal sizes."""
    if path:
        raise ProofError(f"The consistency proof from {old} to {new} leaves must be empty.")
    if old == new and old_root != new_root:
        raise ProofError(f"Two different roots are claimed for {old} leaves.")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ProofError("The root of an empty tree is wrong.")


def _fold_consistency(old: int, new: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Returns the two roots that the hashes lead to (RFC 9162 2.1.4.2, steps 3 to 6)."""
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    found_old = found_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError("The consistency proof is too long for its trees.")
        if node & 1 or node == last:
            found_old = node_hash(sibling, found_old)
            found_new = node_hash(sibling, found_new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found_new = node_hash(found_new, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("The consistency proof is too short for its trees.")
    return found_old, found_new


def _check_hashes(hashes: Sequence[bytes]) -> None:
    """Refuses anything that is no hash of 32 bytes."""
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError(f"A hash in a proof has {HASH_BYTES} bytes.")


def _split(n: int) -> int:
    """Returns the largest power of two smaller than n."""
    return 1 << ((n - 1).bit_length() - 1)


def _range_hash(start: int, end: int, nodes: Nodes) -> bytes:
    """Returns MTH(D[start:end]) for a range whose start is aligned to its largest perfect subtree."""
    parts: list[bytes] = []
    while start < end:
        height = (end - start).bit_length() - 1
        parts.append(nodes(height, start >> height))
        start += 1 << height
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found
