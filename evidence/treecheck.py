"""The part of a verification that needs no rows: tiles, head, checkpoints, and the signer's own record."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from evidence.findings import FailureClass, LogReport
from ledger.kinds import HASH_BYTES, CheckpointBody, Head
from ledger.models import Checkpoint
from ledger.notes import NoteError, Verifier, open_checkpoint, parse_vkey
from ledger.signer import known_verifier, last_signed
from ledger.signerstate import LastSigned, SignerFilesError
from ledger.tiles import WIDTH, TileError, check_tile, edge_at, edge_root, full_tiles
from ledger.tilestore import StoredTiles

TILES_AHEAD: Final = 128
PUBLISH_SECONDS: Final = 600
"""How long a checkpoint may stand in the signer's record alone: a crash between the two writes is mended by then."""


class TreeCheck:
    """Checks one log's tree and signatures, and gives its leaves to those who check rows."""

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

    def check_signatures(self) -> None:
        """Checks every checkpoint, and the head against what the signer itself remembers."""
        rows = Checkpoint.objects.using(self.using).filter(log_id=self.head.log_id, epoch=self.head.epoch)
        verifier, last = self._signer()
        if verifier is None:
            verifier = self._published_key()
        for row in rows.order_by("size").iterator(chunk_size=500):
            self.report.checkpoints += 1
            body = self._body(row, verifier)
            if body is not None:
                self.report.signed_size, self.report.signed_at = body.size, row.signed_at
                self._compare(body, f"checkpoint {body.size}")
        if last is not None:
            self._check_memory(last)

    def _signer(self) -> tuple[Verifier | None, LastSigned | None]:
        """Returns the log's key and its last checkpoint from the signer's own files, where they are readable."""
        try:
            verifier = known_verifier(self.head.origin)
            last = last_signed(self.head.log_id, self.head.epoch, self.head.origin) if verifier else None
        except SignerFilesError as error:
            self._fault(FailureClass.SIGNATURE_INVALID, "signer", str(error))
            return None, None
        self.report.key_from = "the signer's files" if verifier else ""
        return verifier, last

    def _published_key(self) -> Verifier | None:
        """Returns the key that the newest checkpoint names: weaker, since who changes rows can change it too."""
        rows = Checkpoint.objects.using(self.using).filter(log_id=self.head.log_id, epoch=self.head.epoch)
        vkey = rows.order_by("-size").values_list("vkey", flat=True).first()
        if vkey is None:
            return None
        self.report.key_from = "the database"
        try:
            return parse_vkey(vkey)
        except NoteError as error:
            self._fault(FailureClass.SIGNATURE_INVALID, "key", str(error))
            return None

    def _body(self, row: Checkpoint, verifier: Verifier | None) -> CheckpointBody | None:
        """Returns what a checkpoint says when its signature holds and its columns repeat it."""
        where = f"checkpoint {row.size}"
        try:
            body = open_checkpoint(row.note, [verifier] if verifier else [])
        except NoteError as error:
            self._fault(FailureClass.SIGNATURE_INVALID, where, str(error))
            return None
        shown = (row.size, bytes(row.root), self.head.origin, verifier.vkey if verifier else "")
        if shown != (body.size, body.root, body.origin, row.vkey):
            self._fault(FailureClass.SIGNATURE_INVALID, where, "its columns say something other than its signed note")
            return None
        return body

    def _check_memory(self, last: LastSigned) -> None:
        """Holds the log against what the signer last signed, which no administrator of the database can change."""
        self._compare(last.body, "signer's record")
        age = (timezone.now() - last.signed_at).total_seconds()
        if last.body.size > self.report.signed_size and last.body.size <= self.head.size and age > PUBLISH_SECONDS:
            detail = f"the checkpoint of {last.body.size} leaves is gone from the database"
            self._fault(FailureClass.SIGNATURE_INVALID, "signer's record", detail)

    def _compare(self, body: CheckpointBody, where: str) -> None:
        """Compares a signed body with the tree."""
        if body.size > self.head.size:
            detail = f"{body.size} leaves were signed, the log has {self.head.size}"
            self._fault(FailureClass.LOG_ROLLED_BACK, where, detail)
            return
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
