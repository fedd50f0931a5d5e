"""What verifiers read of the signer's own files: its keys and what it remembers, where this process may read them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings

from ledger.notes import Verifier
from ledger.signer import is_separate, signer_files
from ledger.signerstate import KeyTerm, LastSigned, SignerFiles


def known_verifier(origin: str) -> Verifier | None:
    """Returns the public key of a log from the signer's own files, or None where this process may not read them.

    Raises:
        SignerFilesError: The key is damaged, or gone although something was signed.
    """
    return SignerFiles.verifier(Path(settings.COUNTERSIGN_SIGNER), origin)


def known_keys(origin: str) -> list[KeyTerm]:
    """Returns all keys of a log, oldest first, from the signer's own files; none where this process cannot read them.

    Raises:
        SignerFilesError: A key is damaged, or gone although something was signed.
    """
    verifier = known_verifier(origin)
    return [] if verifier is None else signer_files().terms(origin)


def signed_epochs(log_id: UUID) -> list[int]:
    """Returns the epochs of a log that the signer remembers, oldest first; none where this process cannot read it."""
    try:
        if is_separate() or not Path(settings.COUNTERSIGN_SIGNER).exists():
            return []
        return signer_files().epochs(log_id)
    except PermissionError:
        return []


def signed_logs() -> list[tuple[UUID, str]]:
    """Returns every log that the signer remembers with its origin; none where this process cannot read its files."""
    try:
        if is_separate() or not Path(settings.COUNTERSIGN_SIGNER).exists():
            return []
        return [(log_id, origin) for log_id, (_epoch, origin) in sorted(signer_files().logs().items())]
    except PermissionError:
        return []


def last_signed(log_id: UUID, epoch: int, origin: str) -> LastSigned | None:
    """Returns what the signer itself remembers as last signed for a log; None for nothing.

    Raises:
        SignerFilesError: Its state is damaged or not its own.
    """
    return signer_files().last(log_id, epoch, origin)
