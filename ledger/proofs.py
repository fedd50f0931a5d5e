"""Proofs as files for outsiders: one leaf, or the growth from one checkpoint to another.

A leaf: C2SP tlog-proof. Growth: the body of an add-checkpoint request of C2SP tlog-witness, so that witnesses take it
as it is: `old N`, one base64 hash a line, an empty line, the newer checkpoint.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from ledger.kinds import ProofBundle
from ledger.merkle import verify_consistency, verify_inclusion
from ledger.notes import NoteError, Verifier, open_checkpoint, parse_checkpoint, parse_note

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63


def format_proof(proof: ProofBundle) -> str:
    """Returns the text of a .tlog-proof file: header, index, one base64 hash a line, empty line, checkpoint.

    Raises:
        NoteError: The proof carries no signed checkpoint.
    """
    if not proof.note:
        raise NoteError("A proof needs the signed checkpoint it leads to.")
    lines = [HEADER, f"index {proof.index}", *(base64.b64encode(value).decode() for value in proof.hashes)]
    return "\n".join(lines) + "\n\n" + proof.note


def parse_proof(text: str) -> ProofBundle:
    """Reads a .tlog-proof file; size and root come from its checkpoint alone, still to be verified.

    Raises:
        NoteError: The header, the index, a hash or the checkpoint is malformed.
    """
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != HEADER:
        raise NoteError(f"A proof begins with {HEADER} and holds a checkpoint after an empty line.")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    if not rest or not rest[0].startswith("index ") or len(rest) > 1 + MAX_PATH:
        raise NoteError("A proof names the index of its leaf and at most 63 hashes.")
    body = parse_checkpoint(parse_note(note).text)
    return ProofBundle(_index(rest[0]), body.size, body.root, tuple(_hash(line) for line in rest[1:]), note)


def verify_proof(leaf: bytes, proof: ProofBundle, verifiers: list[Verifier]) -> None:
    """Checks a leaf hash against a proof, and the proof's checkpoint against the keys the reader trusts.

    Raises:
        NoteError: The checkpoint is malformed or not signed by a known key of its log.
        ProofError: The path does not lead from the leaf to the checkpoint's root.
    """
    body = open_checkpoint(proof.note, verifiers)
    verify_inclusion(leaf, proof.index, body.size, proof.hashes, body.root)


def format_growth(old: int, hashes: Sequence[bytes], note: str) -> str:
    """Returns the file that proves that a checkpoint's tree begins with the first `old` leaves (RFC 6962 2.1.2)."""
    return "\n".join([f"old {old}", *(base64.b64encode(value).decode() for value in hashes)]) + "\n\n" + note


def parse_growth(text: str) -> tuple[int, list[bytes], str]:
    """Reads such a file: old size, hashes, and the newer checkpoint, still to be verified.

    Raises:
        NoteError: The size, a hash or the empty line is malformed.
    """
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or not lines[0].startswith("old ") or len(lines) > 1 + MAX_PATH:
        raise NoteError("A proof of growth begins with the old size and holds a checkpoint after an empty line.")
    return _number(lines[0].removeprefix("old "), "The old size"), [_hash(line) for line in lines[1:]], note


def verify_growth(old_note: str, growth: str, verifiers: list[Verifier]) -> tuple[int, int]:
    """Checks that a newer checkpoint continues an older one; returns both sizes.

    Raises:
        NoteError: A note or the proof is malformed, of another log, or not signed by a known key.
        ProofError: The older tree is not the beginning of the newer one.
    """
    old = open_checkpoint(old_note, verifiers)
    size, hashes, note = parse_growth(growth)
    new = open_checkpoint(note, verifiers)
    if (old.origin, old.size) != (new.origin, size):
        raise NoteError("The proof begins at another checkpoint, or belongs to another log.")
    verify_consistency(old.size, new.size, hashes, old_root=old.root, new_root=new.root)
    return old.size, new.size


def _index(line: str) -> int:
    """Reads the index line."""
    return _number(line.removeprefix("index "), "The index of a proof")


def _number(digits: str, what: str) -> int:
    """Reads a decimal number."""
    if not (digits.isascii() and digits.isdigit()) or (digits[0] == "0" and digits != "0") or len(digits) > 19:
        raise NoteError(f"{what} is a decimal number without leading zeros.")
    return int(digits)


def _hash(line: str) -> bytes:
    """Reads one hash line."""
    try:
        value = base64.b64decode(line, validate=True)
    except ValueError as error:
        raise NoteError("A hash line of the proof is no base64.") from error
    if len(value) != 32 or base64.b64encode(value).decode() != line:
        raise NoteError("A hash line of the proof is no SHA-256 hash.")
    return value
