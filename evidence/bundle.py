"""Builds the pack's zip from its parts: manifest, signature, index, tables, proofs, report and verifier.

Pure: the same parts give the same bytes. The manifest names every file with its SHA-256; the index (itself a listed
file) holds a short digest of every table row and PDF part, so that the verifier can say which one changed. The content
digest covers what the records say (tables, proofs, period, parameters, checkpoint) and neither the pack's id nor its
issue time: the same request over the same checkpoint gives the same content digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

from evidence.holders import TSA, WITNESS
from evidence.kept import Inside, Kept, at_hand, keep
from evidence.kinds import Period, Table
from evidence.tables import csv_file
from evidence.tiers import Held
from evidence.verifier import single_file, single_page
from evidence.verifier.complete import ANNEX
from evidence.verifier.primitives import folder_of, layout, tags_of
from ledger.kinds import KeyLink
from ledger.notes import Signer, sign_note

SCHEMA: Final = "countersign-pack/3"
MAX_BYTES: Final = 2**31 - 1


class PackTooLargeError(ValueError):
    """The pack would not fit into a plain zip file of 2 GiB."""


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One ledger entry with its sealed bytes and its inclusion proof; `label` names the deed for people."""

    index: int
    kind: int
    label: str
    core: bytes
    subj: bytes | None
    raw: bytes | None
    salts: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed checkpoint that all proofs of a pack lead to."""

    origin: str
    size: int
    root: bytes
    note: bytes
    key: str
    chain: Sequence[KeyLink] = ()
    held: Sequence[Held] = ()


@dataclass(frozen=True, slots=True)
class Annex:
    """The file, the index of its first leaf, and the hashes of the tree before it, tallest subtree first."""

    first: int
    edge: tuple[bytes, ...]
    text: Kept

    @property
    def words(self) -> dict[str, object]:
        """What the manifest says about it."""
        return {"first": self.first, "edge": [base64.b64encode(item).decode() for item in self.edge], "file": ANNEX}


@dataclass(frozen=True, slots=True)
class Binding:
    """Says which column of a table holds the ledger index, and which cells the sealed bytes must repeat."""

    index: str
    cells: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the pack is for, and what it answers."""

    id: str
    tenant: str
    client: str
    processor: str
    recipient: str
    classification: str
    requested_by: str
    issued_at: str
    supersedes: str
    frameworks: tuple[str, ...]
    kind: str = "controls"
    people: int = 0
    alone_reason: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PrintedVolume:
    """A further volume of the report, rendered, with the short digest of each of its parts."""

    kept: Kept
    pages: int
    parts: Sequence[tuple[int, int, str, str]]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that goes into a pack but the printed report."""

    identity: Identity
    period: Period
    catalogue_version: str
    catalogue_digest: str
    parameters: Mapping[str, str]
    results: Mapping[str, str]
    tier: str
    checkpoint: Checkpoint | None
    tables: Sequence[Table]
    entries: Iterable[SealedEntry]
    queries: Mapping[str, str]
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    omissions: Sequence[str] = ()
    readme: str = ""
    statements: Mapping[str, bytes] = field(default_factory=dict)
    assertions: Mapping[str, bytes] = field(default_factory=dict)
    annex: Annex | None = None
    side: Mapping[str, bytes] = field(default_factory=dict)
    typed: Mapping[str, Kept] = field(default_factory=dict)
    volumes: Mapping[str, PrintedVolume] = field(default_factory=dict)
    seal: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """The rendered report and what the renderer said about it; `sealed` is the same file with its seal appended."""

    pdf: bytes
    pages: int
    segments: Sequence[tuple[int, int, str]]
    renderer: Mapping[str, str]
    sealed: bytes = b""

    @property
    def delivered(self) -> bytes:
        """The file that the pack holds."""
        return self.sealed or self.pdf


@dataclass(frozen=True, slots=True)
class Bundle:
    """The finished pack: an open file, and what its row takes down."""

    source: BinaryIO
    size: int
    sha256: str
    manifest_sha256: str
    content_sha256: str
    files: Mapping[str, int]

    @property
    def data(self) -> bytes:
        """All bytes: for packs that are known to be small."""
        self.source.seek(0)
        return self.source.read()


def canonical(value: object) -> bytes:
    """Return the one JSON encoding of a value: sorted keys, no spaces, ASCII, a line end."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def record_files(parts: Parts, folder: Path | None = None) -> dict[str, Kept]:
    """Return the files that hold the records: tables, queries, signed statements, passkeys' signatures, proofs.

    Long ones are written into the folder, or held where none is given. Entries are read here, once.
    """
    files = {f"tables/{table.name}.csv": csv_file(table) for table in parts.tables}
    if len(files) != len(parts.tables):
        raise ValueError("Two tables of the pack have the same name.")
    files |= {f"queries/{name}.txt": at_hand(text.encode()) for name, text in parts.queries.items()}
    files |= {f"statements/{sign_off}.json": at_hand(text) for sign_off, text in parts.statements.items()}
    files |= {f"signatures/{sign_off}.json": at_hand(text) for sign_off, text in parts.assertions.items()}
    if parts.checkpoint:
        files["proofs/checkpoint.txt"] = at_hand(parts.checkpoint.note)
        lines = (canonical(_entry(entry)) for entry in parts.entries)
        files["proofs/entries.jsonl"] = keep(lines, folder / "entries.jsonl" if folder else None)
        files |= {ANNEX: parts.annex.text} if parts.annex else {}
    return files


def held_files(checkpoint: Checkpoint | None) -> dict[str, bytes]:
    """Return what others gave for the checkpoint: the note with all cosignatures, and time-stamp tokens as they came.

    Not part of the content digest: they hold the time at which they were made.
    """
    if checkpoint is None:
        return {}
    files: dict[str, bytes] = {}
    lines = [item.answer for item in checkpoint.held if item.kind == WITNESS]
    if lines:
        files["proofs/cosigned.txt"] = checkpoint.note + b"".join(lines)
    for number, item in enumerate(_tokens(checkpoint), start=1):
        files |= {f"proofs/token-{number}.tsr": item.answer, f"proofs/token-{number}.pem": item.key.encode()}
    return files


def _tokens(checkpoint: Checkpoint) -> list[Held]:
    """Return the time stamps among what is held."""
    return [item for item in checkpoint.held if item.kind == TSA]


def _held(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """Return the manifest's rows on who holds the checkpoint; each names the file that shows it, if one does."""
    rows = []
    for item in checkpoint.held:
        row = {"kind": item.kind, "name": item.name, "size": item.size, "since": item.since.isoformat()}
        if item.kind == WITNESS:
            row |= {"key": item.key, "file": "proofs/cosigned.txt"}
        elif item.kind == TSA:
            row["file"] = f"proofs/token-{_tokens(checkpoint).index(item) + 1}.tsr"
        rows.append(row)
    return rows


def content_digest(parts: Parts, records: Mapping[str, Kept]) -> str:
    """Return the digest of what the records say, without the pack's id and issue time."""
    said = {
        "files": {name: kept.sha256 for name, kept in records.items()},
        "period": _period(parts.period),
        "parameters": dict(parts.parameters),
        "results": dict(parts.results),
        "catalogue": parts.catalogue_digest,
        "frameworks": list(parts.identity.frameworks),
    }
    return hashlib.sha256(canonical(said)).hexdigest()


def build(
    parts: Parts, records: Mapping[str, Kept], printed: Printed, signer: Signer, out: BinaryIO | None = None
) -> Bundle:
    """Sign and pack into an open file, or into memory where there is none; raises PackTooLargeError over 2 GiB.

    The manifest lists the report as it was printed, so that the same records give the same manifest whatever the seal
    holds (a time, random numbers); the signed note beside it names the SHA-256 of the report with its seal.
    """
    beside = {
        **held_files(parts.checkpoint),
        **parts.side,
        "report.pdf": printed.pdf,
        "verify.py": single_file(),
        "verify.html": single_page(),
        "README.txt": parts.readme.encode(),
    }
    volumes = {name: volume.kept for name, volume in parts.volumes.items()}
    files = {**records, **parts.typed, **volumes, **{name: at_hand(data) for name, data in beside.items()}}
    files["index.json"] = at_hand(canonical(_index(files, printed, parts.volumes)))
    content = content_digest(parts, records)
    manifest = canonical(_manifest(parts, files, printed, signer) | {"content_sha256": content})
    digest = hashlib.sha256(manifest).hexdigest()
    sealed = hashlib.sha256(printed.delivered).hexdigest()
    text = f"{signer.name}\n{parts.identity.id}\n{digest}\nreport.pdf {sealed}\n"
    files["report.pdf"] = at_hand(printed.delivered)
    files |= {"manifest.json": at_hand(manifest), "manifest.sig": at_hand(sign_note(text, [signer]).encode())}
    if sum(kept.size + 400 for kept in files.values()) > MAX_BYTES:
        raise PackTooLargeError("The pack is larger than 2 GiB: choose a shorter period.")
    target = out or BytesIO()
    size, whole = write_bag(files, json.loads(manifest), target)
    return Bundle(target, size, whole, digest, content, {name: kept.size for name, kept in sorted(files.items())})


def write_bag(files: Mapping[str, Kept | Inside], manifest: dict[str, Any], out: BinaryIO) -> tuple[int, str]:
    """Write the archive of a bag; returns its length and its SHA-256."""
    folder = folder_of(manifest["pack"]["id"])
    payload = {f"data/{name}": kept for name, kept in files.items()}
    tags = tags_of({name: (kept.size, kept.sha256) for name, kept in payload.items()}, manifest)
    payload |= {name: at_hand(data) for name, data in tags.items()}
    whole = {f"{folder}/{name}": kept for name, kept in payload.items()}
    heads, tail = layout({name: (kept.size, kept.crc32) for name, kept in whole.items()})
    digest, size = hashlib.sha256(), 0
    for piece in (part for name, head in heads for part in (head, *whole[name].pieces())):
        digest.update(piece)
        size += out.write(piece)
    digest.update(tail)
    return size + out.write(tail), digest.hexdigest()


def _manifest(parts: Parts, files: Mapping[str, Kept], printed: Printed, signer: Signer) -> dict[str, Any]:
    """Return the manifest without its content digest."""
    identity, checkpoint = parts.identity, parts.checkpoint
    rows = {f"tables/{table.name}.csv": table.count for table in parts.tables}
    listed = []
    for name, kept in sorted(files.items()):
        row: dict[str, Any] = {"path": name, "bytes": kept.size, "sha256": kept.sha256}
        if name in rows:
            row["rows"] = rows[name]
        if name == "report.pdf" or name in parts.volumes:
            row["pages"] = parts.volumes[name].pages if name in parts.volumes else printed.pages
        listed.append(row)
    ledger: dict[str, Any] | None = None
    if checkpoint:
        root = base64.b64encode(checkpoint.root).decode()
        ledger = {"origin": checkpoint.origin, "size": checkpoint.size, "root": root, "key": checkpoint.key}
        ledger["chain"] = [{"old": link.old, "new": link.new, "note": link.note} for link in checkpoint.chain]
        ledger["held"] = _held(checkpoint)
    return {
        "schema": SCHEMA,
        "pack": {name: getattr(identity, name) for name in identity.__dataclass_fields__},
        "period": _period(parts.period),
        "catalogue": {"version": parts.catalogue_version, "sha256": parts.catalogue_digest},
        "parameters": dict(parts.parameters),
        "results": dict(parts.results),
        "tier": parts.tier,
        "ledger": ledger,
        "signer": {"key": signer.verifier.vkey},
        "seal": dict(parts.seal) if parts.seal else None,
        "annex": parts.annex.words if parts.annex else None,
        "renderer": dict(printed.renderer),
        "bindings": {name: {"index": item.index, "cells": dict(item.cells)} for name, item in parts.bindings.items()},
        "omissions": list(parts.omissions),
        "files": listed,
    }


def _index(files: Mapping[str, Kept], printed: Printed, volumes: Mapping[str, PrintedVolume]) -> dict[str, Any]:
    """Return short digests of every row of the tables and proofs and every part of the report and its volumes."""
    lines = {
        name: kept.line_digests for name, kept in files.items() if name.endswith((".csv", ".jsonl")) or name == ANNEX
    }
    more = {"volumes": {name: volume.parts for name, volume in volumes.items()}} if volumes else {}
    return {"lines": lines, "pdf": parts_of(printed), **more}


def parts_of(printed: Printed) -> list[tuple[int, int, str, str]]:
    """Return every part of a PDF with its short digest and its name for people."""
    return [
        (start, end, hashlib.sha256(printed.pdf[start:end]).hexdigest()[:12], name)
        for start, end, name in printed.segments
    ]


def _period(period: Period) -> dict[str, str]:
    """Return the period as the manifest holds it."""
    return {"start": period.start.isoformat(), "end": period.end.isoformat(), "zone": period.zone}


def _entry(entry: SealedEntry) -> dict[str, Any]:
    """Return one line of proofs/entries.jsonl."""
    return {
        "index": entry.index,
        "kind": entry.kind,
        "label": entry.label,
        "core": base64.b64encode(entry.core).decode(),
        "subj": None if entry.subj is None else base64.b64encode(entry.subj).decode(),
        "raw": None if entry.raw is None else base64.b64encode(entry.raw).decode(),
        "salts": base64.b64encode(entry.salts).decode(),
        "proof": [base64.b64encode(item).decode() for item in entry.proof],
    }
