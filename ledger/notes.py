"""Signed notes and checkpoints as C2SP signed-note and tlog-checkpoint define them, with Ed25519 (RFC 8032).

A note is a text, an empty line and one signature line or more. A verifier trusts only keys it was given; signatures by
unknown keys are ignored, a wrong signature by a known key refuses the note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.kinds import HASH_BYTES, CheckpointBody

ED25519: Final = b"\x01"
"""Signature type 0x01: Ed25519 over the note text (C2SP signed-note, "Signature types")."""
KEY_ID_BYTES: Final = 4
PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
MAX_SIGNATURES: Final = 100
MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIZE: Final = 2**63 - 1
_DASH: Final = "\u2014 "


class NoteError(ValueError):
    """A note, a key or a checkpoint text is malformed."""


class SignatureError(NoteError):
    """A note carries no valid signature of a known key, or a wrong one."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that a reader trusts: its name (the log's origin) and its 32 public bytes."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line: name+keyid+base64(0x01 || public key)."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public)}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Says whether a signature of 64 bytes is this key's over the note text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs: its name and the 32-byte seed of RFC 8032."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Returns the 64-byte Ed25519 signature over a note text; the same text gives the same bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line: key name, 4-byte key id and the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart; nothing in it is to be believed before `open_note`."""

    text: str
    signatures: tuple[SignatureLine, ...]


def parse_vkey(vkey: str) -> Verifier:
    """Reads a verifier key line.

    Raises:
        NoteError: Not three parts, another key type, or a key id that does not belong to the key.
    """
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _unbase64(encoded)
    if len(key) != 1 + PUBLIC_BYTES or key[:1] != ED25519:
        raise NoteError("The verifier key is no Ed25519 key.")
    check_name(name)
    verifier = Verifier(name, key[1:])
    if verifier.key_id.hex() != key_id:
        raise NoteError("The key id does not belong to the verifier key.")
    return verifier


def sign_note(text: str, signers: Sequence[Signer]) -> str:
    """Returns the note: the text, an empty line, and one line for each signer.

    Raises:
        NoteError: The text does not end in a newline or holds control characters, or nobody signs.
    """
    _check_text(text)
    if not signers:
        raise NoteError("A note needs a signer.")
    return text + "\n" + "".join(_line(signer.verifier, signer.sign(text)) for signer in signers)


def parse_note(note: str | bytes) -> Note:
    """Takes a note apart without believing it.

    Raises:
        NoteError: Not UTF-8, control characters, no empty line, or a malformed signature line.
    """
    whole = _decode(note)
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteError("A note has a text, an empty line and signature lines, each ended by a newline.")
    text += "\n"
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"The note has more than {MAX_SIGNATURES} signatures.")
    return Note(text, tuple(_parse_line(line) for line in lines))


def open_note(note: str | bytes, verifiers: Sequence[Verifier]) -> tuple[str, list[Verifier]]:
    """Returns the text of a note and which of the known keys signed it.

    Raises:
        NoteError: The note is malformed.
        SignatureError: A known key's signature is wrong, or no known key signed.
    """
    parsed = parse_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: list[Verifier] = []
    for line in parsed.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None or verifier in signed:
            continue
        if len(line.signature) != SIGNATURE_BYTES or not verifier.accepts(parsed.text, line.signature):
            raise SignatureError(f"The signature of {line.name} is wrong.")
        signed.append(verifier)
    if not signed:
        raise SignatureError("No known key signed the note.")
    return parsed.text, signed


def checkpoint_text(body: CheckpointBody) -> str:
    """Returns the text of a checkpoint: origin, size and base64 root, a line each, no extension lines.

    Raises:
        NoteError: The origin is empty, holds spaces, control characters or a plus, or the root has not 32 bytes.
    """
    check_name(body.origin)
    if len(body.root) != HASH_BYTES or not 0 <= body.size <= MAX_SIZE:
        raise NoteError("A checkpoint has a size of 0 or more and a root of 32 bytes.")
    return f"{body.origin}\n{body.size}\n{_base64(body.root)}\n"


def parse_checkpoint(text: str) -> CheckpointBody:
    """Reads the text of a checkpoint.

    Extension lines, which C2SP advises against because nobody can audit them, are refused: no log of ours writes one.

    Raises:
        NoteError: Not exactly three lines, or one of them malformed.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise NoteError("A checkpoint has exactly three lines: origin, size and root.")
    origin, size, root = lines[:3]
    check_name(origin)
    if not (size.isascii() and size.isdigit()) or (size[0] == "0" and size != "0") or len(size) > 19:
        raise NoteError("The size of a checkpoint is a decimal number without leading zeros.")
    body = CheckpointBody(origin, int(size), _unbase64(root))
    if body.size > MAX_SIZE or len(body.root) != HASH_BYTES:
        raise NoteError("The size of a checkpoint is too large, or its root has not 32 bytes.")
    return body


def open_checkpoint(note: str | bytes, verifiers: Sequence[Verifier]) -> CheckpointBody:
    """Returns what a checkpoint says, after checking its signature and that the log's own key signed it.

    Raises:
        NoteError: The note or its text is malformed.
        SignatureError: No known key with the name of the origin signed it, or a signature is wrong.
    """
    text, signed = open_note(note, verifiers)
    body = parse_checkpoint(text)
    if body.origin not in {verifier.name for verifier in signed}:
        raise SignatureError("The checkpoint is not signed by the log it speaks of.")
    return body


def _line(verifier: Verifier, signature: bytes) -> str:
    """Writes one signature line."""
    check_name(verifier.name)
    return f"{_DASH}{verifier.name} {_base64(verifier.key_id + signature)}\n"


def _parse_line(line: str) -> SignatureLine:
    """Reads one signature line."""
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap:
        raise NoteError("A signature line is an em dash, a key name and a base64 signature.")
    check_name(name)
    raw = _unbase64(encoded)
    if len(raw) <= KEY_ID_BYTES:
        raise NoteError("A signature line is too short.")
    return SignatureLine(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _decode(note: str | bytes) -> str:
    """Refuses a note that is too long or no UTF-8."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteError(f"The note is longer than {MAX_NOTE_BYTES} bytes.")
    if isinstance(note, str):
        return note
    try:
        return note.decode()
    except UnicodeDecodeError as error:
        raise NoteError("The note is not valid UTF-8.") from error


def _check_text(text: str) -> None:
    """Refuses a text without its last newline, with control characters or with lone surrogates."""
    if not text.endswith("\n"):
        raise NoteError("The text of a note ends in a newline.")
    if any((char < " " and char != "\n") or "\ud800" <= char <= "\udfff" for char in text):
        raise NoteError("The text of a note holds no control characters but newlines.")


def check_name(name: str) -> None:
    """Refuses a key name or origin that is empty or holds a space, a control character or a plus.

    Raises:
        NoteError: It does.
    """
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise NoteError("A key name is not empty and holds no space, control character or plus.")


def _base64(data: bytes) -> str:
    """Encodes with the standard alphabet and padding."""
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    """Decodes strictly: standard alphabet, right padding, no stray bits."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("A line holds malformed base64.") from error
    if _base64(data) != text:
        raise NoteError("A line holds base64 in a form that is not canonical.")
    return data
