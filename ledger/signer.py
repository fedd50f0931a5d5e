"""The signer: recomputes a log's root from its tiles, checks that it extends what was last signed, and signs it.

It keeps its key and its last state in files of its own (`ledger.signerstate`) and refuses a log that is smaller than
what it signed before, or inconsistent with it. It works on a connection of its own, so that it never signs what another
transaction of the same process has appended and not yet committed. C2SP tlog-checkpoint: "A log MUST not sign any
checkpoint which is inconsistent with any checkpoint it previously signed."
"""

from __future__ import annotations

import base64
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from ledger import queries
from ledger.kinds import CheckpointBody, EpochStart, Head, Outcome, Rotation, SignedCheckpoint
from ledger.merkle import EMPTY_ROOT, ProofError, consistency_path, verify_consistency
from ledger.models import Checkpoint, Refusal
from ledger.notes import NoteError, Signer, Verifier, checkpoint_text, open_checkpoint, sign_note
from ledger.signerstate import LastSigned, SignerFiles, SignerFilesError, term_at
from ledger.tiles import TileError, check_growth, edge_at, edge_root, nodes_from
from ledger.tilestore import StoredTiles

logger = logging.getLogger("countersign.signer")

TILES_AHEAD: Final = 64
AWAY_SECONDS: Final = 90
"""Longest wait for a signer of another system user: its rounds are at most 60 seconds apart."""
PAUSE_SECONDS: Final = 0.5
GONE: Final = (
    "This signer has signed it, and the database knows no such log: it is an older copy, or the log was removed."
)


class RefusedToSignError(RuntimeError):
    """The signer does not sign a log; the message says what is wrong, the refusal is on record."""

    def __init__(self, head: Head, reason: str) -> None:
        self.head = head
        self.reason = reason
        super().__init__(f"Not signed: {head.origin} at {head.size} leaves. {reason}")


class EpochNotNeededError(RuntimeError):
    """A new epoch was asked for, but the log continues what was signed."""


class SignerAwayError(RuntimeError):
    """The signer of another system user did not sign in time; it may not run, or refuse."""


def signer_files() -> SignerFiles:
    """Returns the signer's files, in the directory that the setting COUNTERSIGN_SIGNER names."""
    return SignerFiles(Path(settings.COUNTERSIGN_SIGNER))


def is_separate() -> bool:
    """Says whether the signer's key is out of this process's reach, as a system user of its own keeps it.

    Only then is a signer's state worth more than the signature: who takes over a process that can read the key can
    sign anything, and rewrite the state too.
    """
    directory = Path(settings.COUNTERSIGN_SIGNER)
    try:
        return directory.exists() and not os.access(directory, os.R_OK | os.X_OK)
    except PermissionError:
        return True


def sign_now(log_id: UUID) -> SignedCheckpoint:
    """Returns a signed checkpoint of everything committed so far; signs only when the log has grown.

    Where the signer runs under a system user of its own, it waits for that signer's next round.

    Raises:
        UnknownLogError: The log was never opened.
        RefusedToSignError: The log is smaller than or inconsistent with what was signed, or its tiles are wrong.
        SignerFilesError: The signer's own key or state is missing or damaged.
        SignerAwayError: The separate signer did not sign in time.
    """
    if is_separate():
        return await_checkpoint(log_id)
    return _sign(log_id)[0]


def rotate(log_id: UUID, announce: Callable[[str, str], None]) -> Rotation:
    """Replaces the key of a log: a leaf announces the new one, and one checkpoint over it carries both signatures.

    No other process signs meanwhile. Safe to run again after a crash: the new key is kept until it took over.

    Args:
        log_id: The log.
        announce: Commits the leaf that names the old verifier key and the new one.

    Raises:
        RefusedToSignError: The log is not one that the signer would sign.
        SignerFilesError: The signer's own key or state is missing or damaged.
    """
    files = signer_files()
    with files.locked(log_id), _refusals_on_record(files):
        with _log_scope(log_id):
            head = queries.head(log_id, using=_connection())
            _extend(files, head)
        old, new = files.signer(head.origin), files.next_signer(head.origin)
        announce(old.verifier.vkey, new.verifier.vkey)
        with _log_scope(log_id):
            head = queries.head(log_id, using=_connection())
            last = _extend_by(files, head, [old, new])
            files.turn(head.origin, last.body.size)
            _publish(head, last, new.verifier.vkey)
    return Rotation(old.verifier.vkey, new.verifier.vkey, last.body.size)


def open_epoch(log_id: UUID, announce: Callable[[EpochStart], None]) -> SignedCheckpoint:
    """Opens the next epoch of a log that was restored, and signs its first checkpoint with both keys.

    Only a log that the signer refuses gets one. Safe to run again after a crash.

    Args:
        log_id: The log.
        announce: Closes the old epoch and commits the first leaf of the new one, in one transaction.

    Raises:
        EpochNotNeededError: The signer would sign the log as it is, or it never signed it.
        SignerFilesError: The signer's own key or state is missing or damaged.
    """
    files = signer_files()
    with files.locked(log_id), _refusals_on_record(files):
        with _log_scope(log_id):
            head = queries.head(log_id, using=_connection())
            begun = files.is_approved(log_id, head.epoch) and head.epoch not in files.epochs(log_id)
            start = None if begun else _start(files, head)
        if start is not None:
            files.approve(log_id, start.epoch)
            announce(start)
        with _log_scope(log_id):
            return _extend(files, queries.head(log_id, using=_connection()))[0]


def _start(files: SignerFiles, head: Head) -> EpochStart:
    """Returns what the next epoch quotes of the present one, which the signer must refuse."""
    newest = max(files.epochs(head.log_id), default=0)
    origin = files.origin_of(head.log_id, newest)
    last = files.last(head.log_id, newest, origin) if origin else None
    if last is None:
        raise EpochNotNeededError(f"{head.origin} was never signed by this signer: there is nothing to continue.")
    try:
        _check_history(files, head, [term.verifier for term in files.terms(head.origin)], last)
        _checked_body(head, last)
    except RefusedToSignError:
        epoch = max(newest, head.epoch) + 1
        return EpochStart(epoch, f"{head.origin.rpartition('/')[0]}/{epoch}", head, last.body.size, last.note)
    raise EpochNotNeededError(f"{head.origin} continues what was signed: it needs no new epoch.")


def await_checkpoint(log_id: UUID, *, seconds: int = AWAY_SECONDS) -> SignedCheckpoint:
    """Waits until a signer elsewhere has signed everything committed so far, and returns its checkpoint.

    Raises:
        UnknownLogError: The log was never opened.
        SignerAwayError: It did not sign in time.
    """
    until = time.monotonic() + seconds
    wanted = None
    while time.monotonic() < until:
        with _log_scope(log_id):
            wanted = wanted or queries.head(log_id, using=_connection()).size
            signed = queries.latest_checkpoint(log_id, using=_connection())
        if signed is not None and signed.size >= wanted:
            return signed
        time.sleep(PAUSE_SECONDS)
    raise SignerAwayError(
        f"The signer has not signed {wanted} leaves within {seconds} seconds: see whether ledger_sign runs and refuses."
    )


def sign_all() -> Iterator[Outcome]:
    """Signs every log that has grown since its last checkpoint; a refused log does not stop the others."""
    for log_id, _epoch, origin in queries.logs(using=_connection()):
        try:
            signed, is_new = _sign(log_id)
        except (RefusedToSignError, SignerFilesError) as error:
            yield Outcome(log_id, origin, None, refused=str(error))
        else:
            yield Outcome(log_id, origin, signed, is_new=is_new)
    yield from _vanished()


def _vanished() -> Iterator[Outcome]:
    """Refuses, on record, each log that was signed and that the database does not know at all."""
    files = signer_files()
    known = {log_id for log_id, _epoch, _origin in queries.logs(using=_connection())}
    for log_id, (epoch, origin) in sorted(files.logs().items()):
        if log_id not in known:
            refusal = RefusedToSignError(Head(log_id, epoch, origin, 0, EMPTY_ROOT), GONE)
            _record(files, refusal)
            yield Outcome(log_id, origin, None, refused=str(refusal))


def _sign(log_id: UUID) -> tuple[SignedCheckpoint, bool]:
    """Signs one log under the file lock and returns the checkpoint, and whether it is new."""
    files = signer_files()
    with files.locked(log_id), _refusals_on_record(files), _log_scope(log_id):
        return _extend(files, queries.head(log_id, using=_connection()))


@contextmanager
def _refusals_on_record(files: SignerFiles) -> Iterator[None]:
    """Leaves a refusal on record, after the transaction that met it."""
    try:
        yield
    except RefusedToSignError as refusal:
        _record(files, refusal)
        raise


def _extend(files: SignerFiles, head: Head) -> tuple[SignedCheckpoint, bool]:
    """Checks the log against the last state and signs it when it has grown."""
    terms = files.terms(head.origin)
    last = files.last(head.log_id, head.epoch, head.origin)
    _check_history(files, head, [term.verifier for term in terms], last)
    if last is None or last.body.size < head.size:
        last = _extend_by(files, head, [files.signer(head.origin), *_epochs_before(files, head, last)])
        is_new = True
    else:
        _checked_body(head, last)
        is_new = False
    term, _before = term_at(terms, last.body.size)
    _publish(head, last, (term or terms[0]).verifier.vkey)
    body = last.body
    return SignedCheckpoint(
        head.log_id, head.epoch, body.origin, body.size, body.root, last.note, last.signed_at
    ), is_new


def _extend_by(files: SignerFiles, head: Head, signers: list[Signer]) -> LastSigned:
    """Signs what the log has become, by these keys, and keeps the note before it leaves."""
    body = _checked_body(head, files.last(head.log_id, head.epoch, head.origin))
    signed = LastSigned(body, sign_note(checkpoint_text(body), signers), timezone.now())
    files.keep(head.log_id, head.epoch, signed)
    return signed


def _epochs_before(files: SignerFiles, head: Head, last: LastSigned | None) -> list[Signer]:
    """Returns the keys of the epochs before, which sign the first checkpoint of an epoch too."""
    epochs = [epoch for epoch in files.epochs(head.log_id) if last is None and epoch < head.epoch]
    origins = [files.origin_of(head.log_id, epoch) for epoch in epochs]
    return [files.signer(origin) for origin in origins if origin]


def _check_history(files: SignerFiles, head: Head, keys: list[Verifier], last: LastSigned | None) -> None:
    """Refuses when the signer's files are older than what it has published, or the epoch is not one it knows."""
    rows = Checkpoint.objects.using(_connection()).filter(log_id=head.log_id, epoch=head.epoch)
    epochs = files.epochs(head.log_id)
    if max(epochs, default=0) > head.epoch:
        raise RefusedToSignError(
            head,
            f"This signer has signed epoch {max(epochs)} of the log: the log was rolled back behind its beginning.",
        )
    if last is not None:
        published = _published_size([note for (note,) in rows.order_by("-size").values_list("note")[:3]], keys)
        if published > last.body.size:
            raise RefusedToSignError(
                head,
                f"A checkpoint of {published} leaves with this signer's signature exists, but the signer's own state "
                f"stops at {last.body.size}: restore the state files from a backup.",
            )
    elif rows.exists():
        raise RefusedToSignError(
            head, "Checkpoints of this log exist, but the signer's own state is gone: restore it from a backup."
        )
    elif epochs and not files.is_approved(head.log_id, head.epoch):
        raise RefusedToSignError(
            head,
            f"Epoch {head.epoch} appeared beside epoch {max(epochs)}: a new epoch needs the operator's approval.",
        )


def _published_size(notes: list[str], keys: list[Verifier]) -> int:
    """Returns the largest size among these notes that this signer signed; -1 for none."""
    sizes = [-1]
    for note in notes:
        try:
            sizes.append(open_checkpoint(note, keys).size)
        except NoteError:
            logger.warning("A checkpoint of %s in the database was not signed by this signer.", keys[0].name)
    return max(sizes)


def _checked_body(head: Head, last: LastSigned | None) -> CheckpointBody:
    """Recomputes the root from the tiles and checks that it extends what was signed.

    Raises:
        RefusedToSignError: It does not.
    """
    old = last.body.size if last else 0
    if head.size < old:
        raise RefusedToSignError(head, f"The log is smaller than the {old} leaves signed before: it was rolled back.")
    tiles = StoredTiles(head.log_id, head.epoch, using=_connection())
    runs = StoredTiles(head.log_id, head.epoch, ahead=TILES_AHEAD, using=_connection())
    try:
        root = edge_root(edge_at(head.size, tiles.read))
        check_growth(old, head.size, runs.read)
        if last is not None:
            path = consistency_path(old, head.size, nodes_from(tiles.read))
            verify_consistency(old, head.size, path, old_root=last.body.root, new_root=root)
    except (TileError, ProofError) as error:
        raise RefusedToSignError(head, f"{error} The signed past was changed, or tiles are damaged.") from error
    if root != head.root:
        raise RefusedToSignError(head, "The head's root is not the root of its tiles.")
    return CheckpointBody(head.origin, head.size, root)


def _publish(head: Head, last: LastSigned, vkey: str) -> None:
    """Puts the checkpoint into the database; also the one that a crash left in the state file alone."""
    row = Checkpoint(
        log_id=head.log_id,
        epoch=head.epoch,
        size=last.body.size,
        root=last.body.root,
        note=last.note,
        vkey=vkey,
        signed_at=last.signed_at,
    )
    Checkpoint.objects.using(_connection()).bulk_create([row], ignore_conflicts=True)


def _record(files: SignerFiles, refusal: RefusedToSignError) -> None:
    """Leaves a refusal in the log, in the signer's own file and in the database; once for each new finding."""
    head = refusal.head
    logger.error("%s", refusal)
    with _log_scope(head.log_id):
        newest = Refusal.objects.using(_connection()).filter(log_id=head.log_id).order_by("-refused_at", "-id").first()
        if newest is not None and (newest.size, newest.reason) == (head.size, refusal.reason):
            return
        at = timezone.now()
        files.note_refusal(
            {
                "at": at.isoformat(),
                "origin": head.origin,
                "size": head.size,
                "root": base64.b64encode(head.root).decode(),
                "reason": refusal.reason,
            }
        )
        Refusal.objects.using(_connection()).create(
            log_id=head.log_id,
            epoch=head.epoch,
            size=head.size,
            root=head.root,
            reason=refusal.reason,
            refused_at=at,
        )


@contextmanager
def _log_scope(log_id: UUID) -> Iterator[None]:
    """Opens the scope of one log in a transaction; gives an outer scope on the same connection back afterwards."""
    using = _connection()
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.log', true), '')")
        outer = cursor.fetchone()[0]
        _set_scope(cursor, str(log_id))
        yield
        _set_scope(cursor, outer and str(UUID(outer)))


def _set_scope(cursor: Any, log: str) -> None:
    """Names the log to row security; a literal SET LOCAL, since Citus does not propagate set_config."""
    cursor.execute(f"SET LOCAL app.log = '{log}'")


def _connection() -> str:
    """Returns the connection that commits on its own, whatever the caller's transaction does."""
    return str(settings.COUNTERSIGN_SIGNER_CONNECTION)
