"""The part of a verification that needs no rows and no signatures: tiles and head."""

from __future__ import annotations

from typing import Final

from evidence.findings import FailureClass, LogReport
from ledger.kinds import HASH_BYTES, CheckpointBody, Head
from ledger.tiles import WIDTH, TileError, check_tile, edge_at, edge_root, full_tiles
from ledger.tilestore import StoredTiles

TILES_AHEAD: Final = 128


class TreeCheck:
    """Checks one log's tree, and gives its leaves to those who check rows."""

    def __init__(self, head: Head, report: LogReport, using: str) -> None:
        self.head, self.report, self.using = head, report, using
        self.findings = report.findings
        self.runs = StoredTiles(head.log_id, head.epoch, ahead=TILES_AHEAD, using=using)
        self.single = StoredTiles(head.log_id, head.epoch, using=using)
        self.distrusted: set[int] = set()

    def check_tiles(self) -> None:
        """Hashes every full tile into the one above it, and the right edge into the head's root."""
        for level, count in full_tiles(self.head.size):
            for n in range(count):
                try:
                    check_tile(level, n, self.runs.read)
                except TileError as error:
                    self._fault(FailureClass.TREE_INCONSISTENT, f"tile {level}/{n}", str(error))
                    if level == 0:
                        self.distrusted.add(n)
        try:
            root = edge_root(edge_at(self.head.size, self.single.read))
        except TileError as error:
            self._fault(FailureClass.TREE_INCONSISTENT, "head", str(error))
            self.distrusted.add(self.head.size // WIDTH)
            return
        if root != self.head.root:
            self._fault(FailureClass.TREE_INCONSISTENT, "head", "its root is not the root of its tiles")
            self.distrusted.add(self.head.size // WIDTH)

    def leaf(self, index: int) -> bytes | None:
        """Returns the leaf hash at an index; None where the tile itself was found wrong, which is noted already."""
        n, at = divmod(index, WIDTH)
        if n in self.distrusted or index >= self.head.size:
            return None
        try:
            return self.runs.read(0, n)[at * HASH_BYTES : (at + 1) * HASH_BYTES]
        except TileError:
            return None

    def compare(self, body: CheckpointBody, where: str) -> None:
        """Compares a signed body, not larger than the head, with the tree."""
        try:
            same = edge_root(edge_at(body.size, self.single.read)) == body.root
        except TileError as error:
            self._fault(FailureClass.TREE_INCONSISTENT, where, str(error))
            return
        if not same:
            detail = f"the first {body.size} leaves have another root than the one that was signed"
            self._fault(FailureClass.TREE_INCONSISTENT, where, detail)

    def _fault(self, failure: FailureClass, where: str, detail: str) -> None:
        self.findings.add(failure, where, detail)
