"""Checks the completeness annex: no deed of the period that belongs into a table was left out of it.

The annex holds every entry of the ledger from one that is older than the period to the checkpoint's end. Deeds and the
manifests of deliveries are opened as far as they are not personal; the events of a delivery are tree hashes, as many as
the manifest after them says. What the lines are is decided by the checkpoint's root alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from evidence.verifier.primitives import (
    Archived,
    Broken,
    Fault,
    unbase64,
)

ANNEX = "proofs/annex.txt"
COMPLETE = {
    "alerts_raised": ("alert.raise",),
    "erasures": ("erasure.confirm", "erasure.repeat"),
    "removals": ("retention.prune",),
    "snapshots": ("snapshot.import",),
    "dispositions": ("log_item.dispose",),
    "log_sign_offs": ("log_review.sign",),
    "decisions": ("item.decide", "item.decide_in_bulk", "item.undo_bulk"),
    "sign_offs": ("campaign.sign",),
}
MANIFEST_KIND = 2
BEFORE = timedelta(hours=1)
"""An entry is appended within an hour of the time in it, so that the first one must be this much older."""
SLACK = timedelta(minutes=1)
"""A deed takes its time before the entry about it does: one in the first minute may belong before the period."""


def pushed(stack: list[tuple[int, bytes]], height: int, node: bytes) -> None:
    """Append a perfect subtree to the tree's right edge (RFC 9162 2.1.2), and join what has become whole."""
    while stack and stack[-1][0] == height:
        node = hashlib.sha256(b"\x01" + stack.pop()[1] + node).digest()
        height += 1
    stack.append((height, node))


def aligned(first: int, end: int) -> list[int]:
    """Return the heights of the perfect, aligned subtrees that make up the leaves first to end - 1, in order."""
    heights = []
    while first < end:
        height = (end - first).bit_length() - 1
        if first:
            height = min(height, (first & -first).bit_length() - 1)
        heights.append(height)
        first += 1 << height
    return heights


def moment_of(text: str) -> datetime:
    """Read an RFC 3339 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # noqa: FURB162 -- Python 3.9 reads no Z


class Completeness:
    """What the annex shows: `faults`, and `lines` for the report; `proved` gives an entry that was proved."""

    def __init__(
        self, manifest: dict[str, Any], files: Archived, proved: Callable[[int], dict[str, Any] | None]
    ) -> None:
        self.manifest, self.files, self.proved = manifest, files, proved
        self.faults: list[Fault] = []
        self.lines: list[str] = []
        self.deeds: list[tuple[int, str, datetime]] = []
        self.first_at: datetime | None = None
        self.stack: list[tuple[int, bytes]] = []
        self.at = self.events = self.deliveries = 0

    def check(self, rows: dict[str, Counter[str]]) -> None:
        """Check the annex against the checkpoint, and the annex against how many rows of each table name an entry."""
        about = self.manifest.get("annex")
        if not about:
            self.lines.append("NOT shown: this pack has no completeness annex; what was left out says why")
            return
        self.read(about)
        period = self.manifest["period"]
        start, end = moment_of(period["start"]), moment_of(period["end"])
        if about["first"] and (self.first_at is None or self.first_at > start - BEFORE):
            self.faults.append((ANNEX, "it begins inside of the period: entries before its first one were left out."))
        for table, verbs in sorted(COMPLETE.items()):
            if table in rows:
                deeds = [deed for deed in self.deeds if deed[1] in verbs and start + SLACK <= deed[2] < end]
                for deed in deeds:
                    self.compare(table, deed, rows[table])
                self.lines.append(f"{table}: every one of {len(deeds)} ledger entries of the period has its rows")
        told = "{} events in {} deliveries and {} deeds since entry {}"
        self.lines.append(told.format(self.events, self.deliveries, len(self.deeds), about["first"]))

    def read(self, about: dict[str, Any]) -> None:
        """Recompute the checkpoint's root from the lines; raises Broken unless it is that of the checkpoint."""
        ledger = self.manifest["ledger"]
        self.at = about["first"]
        edge = [unbase64(item, ANNEX) for item in about["edge"]]
        heights = aligned(0, self.at)
        if len(edge) != len(heights):
            raise Broken("manifest.json", "the annex has another edge than its first entry asks for.")
        for height, node in zip(heights, edge):  # noqa: B905 -- `strict` came with Python 3.10
            pushed(self.stack, height, node)
        waiting = 0
        for number, (_, line) in enumerate(self.files.lines(ANNEX)):
            try:
                waiting = self.take(line, waiting)
            except (ValueError, KeyError, IndexError, TypeError):
                raise Broken(f"{ANNEX}, line {number}", "it cannot be read.") from None
        root = b""
        for _, node in reversed(self.stack):
            root = hashlib.sha256(b"\x01" + node + root).digest() if root else node
        if waiting or self.at != ledger["size"] or root != unbase64(ledger["root"]):
            raise Broken(ANNEX, "its entries are not those of the ledger under the pack's checkpoint.")

    def take(self, line: bytes, waiting: int) -> int:
        """Take one line in; `waiting` is the number of events whose manifest has to follow. Returns the new number."""
        if line.startswith(b"R "):
            count, *hashes = line.decode("ascii").split(" ")[1:]
            heights = aligned(self.at, self.at + int(count))
            if waiting or not heights or len(heights) != len(hashes):
                raise ValueError(count)
            for height, packed in zip(heights, hashes):  # noqa: B905 -- `strict` came with Python 3.10
                pushed(self.stack, height, unbase64(packed, ANNEX))
            self.at += int(count)
            return int(count)
        letter, kind, subj, raw, core = line.split(b" ", 4)
        groups = [bytes(32) if item == b"-" else unbase64(item.decode("ascii"), ANNEX) for item in (subj, raw)]
        if letter != b"L" or any(len(item) != 32 for item in groups):
            raise ValueError(letter)
        entry = bytes((1, int(kind))) + groups[0] + groups[1] + core
        pushed(self.stack, 0, hashlib.sha256(b"\0" + entry).digest())
        self.note(int(kind), json.loads(core), waiting)
        self.at += 1
        return 0

    def note(self, kind: int, said: dict[str, Any], waiting: int) -> None:
        """Keep what an opened entry says; raises ValueError for events that no manifest accounts for."""
        is_manifest = kind == MANIFEST_KIND
        if (said["stored"] if is_manifest else 0) != waiting:
            raise ValueError(waiting)
        at = moment_of(said["received_at" if is_manifest else "at"])
        self.first_at = self.first_at or at
        if is_manifest:
            self.events, self.deliveries = self.events + waiting, self.deliveries + 1
        else:
            self.deeds.append((self.at, said["verb"], at))

    def compare(self, table: str, deed: tuple[int, str, datetime], rows: Counter[str]) -> None:
        """Hold one deed against the rows that name it: one, or as many as a deed over several items has items."""
        index, verb, at = deed
        named = rows[str(index)]
        where = f"tables/{table}.csv"
        told = "ledger entry {} ({}, {})".format(index, verb, at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))
        if not named:
            self.faults.append((where, told + " belongs into it, and no row names it: a row was withheld."))
            return
        sealed = self.proved(index)
        items = json.loads(unbase64(sealed["subj"]))["detail"].get("items", [0]) if sealed else [0]
        if named != len(items):
            self.faults.append((where, f"{told} is about {len(items)} items, and {named} rows name it."))
