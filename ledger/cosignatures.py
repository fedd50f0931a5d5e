"""Cosignatures of witnesses: C2SP tlog-cosignature `cosignature/v1`, Ed25519, key type 0x04.

A witness signs the text of a checkpoint together with a time, and says by that: this is the largest tree that I have
seen of this log, and it continues every one that I saw before.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.notes import KEY_ID_BYTES, PUBLIC_BYTES, SIGNATURE_BYTES, NoteError, SignatureError, check_name, parse_note

COSIGNATURE: Final = b"\x04"
"""Signature type 0x04: a time and Ed25519 over header, time and note text (C2SP tlog-cosignature)."""
TIME_BYTES: Final = 8
LAST_TIME: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness that a reader trusts: its name and its 32 public bytes."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || 0x0A || 0x04 || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line: name+keyid+base64(0x04 || public key)."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(COSIGNATURE + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A valid cosignature: whose, the line as it stands under a note, and the time that the witness states (UTC)."""

    witness: WitnessKey
    line: str
    at: datetime


def parse_witness_key(vkey: str) -> WitnessKey:
    """Reads the verifier key of a witness.

    Raises:
        NoteError: Not three parts, another key type, or a key id that does not belong to the key.
    """
    name, _, rest = vkey.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise NoteError("The witness's key holds malformed base64.") from error
    if len(key) != 1 + PUBLIC_BYTES or key[:1] != COSIGNATURE:
        raise NoteError("This is no key of a witness: it has the type 0x04 and 32 bytes.")
    check_name(name)
    witness = WitnessKey(name, key[1:])
    if witness.vkey != f"{name}+{key_id}+{encoded}":
        raise NoteError("The key id does not belong to the witness's key.")
    return witness


def open_cosignature(note: str, lines: str, witness: WitnessKey) -> Cosignature:
    """Returns the witness's cosignature over a note's text, out of signature lines; other lines are ignored.

    Args:
        note: The checkpoint, with its own signatures.
        lines: What a witness answered: signature lines, each ended by a newline.
        witness: Whose cosignature is looked for.

    Raises:
        NoteError: The note or a line is malformed.
        SignatureError: The witness did not sign, or its signature is wrong.
    """
    text = parse_note(note).text
    for line, found in zip(lines.splitlines(keepends=True), parse_note(f"{text}\n{lines}").signatures, strict=True):
        if (found.name, found.key_id) == (witness.name, witness.key_id):
            return Cosignature(witness, line, _time_of(text, found.signature, witness))
    raise SignatureError(f"The witness {witness.name} did not sign.")


def with_cosignatures(note: str, lines: list[str]) -> str:
    """Returns the note with the cosignatures below its own signatures."""
    return note + "".join(lines)


def _time_of(text: str, stamped: bytes, witness: WitnessKey) -> datetime:
    """Checks timestamp (8 bytes, big-endian seconds) and signature; returns the time."""
    seconds = int.from_bytes(stamped[:TIME_BYTES], "big")
    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    try:
        if len(stamped) != TIME_BYTES + SIGNATURE_BYTES or seconds > LAST_TIME:
            raise SignatureError(f"The cosignature of {witness.name} has another form than a time and 64 bytes.")
        Ed25519PublicKey.from_public_bytes(witness.public).verify(stamped[TIME_BYTES:], message)
        return datetime.fromtimestamp(seconds, UTC)
    except (InvalidSignature, OverflowError, OSError) as error:
        raise SignatureError(f"The cosignature of {witness.name} is wrong.") from error
