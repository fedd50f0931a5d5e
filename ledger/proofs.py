"""Proofs as files for outsiders: C2SP tlog-proof, one leaf with its path and the checkpoint it leads to."""

from __future__ import annotations

import base64
from typing import Final

from ledger.kinds import ProofBundle
from ledger.merkle import verify_inclusion
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


def _index(line: str) -> int:
    """Reads the index line."""
    digits = line.removeprefix("index ")
    if not (digits.isascii() and digits.isdigit()) or (digits[0] == "0" and digits != "0") or len(digits) > 19:
        raise NoteError("The index of a proof is a decimal number without leading zeros.")
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
