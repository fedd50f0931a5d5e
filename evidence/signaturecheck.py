"""The part of a verification that holds a log against signatures: checkpoints, the signer, notes held elsewhere.

A log's key may have been rotated: each key signs from a size on, and the checkpoint of that size carries the signatures
of the old key and of the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.utils import timezone

from evidence.findings import FailureClass, LogReport
from evidence.treecheck import TreeCheck
from ledger.kinds import CheckpointBody, Head
from ledger.models import Checkpoint
from ledger.notes import NoteError, Verifier, open_checkpoint, open_note, parse_checkpoint, parse_note, parse_vkey
from ledger.signermemory import known_keys, last_signed
from ledger.signerstate import KeyTerm, LastSigned, SignerFilesError, term_at

PUBLISH_SECONDS: Final = 600
"""How long a checkpoint may stand in the signer's record alone: a crash between the two writes is mended by then."""


class SignatureCheck:
    """Checks the signatures over one epoch of a log.

    Args:
        tree: The tree that the signatures speak of.
        report: Where findings go.
        using: The database connection.
        trusted: Keys that the reader was given elsewhere; those of other logs are left out.
        before: The newest key of the epoch before, which must have signed the first checkpoint of this one too.
    """

    def __init__(
        self,
        tree: TreeCheck,
        report: LogReport,
        using: str,
        trusted: Sequence[Verifier] = (),
        before: Verifier | None = None,
    ) -> None:
        self.tree, self.report, self.using = tree, report, using
        self.head: Head = tree.head
        self.trusted = [key for key in trusted if key.name == self.head.origin]
        self.terms: list[KeyTerm] = []
        self.last: LastSigned | None = None
        self.before = before
        self.loss_explained = False
        self.signed_size = 0

    def check(self) -> None:
        """Checks every checkpoint, and the head against what the signer itself remembers."""
        self._read_keys()
        rows = Checkpoint.objects.using(self.using).filter(log_id=self.head.log_id, epoch=self.head.epoch)
        if self.before is not None:
            self._check_link(rows.order_by("size").first(), self.before)
        for row in rows.order_by("size").iterator(chunk_size=500):
            self.report.checkpoints += 1
            body = self._body(row)
            if body is not None:
                self.signed_size = body.size
                self.report.signed_at = row.signed_at
                self._compare(body, f"checkpoint {body.size}")
        if self.last is not None:
            self._check_memory(self.last)

    def _check_link(self, first: Checkpoint | None, before: Verifier) -> None:
        """Notes an epoch whose first checkpoint the key of the epoch before did not sign: nobody let it begin."""
        try:
            open_note(first.note if first else "", [before])
        except NoteError:
            detail = "its first checkpoint is not signed by the key of the epoch before"
            self._fault(FailureClass.SIGNATURE_INVALID, f"epoch {self.head.epoch}", detail)

    def check_held(self, notes: Mapping[str, bytes]) -> None:
        """Holds the log against checkpoints that somebody else kept; notes of other logs are left out."""
        for name, note in notes.items():
            try:
                origin = parse_checkpoint(parse_note(note).text).origin
            except NoteError as error:
                self._fault(FailureClass.SIGNATURE_INVALID, name, str(error))
                continue
            if origin == self.head.origin:
                self._check_one_held(name, note)

    def _check_one_held(self, name: str, note: bytes) -> None:
        """Checks the signature of one held note, and the tree against it."""
        self.report.held += 1
        try:
            body = open_checkpoint(note, [*self.trusted, *(term.verifier for term in self.terms)])
        except NoteError as error:
            self._fault(FailureClass.SIGNATURE_INVALID, name, str(error))
        else:
            self._compare(body, name)

    def _read_keys(self) -> None:
        """Reads the log's keys from the signer's files, else from the checkpoints, and compares the trusted ones."""
        try:
            self.terms = known_keys(self.head.origin)
            if self.terms:
                self.last = last_signed(self.head.log_id, self.head.epoch, self.head.origin)
                self.report.key_from = "the signer's files"
        except SignerFilesError as error:
            self._fault(FailureClass.SIGNATURE_INVALID, "signer", str(error))
            return
        if not self.terms:
            self.terms = self._published_keys()
        for key in self.trusted:
            self.report.key_from = "the reader"
            if self.terms and key not in [term.verifier for term in self.terms]:
                detail = "the key that you gave never signed this log: its signatures were made anew by another key"
                self._fault(FailureClass.SIGNATURE_INVALID, "key", detail)

    def _published_keys(self) -> list[KeyTerm]:
        """Returns the keys that the checkpoints name: weaker, since who changes rows can change them too."""
        rows = Checkpoint.objects.using(self.using).filter(log_id=self.head.log_id, epoch=self.head.epoch)
        terms: list[KeyTerm] = []
        for size, vkey in rows.order_by("size").values_list("size", "vkey").iterator(chunk_size=2000):
            if terms and terms[-1].verifier.vkey == vkey:
                continue
            try:
                terms.append(KeyTerm(parse_vkey(vkey), size if terms else 0))
            except NoteError as error:
                self._fault(FailureClass.SIGNATURE_INVALID, f"checkpoint {size}", str(error))
                return terms
            self.report.key_from = "the database"
        return terms

    def _body(self, row: Checkpoint) -> CheckpointBody | None:
        """Returns what a checkpoint says when its signatures hold and its columns repeat it."""
        where = f"checkpoint {row.size}"
        term, before = term_at(self.terms, row.size)
        try:
            body = open_checkpoint(row.note, [term.verifier] if term else [])
            if before is not None:
                open_checkpoint(row.note, [before.verifier])
        except NoteError as error:
            self._fault(FailureClass.SIGNATURE_INVALID, where, str(error))
            return None
        shown = (row.size, bytes(row.root), self.head.origin, term.verifier.vkey if term else "")
        if shown != (body.size, body.root, body.origin, row.vkey):
            self._fault(FailureClass.SIGNATURE_INVALID, where, "its columns say something other than its signed note")
            return None
        return body

    def _check_memory(self, last: LastSigned) -> None:
        """Holds the log against what the signer last signed, which no administrator of the database can change."""
        self._compare(last.body, "signer's record")
        age = (timezone.now() - last.signed_at).total_seconds()
        if self.signed_size < last.body.size <= self.head.size and age > PUBLISH_SECONDS:
            detail = f"the checkpoint of {last.body.size} leaves is gone from the database"
            self._fault(FailureClass.SIGNATURE_INVALID, "signer's record", detail)

    def _compare(self, body: CheckpointBody, where: str) -> None:
        """Compares a signed body with the tree."""
        if body.size > self.head.size and self.loss_explained:
            self.report.lost = max(self.report.lost, body.size - self.head.size)
        elif body.size > self.head.size:
            detail = f"{body.size} leaves were signed, the log has {self.head.size}"
            self._fault(FailureClass.LOG_ROLLED_BACK, where, detail)
        else:
            self.tree.compare(body, where)

    def _fault(self, failure: FailureClass, where: str, detail: str) -> None:
        self.report.findings.add(failure, where, detail)
