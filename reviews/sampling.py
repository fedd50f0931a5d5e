"""Draws samples that anybody can draw again: ids ranked by SHA-256(seed NUL id), the first n taken.

The result does not depend on the order of the ids; a larger sample holds the smaller; another seed gives another.
"""

import hashlib
import heapq
import json
import shlex
from collections.abc import Iterable


def draw(ids: Iterable[str], *, seed: bytes, size: int) -> list[str]:
    """Return the `size` ids of the lowest rank, in the order of their ranks; all of them where there are fewer."""
    return heapq.nsmallest(size, set(ids), key=lambda item: hashlib.sha256(seed + b"\0" + item.encode()).digest())


def recipe(seed: str, size: int) -> str:
    """Return the command that draws a sample again from the downloaded population, with Python's own library alone."""
    steps = (
        "import csv, hashlib",
        f"seed = {json.dumps(seed, ensure_ascii=False)}.encode()",
        'ids = {row["id"] for row in csv.DictReader(open("population.csv", encoding="utf-8"))}',
        "rank = lambda one: hashlib.sha256(seed + bytes(1) + one.encode()).digest()",
        f"print(*sorted(ids, key=rank)[:{size}], sep=chr(10))",
    )
    return f"python3 -c {shlex.quote('; '.join(steps))}"
