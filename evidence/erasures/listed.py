"""The list of erasures outside of the database, which a restored copy of it is held against.

One file a deed, `<COUNTERSIGN_ERASURES>/<log>/<deed>.json`, written before any row goes: the leaves, and the ledger's
entry of the deed with its proof under a signed checkpoint. It names nobody whose events went. Only a deed that the log
itself sealed is believed, so that whoever can write into the folder cannot have anything erased.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from ledger.entries import leaf_hash, seal, timestamp
from ledger.kinds import LeafKind, ProofBundle
from ledger.notes import NoteError, Verifier
from ledger.proofs import format_proof, parse_proof, verify_proof
from logs.erasedset import NamedLeaf, digest_of
from tenants.models import AuditEntry


class ListedError(ValueError):
    """A file of the list is damaged, or no deed of this log."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A deed that the list names: its id, what its entry says (``actor``, ``detail``), and its leaves."""

    deed: UUID
    told: dict[str, Any]
    leaves: Sequence[NamedLeaf]


def folder_of(log_id: UUID) -> Path:
    """Return the folder of one log's deeds."""
    return Path(settings.COUNTERSIGN_ERASURES) / str(log_id)


def list_deed(log_id: UUID, deed: UUID, entry: AuditEntry, proof: ProofBundle, leaves: Sequence[NamedLeaf]) -> Path:
    """Write the file of a deed, whole and to the disk, before its rows go; one that is there stays."""
    folder = folder_of(log_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{deed}.json"
    body = {
        "version": 1,
        "core": _text(bytes(entry.core)),
        "subj": _text(bytes(entry.subj)),
        "salts": _text(bytes(entry.salts)),
        "proof": format_proof(proof),
        "leaves": [
            [str(leaf.batch_id), leaf.ord, timestamp(leaf.received_at), leaf.event_id, timestamp(leaf.quarter)]
            for leaf in leaves
        ],
    }
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return path


def listed_ids(log_id: UUID) -> list[UUID]:
    """Return the ids of the deeds that the list names."""
    return sorted(UUID(path.stem) for path in folder_of(log_id).glob("*.json") if _is_uuid(path.stem))


def listed_deed(log_id: UUID, deed: UUID, verifiers: Sequence[Verifier]) -> Listed:
    """Return a deed of the list, after checking its entry, its proof and its leaves.

    Raises:
        ListedError: the file does not hold, or none of the keys signed it.
    """
    path = folder_of(log_id) / f"{deed}.json"
    try:
        body = json.loads(path.read_bytes())
        core, subj, salts = (base64.b64decode(body[name]) for name in ("core", "subj", "salts"))
        leaf = leaf_hash(seal(LeafKind.ERASURE, core, subj=subj, raw=None, salts=salts))
        verify_proof(leaf, parse_proof(body["proof"]), list(verifiers))
        told, leaves = json.loads(subj), list(_leaves(body["leaves"]))
        detail = told["detail"]
        own = (str(detail["erasure"]), json.loads(core)["log"], detail["places_sha256"])
    except (OSError, ValueError, KeyError, TypeError, NoteError) as fault:
        message = f"{path} is no deed that this ledger sealed: {fault}"
        raise ListedError(message) from fault
    if own != (str(deed), str(log_id), digest_of(leaves).hex()):
        message = f"{path} names other leaves, another deed or another ledger than its sealed entry."
        raise ListedError(message)
    return Listed(deed, told, leaves)


def _leaves(rows: Sequence[Any]) -> Iterator[NamedLeaf]:
    for batch_id, number, received_at, event_id, quarter in rows:
        yield NamedLeaf(UUID(batch_id), int(number), _moment(received_at), int(event_id), _moment(quarter))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
