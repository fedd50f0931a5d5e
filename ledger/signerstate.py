"""The signer's own files, outside the database: master key, last signed checkpoint per log, refusals.

    signer/master.key                  32 random bytes, 0600
    signer/<log>-<epoch>.json          the last checkpoint signed, written before the note leaves
    signer/<digest of origin>.ring     a log's keys, once the first was replaced: public ones, and the newest seed
    signer/<log>-<epoch>.approved      a later epoch that the operator opened after a restore
    signer/<log>.lock                  held while a log is signed, so that two processes cannot fork it
    signer/refusals.ndjson             what was refused, a line each

A rolled-back database is noticed because these files are not rolled back with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.kinds import CheckpointBody
from ledger.notes import NoteError, Signer, Verifier, open_checkpoint, parse_vkey

MASTER_BYTES: Final = 32
MASTER_FILE: Final = "master.key"
UUID_CHARS: Final = 36
REFUSALS_FILE: Final = "refusals.ndjson"
PRIVATE: Final = 0o600


class SignerFilesError(RuntimeError):
    """The signer's key or state is missing, unreadable or not its own."""


@dataclass(frozen=True, slots=True)
class LastSigned:
    """What the signer last signed for a log: the note is believed after its signature was checked, nothing else is."""

    body: CheckpointBody
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """A key of a log and the size from which on it signs; the checkpoint of that size carries the old key's too."""

    verifier: Verifier
    since: int


def term_at(terms: Sequence[KeyTerm], size: int) -> tuple[KeyTerm | None, KeyTerm | None]:
    """Returns the key that signs a checkpoint of this size, and the old one where it must have signed too."""
    number = max((at for at, term in enumerate(terms) if term.since <= size), default=-1)
    if number < 0:
        return None, None
    return terms[number], terms[number - 1] if number and terms[number].since == size else None


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of a log: the public ones, the seed that signs now, and the seed that is to sign next."""

    terms: tuple[KeyTerm, ...]
    seed: bytes
    coming: bytes | None = None

    def stored(self, origin: str) -> dict[str, object]:
        """Returns the ring as its file holds it."""
        keys = [{"vkey": term.verifier.vkey, "since": term.since} for term in self.terms]
        seeds = {"seed": self.seed.hex(), "next": self.coming.hex() if self.coming else None}
        return {"origin": origin, "keys": keys, **seeds}

    @classmethod
    def parse(cls, origin: str, stored: dict[str, Any]) -> Ring:
        """Reads a ring.

        Raises:
            ValueError: It belongs to another log, or its newest public key is not that of its seed.
        """
        terms = tuple(KeyTerm(parse_vkey(key["vkey"]), int(key["since"])) for key in stored["keys"])
        seed, coming = bytes.fromhex(stored["seed"]), bytes.fromhex(stored["next"] or "") or None
        if stored["origin"] != origin or Signer(origin, seed).verifier != terms[-1].verifier:
            raise ValueError("The keys do not belong together.")
        return cls(terms, seed, coming)


class SignerFiles:
    """The directory of one signer.

    Args:
        directory: Its place, `<data>/signer` by default; made with mode 0700 when it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    @classmethod
    def verifier(cls, directory: Path, origin: str) -> Verifier | None:
        """Returns the public key of a log; None where nothing was signed yet or the files belong to somebody else.

        Raises:
            SignerFilesError: The master key is damaged, or gone although something was signed.
        """
        try:
            if not (directory / MASTER_FILE).exists() and not any(directory.glob("*.json")):
                return None
            return cls(directory).terms(origin)[-1].verifier
        except PermissionError:
            return None

    @contextmanager
    def locked(self, log_id: UUID) -> Iterator[None]:
        """Lets one process at a time sign a log; waits for the other one, and for a change of the master key."""
        with self._flock("all.lock", fcntl.LOCK_SH), self._flock(f"{log_id}.lock", fcntl.LOCK_EX):
            yield

    def signer(self, origin: str) -> Signer:
        """Returns the key of one log and epoch: HKDF-SHA256 of the master with the origin as info, until it is rotated.

        Each log has a key of its own, because C2SP tlog-policy forbids two logs with one public key in a policy.

        Raises:
            SignerFilesError: The master key is missing although something was signed before, or a key is damaged.
        """
        ring = self._ring(origin)
        if ring is not None:
            return Signer(origin, ring.seed)
        hkdf = HKDF(algorithm=SHA256(), length=MASTER_BYTES, salt=None, info=origin.encode())
        return Signer(origin, hkdf.derive(self._master()))

    def terms(self, origin: str) -> list[KeyTerm]:
        """Returns the keys of one log and epoch, oldest first.

        Raises:
            SignerFilesError: A key is missing or damaged.
        """
        ring = self._ring(origin)
        return list(ring.terms) if ring else [KeyTerm(self.signer(origin).verifier, 0)]

    def next_signer(self, origin: str) -> Signer:
        """Returns the key that is to come after the present one; the same one until `turn`, also after a crash."""
        ring = self._ring(origin) or Ring((KeyTerm(self.signer(origin).verifier, 0),), self.signer(origin).seed)
        if ring.coming is None:
            ring = replace(ring, coming=secrets.token_bytes(MASTER_BYTES))
            self._keep_ring(origin, ring)
        return Signer(origin, ring.coming or b"")

    def turn(self, origin: str, since: int) -> None:
        """Makes the coming key the present one, from a checkpoint size on, and destroys the seed of the old one.

        Raises:
            SignerFilesError: There is no coming key.
        """
        ring = self._ring(origin)
        if ring is None or ring.coming is None:
            raise SignerFilesError(f"No new key of {origin} was made.")
        term = KeyTerm(Signer(origin, ring.coming).verifier, since)
        self._keep_ring(origin, Ring((*ring.terms, term), ring.coming))

    def renew_master(self) -> None:
        """Replaces the master key, from which the keys of new logs are derived.

        A log that still signs with a key of the old master keeps it in a ring; nothing else depends on the old one.
        """
        with self._flock("all.lock", fcntl.LOCK_EX):
            for path in sorted(self.directory.glob("*.json")):
                origin = str(json.loads(path.read_text(encoding="utf-8"))["origin"])
                if self._ring(origin) is None:
                    signer = self.signer(origin)
                    self._keep_ring(origin, Ring((KeyTerm(signer.verifier, 0),), signer.seed))
            self._replace(self.directory / MASTER_FILE, secrets.token_bytes(MASTER_BYTES))

    def last(self, log_id: UUID, epoch: int, origin: str) -> LastSigned | None:
        """Returns what was last signed for an epoch of a log, or None when nothing was.

        Raises:
            SignerFilesError: The file is damaged, or holds something this signer did not sign.
        """
        path = self._state_path(log_id, epoch)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            body = open_checkpoint(stored["note"], [term.verifier for term in self.terms(origin)])
            return LastSigned(body, stored["note"], datetime.fromisoformat(stored["signed_at"]))
        except FileNotFoundError:
            return None
        except (NoteError, ValueError, KeyError, TypeError) as error:
            raise SignerFilesError(
                f"The signer's state {path.name} is damaged or not its own: {error} Restore it from a backup."
            ) from error

    def approve(self, log_id: UUID, epoch: int) -> None:
        """Notes that the operator wants a later epoch of a log."""
        self._replace(self._approval_path(log_id, epoch), b"")

    def is_approved(self, log_id: UUID, epoch: int) -> bool:
        """Says whether the operator wanted this epoch."""
        return self._approval_path(log_id, epoch).exists()

    def origin_of(self, log_id: UUID, epoch: int) -> str | None:
        """Returns the origin under which this signer signed an epoch; None where it did not."""
        try:
            return str(json.loads(self._state_path(log_id, epoch).read_text(encoding="utf-8"))["origin"])
        except FileNotFoundError:
            return None

    def epochs(self, log_id: UUID) -> list[int]:
        """Returns the epochs of a log that were signed, oldest first."""
        return sorted(int(path.stem.rpartition("-")[2]) for path in self.directory.glob(f"{log_id}-*.json"))

    def logs(self) -> dict[UUID, tuple[int, str]]:
        """Returns every log that was signed, with its newest epoch and that one's origin."""
        found = {UUID(path.stem[:UUID_CHARS]) for path in self.directory.glob("*-*.json")}
        newest = {log_id: self.epochs(log_id)[-1] for log_id in found}
        return {log_id: (epoch, self.origin_of(log_id, epoch) or "") for log_id, epoch in newest.items()}

    def keep(self, log_id: UUID, epoch: int, signed: LastSigned) -> None:
        """Writes the last signed checkpoint, durable before it returns; whole or not at all."""
        stored = {
            "origin": signed.body.origin,
            "epoch": epoch,
            "size": signed.body.size,
            "root": signed.body.root.hex(),
            "note": signed.note,
            "signed_at": signed.signed_at.isoformat(),
        }
        self._replace(self._state_path(log_id, epoch), json.dumps(stored, indent=1, ensure_ascii=False).encode())

    def note_refusal(self, line: dict[str, str | int]) -> None:
        """Appends one refusal to the signer's own record."""
        descriptor = os.open(self.directory / REFUSALS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def refusals(self) -> list[dict[str, str | int]]:
        """Returns the signer's own record of refusals, oldest first."""
        path = self.directory / REFUSALS_FILE
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def _approval_path(self, log_id: UUID, epoch: int) -> Path:
        return self.directory / f"{log_id}-{epoch}.approved"

    def _ring_path(self, origin: str) -> Path:
        return self.directory / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.ring"

    def _ring(self, origin: str) -> Ring | None:
        """Reads the keys of a log whose first key was replaced."""
        path = self._ring_path(origin)
        try:
            return Ring.parse(origin, json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (NoteError, ValueError, KeyError, TypeError) as error:
            raise SignerFilesError(f"The signer's keys {path.name} are damaged: restore them from a backup.") from error

    def _keep_ring(self, origin: str, ring: Ring) -> None:
        self._replace(self._ring_path(origin), json.dumps(ring.stored(origin), indent=1).encode())

    def _state_path(self, log_id: UUID, epoch: int) -> Path:
        return self.directory / f"{log_id}-{epoch}.json"

    def _master(self) -> bytes:
        """Reads the master key; makes it only where nothing was ever signed."""
        path = self.directory / MASTER_FILE
        if not path.exists():
            if any(self.directory.glob("*.json")):
                raise SignerFilesError(
                    f"The signer's {MASTER_FILE} is gone, but it has signed before. Restore it from a backup: a new "
                    "key would look like a forgery."
                )
            with self._flock("master.lock", fcntl.LOCK_EX):
                if not path.exists():
                    self._replace(path, secrets.token_bytes(MASTER_BYTES))
        master = path.read_bytes()
        if len(master) != MASTER_BYTES:
            raise SignerFilesError(f"The signer's {MASTER_FILE} is damaged: it has {len(master)} bytes.")
        return master

    @contextmanager
    def _flock(self, name: str, how: int) -> Iterator[None]:
        """Holds a lock between processes."""
        with (self.directory / name).open("a", encoding="ascii") as file:
            fcntl.flock(file, how)
            yield

    def _replace(self, path: Path, data: bytes) -> None:
        """Writes a private file atomically: temporary file, fsync, rename, fsync of the directory."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
