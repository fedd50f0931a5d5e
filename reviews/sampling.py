"""Draws samples that anybody can draw again: ids ranked by SHA-256(seed NUL id), the first n taken.

The result does not depend on the order of the ids; a larger sample holds the smaller; another seed gives another.
"""

import hashlib
import heapq
from collections.abc import Iterable


def draw(ids: Iterable[str], *, seed: bytes, size: int) -> list[str]:
    """Return the `size` ids of the lowest rank, in the order of their ranks; all of them where there are fewer."""
    return heapq.nsmallest(size, set(ids), key=lambda item: hashlib.sha256(seed + b"\0" + item.encode()).digest())
