"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 2.1) over SHA-256: hashes, proofs and their verification.

Pure functions over hashes. Proofs are built from a function that gives the hash of an aligned, perfect subtree, so that
the same code works over a list in memory and over stored tiles.
"""

from __future__ import annotations

import hashlib

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 2.1: MTH({}) = SHA-256())."""


class ProofError(ValueError):
    """A proof does not lead to the root it is held against, or has the wrong shape."""


def leaf_hash(entry: bytes) -> bytes:
    """Returns SHA-256(0x00 || entry), the leaf hash of RFC 6962 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns SHA-256(0x01 || left || right), the inner node of RFC 6962 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()
