"""Checks an evidence pack: manifest and signature, every file, the checkpoint, every proof, and the cells they seal.

The pack's `verify.py` holds this module between complete.py and told.py; all keep to Python 3.9 and its standard
library.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from evidence.verifier.complete import (
    COMPLETE,
    Completeness,
)
from evidence.verifier.primitives import (
    Archived,
    Broken,
    compare_layout,
    entry_of,
    folder_of,
    open_note,
    root_of,
    tags_of,
    unbag,
    unbase64,
    unpack,
)
from evidence.verifier.signedoff import (
    FOLDER,
    SignOff,
)
from evidence.verifier.tokens import (
    LEVELS,
)
from evidence.verifier.witnessed import (
    Holders,
)

SCHEMA = "countersign-pack/3"
SIGNED = ("manifest.json", "manifest.sig")
SIGNED_TABLES = (
    ("sign_offs", "decisions", "decision", "sign_off", ""),
    ("log_sign_offs", "dispositions", "disposition", "log_sign_off", "log-"),
)
"""Table of signatures, table of what they sign, its key, the signature's key, and what its files' names begin with."""
ENTRIES = "proofs/entries.jsonl"


class Pack:
    """The files of one pack with what was found about them; given as bytes, or as a file that is open for reading."""

    def __init__(self, data: bytes | BinaryIO) -> None:
        self.source: BinaryIO = io.BytesIO(data) if isinstance(data, bytes) else data
        self.archived: Archived
        self.archived, self.faults = unpack(self.source)
        self.files = unbag(self.archived)
        self.sealed = ""
        self.counts = {"files": 0, "rows": 0, "pages": 0, "entries": 0, "cells": 0, "statements": 0}
        self.manifest: dict[str, Any] = {}
        self.index: dict[str, Any] = {}
        self.entries: dict[int, int] = {}
        self.holders: Holders | None = None
        self.sign_off: SignOff | None = None
        self.completeness: Completeness | None = None
        self.proofs: list[str] = []

    def fault(self, where: str, what: str) -> None:
        """Note a fault once."""
        if (where, what) not in self.faults:
            self.faults.append((where, what))

    def check(
        self, key: str | None = None, ledger_key: str | None = None, witnesses: list[str] | None = None
    ) -> list[tuple[str, str]]:
        """Run every check and return the faults; a check that needs an earlier one is left out when that failed."""
        steps: list[Callable[[], bool]] = [
            lambda: self.check_manifest(key),
            self.check_files,
            lambda: self.check_sign_off(key),
            self.check_statements,
            lambda: self.check_ledger(ledger_key),
            self.check_annex,
            lambda: self.check_holders(witnesses or []),
        ]
        for step in steps:
            try:
                if not step():
                    break
            except Broken as broken:
                self.fault(broken.where, broken.what)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                self.fault("pack", f"a part has another shape than {SCHEMA} says ({type(error).__name__}: {error}).")
        if not self.faults:
            self.check_bag()
        if not self.faults:
            sizes = {name: (self.archived.size(name), self.archived.crc32(name)) for name in self.archived}
            self.faults += compare_layout(self.source, sizes)
        return self.faults

    def check_bag(self) -> None:
        """Compare the bag's own files with those that the pack's files give: they hold nothing of their own."""
        folder = folder_of(self.manifest["pack"]["id"]) + "/"
        payload = {"data/" + name: (self.files.size(name), self.files.sha256(name)) for name in self.files}
        tags = {folder + name: data for name, data in tags_of(payload, self.manifest).items()}
        expected = {folder + name for name in payload} | set(tags)
        for name in sorted(set(self.archived) | expected):
            short_name = name.removeprefix(folder)
            if name not in self.archived:
                self.fault(short_name, "it is missing.")
            elif name not in expected:
                self.fault(short_name, "it does not belong to the bag.")
            elif name in tags and self.archived[name] != tags[name]:
                self.fault(short_name, "it is not what the files of the pack give.")

    def check_manifest(self, key: str | None) -> bool:
        """Check the signature over the manifest; False when it does not hold, for then nothing else can be trusted."""
        for name in SIGNED:
            if name not in self.files:
                self.fault(name, "it is missing.")
                return False
        raw = self.files["manifest.json"]
        digest = hashlib.sha256(raw).hexdigest()
        note = self.files["manifest.sig"]
        signed_digest = note.split(b"\n")[2].decode("ascii", "replace") if note.count(b"\n") > 3 else ""
        try:
            self.manifest = json.loads(raw)
            own = self.manifest["signer"]["key"]
        except (ValueError, KeyError, TypeError):
            self.fault("manifest.json", "the signed list of files was changed: it cannot be read any more.")
            return False
        try:
            lines = open_note(note, key or own, "manifest.sig")
        except Broken as broken:
            if digest != signed_digest:
                self.fault("manifest.json", "its SHA-256 is not the one in manifest.sig.")
            self.fault("manifest.sig", "signature: " + broken.what)
            return False
        self.sealed = lines[3].partition(" ")[2] if len(lines) == 4 else ""
        if lines[2:] != [digest, "report.pdf " + self.sealed]:
            self.fault("manifest.json", "the signed list of files was changed: its SHA-256 is not the signed one.")
            return False
        if self.manifest.get("schema") != SCHEMA or lines[1] != self.manifest["pack"]["id"]:
            self.fault("manifest.json", "it belongs to another pack or format.")
            return False
        return True

    def check_files(self) -> bool:
        """Compare every file with the manifest; name the page or rows of one that differs."""
        listed = {row["path"]: row for row in self.manifest["files"]}
        for name in sorted(set(self.files) - set(listed) - set(SIGNED)):
            if name.startswith(FOLDER):
                continue  # listed by the note of the sign-off
            self.fault(name, "the signed manifest does not list this file.")
        raw_index = self.files.get("index.json", b"{}")
        if hashlib.sha256(raw_index).hexdigest() == listed.get("index.json", {}).get("sha256"):
            self.index = json.loads(raw_index)
        for name, row in listed.items():
            if name not in self.files:
                self.fault(name, "it is missing.")
            elif not self.is_whole(name, row):
                self.name_damage(name, self.files[name])
            else:
                self.counts["files"] += 1
                self.counts["rows"] += row.get("rows", 0)
                self.counts["pages"] += row.get("pages", 0)
        return True

    def is_whole(self, name: str, row: dict[str, Any]) -> bool:
        """Compare a file with its row; the manifest lists the report without its seal, manifest.sig the whole of it."""
        if name == "report.pdf":
            data = self.files[name][: row["bytes"]]
            found = (len(data), hashlib.sha256(data).hexdigest())
            return self.files.sha256(name) == self.sealed and found == (int(row["bytes"]), str(row["sha256"]))
        return (self.files.size(name), self.files.sha256(name)) == (int(row["bytes"]), str(row["sha256"]))

    def name_damage(self, name: str, data: bytes) -> None:
        """Say which page, row or entry of a changed file differs."""
        found = self.damaged_pages(name, data) if name.endswith(".pdf") else self.damaged_lines(name, data)
        for part in found[:20]:
            self.fault(f"{name}, {part}", "it differs from what was signed.")
        if not found:
            self.fault(name, "it differs from what was signed.")
        if len(found) > 20:
            self.fault(name, f"{len(found) - 20} more parts differ.")

    def damaged_pages(self, file: str, data: bytes) -> list[str]:
        """Return the names of a PDF's parts that differ: `page 3`, or what else lies there."""
        named: list[str] = []
        volumes = self.index.get("volumes", {})
        for start, end, digest, name in volumes.get(file, []) if file != "report.pdf" else self.index.get("pdf", []):
            if short(data[start:end]) != digest and name not in named:
                named.append(name)
        sealed = self.index and file == "report.pdf"
        return named or (["its seal (the signature that a PDF reader shows)"] if sealed else [])

    def damaged_lines(self, name: str, data: bytes) -> list[str]:
        """Return the rows of a table, or the entries of the proofs, that differ."""
        digests = self.index.get("lines", {}).get(name)
        if digests is None:
            return []
        lines, word = data.split(b"\n"), "entry" if name.startswith("proofs/") else "row"
        named = []
        for at in range(max(len(lines), len(digests))):
            if at >= len(digests):
                named.append(f"{word} {at} (added)")
            elif at >= len(lines):
                named.append(f"{word} {at} (missing)")
            elif short(lines[at]) != digests[at]:
                named.append("the column names" if word == "row" and at == 0 else f"{word} {at}" + self.label(name, at))
        return named

    def label(self, name: str, at: int) -> str:
        """Return the deed that an entry of the proofs seals, for people, where the line can still be read."""
        try:
            row = json.loads(self.files[name].split(b"\n")[at])
            return f" (ledger index {int(row['index'])}, {row['label']})"
        except (ValueError, KeyError, TypeError, IndexError):
            return ""

    def check_sign_off(self, key: str | None) -> bool:
        """Check who signed the pack off before it was issued; one that nobody signed off is a draft."""
        self.sign_off = SignOff(self.manifest, self.files)
        try:
            self.sign_off.check(key or self.manifest["signer"]["key"])
        finally:
            for where, what in self.sign_off.faults:
                self.fault(where, what)
        return True

    def check_statements(self) -> bool:
        """Hold every signed statement against its digest, and against the decisions that it names."""
        for tables in SIGNED_TABLES:
            if all(f"tables/{name}.csv" in self.files for name in tables[:2]):
                self.check_signed(*tables)
        return True

    def check_signed(self, table: str, deeds: str, deed: str, key: str, prefix: str) -> None:
        """Hold the statements of one table of signatures against one table of deeds."""
        decided: dict[str, tuple[str, str]] = {}
        shared: dict[tuple[str, str], tuple[str, str]] = {}
        for shown in self.table(deeds):
            said = (shown["outcome"], shown["reason"])
            decided[shown[deed]] = shared.setdefault(said, said)
        for number, row in enumerate(self.table(table), start=1):
            file = prefix + row[key]
            name = f"statements/{file}.json"
            text = self.files.get(name, b"")
            if hashlib.sha256(text).hexdigest() != row["digest"]:
                self.fault(f"tables/{table}.csv, row {number}", f"its digest is not that of {name}.")
                continue
            for line in json.loads(text)["decisions"]:
                words = zip(("outcome", "reason"), decided.get(str(line["decision"]), ()))  # noqa: B905 -- Python 3.9
                for column, shown_word in words:
                    if shown_word != printed(line[column]):
                        where = f"tables/{deeds}.csv, {deed} {line['decision']}"
                        self.fault(where, f"its {column} is not the one that {name} signs.")
            self.counts["statements"] += 1
            self.check_proof(row, text, file, table)

    def check_proof(self, row: dict[str, str], statement: bytes, file: str, table: str) -> None:
        """Check how it is known who signed: what a passkey or a provider signed over the statement, where one did."""
        name, check = f"signatures/{file}.json", LEVELS.get(row.get("level", ""))
        if check is None:
            self.proofs.append("portal")
            return
        raw = self.files.get(name, b"")
        if hashlib.sha256(raw).hexdigest() != row["assertion"]:
            raise Broken(name, f"its SHA-256 is not the one in tables/{table}.csv.")
        self.proofs.append(check(json.loads(raw), statement, name) or name)

    def table(self, name: str) -> csv.DictReader[str]:
        """Return the rows of a table by their column names."""
        return csv.DictReader(self.text_of(f"tables/{name}.csv"))

    def text_of(self, name: str) -> Iterator[str]:
        """Yield the lines of a text."""
        for _, line in self.files.lines(name):
            yield line.decode() + "\n"

    def entry(self, index: int) -> dict[str, Any] | None:
        """Return the proved entry at a place of the ledger, read again from the proofs."""
        at = self.entries.get(index)
        return None if at is None else dict(json.loads(self.files.line_at(ENTRIES, at)))

    def check_ledger(self, key: str | None) -> bool:
        """Check the checkpoint, every entry's proof, and the table cells that are bound to sealed bytes."""
        ledger = self.manifest["ledger"]
        if not ledger:
            return True
        self.check_chain(key, ledger["key"], ledger.get("chain", []))
        lines = open_note(self.files["proofs/checkpoint.txt"], ledger["key"], "proofs/checkpoint.txt", alone=False)
        if lines[:3] != [ledger["origin"], str(ledger["size"]), ledger["root"]]:
            raise Broken("proofs/checkpoint.txt", "it is not the checkpoint that the manifest names.")
        root = unbase64(ledger["root"])
        lines_of_proofs = self.files.lines(ENTRIES) if ENTRIES in self.files else ()
        for number, (at, line) in enumerate(lines_of_proofs):
            self.check_entry(number, (at, line), ledger["size"], root)
        for table, binding in sorted(self.manifest.get("bindings", {}).items()):
            self.check_cells(table, binding)
        return True

    def check_annex(self) -> bool:
        """Check that no deed of the period was left out of the tables that claim to hold all."""
        if self.manifest["ledger"]:
            self.completeness = Completeness(self.manifest, self.files, self.entry)
            asked = COMPLETE if self.manifest.get("annex") else ()
            tables = {name[7:-4] for name in self.files if name.startswith("tables/")} & set(asked)
            self.completeness.check({name: Counter(row["ledger_index"] for row in self.table(name)) for name in tables})
            for where, what in self.completeness.faults:
                self.fault(where, what)
        return True

    def check_holders(self, witnesses: list[str]) -> bool:
        """Check who else holds the checkpoint, and that no tier is claimed that they do not carry."""
        if self.manifest["ledger"]:
            self.holders = Holders(self.manifest, self.files, witnesses)
            self.holders.check()
            for where, what in self.holders.faults:
                self.fault(where, what)
        elif self.manifest["tier"] != "T0":
            self.fault("manifest.json", f"it claims {self.manifest['tier']} without a checkpoint.")
        return True

    def check_chain(self, given: str | None, key: str, chain: list[dict[str, str]]) -> None:
        """Follow the ledger's keys from the one that the reader was given, or the first, to the one in use.

        Each new key takes over by a checkpoint of the log that the old key signed too.
        """
        at = given or (chain[0]["old"] if chain else key)
        if at != key and at not in [link["old"] for link in chain]:
            raise Broken("ledger key", "the given key is none of the keys that signed this ledger.")
        for number, link in enumerate(chain, start=1):
            where = f"manifest.json, change {number} of the ledger's key"
            note = link["note"].encode()
            lines = [open_note(note, link[name], where, alone=False) for name in ("old", "new")]
            if lines[0][0] != link["new"].split("+")[0]:
                raise Broken(where, "its checkpoint belongs to another log.")
            at = link["new"] if at == link["old"] else at
        if at != key:
            raise Broken("ledger key", "its changes do not lead to the key that signed the checkpoint.")

    def check_entry(self, number: int, placed: tuple[int, bytes], size: int, root: bytes) -> None:
        """Recompute one entry's leaf and follow its proof to the checkpoint's root."""
        where, (at, line) = f"{ENTRIES}, entry {number}", placed
        try:
            row = json.loads(line)
            where += f" (ledger index {row['index']}, {row['label']})"
            leaf = hashlib.sha256(b"\0" + entry_of(row, where)).digest()
            path = [unbase64(item, where) for item in row["proof"]]
            holds = 0 <= row["index"] < size and root_of(leaf, row["index"], size, path) == root
        except Broken as broken:
            self.fault(where, broken.what)
            return
        except (ValueError, KeyError, TypeError):
            self.fault(where, "it cannot be read.")
            return
        if not holds:
            self.fault(where, "its sealed bytes are not in the ledger at this place.")
            return
        self.entries[row["index"]] = at
        self.counts["entries"] += 1

    def check_cells(self, table: str, binding: dict[str, Any]) -> None:
        """Compare the cells of a table with the sealed bytes of the entry that each row names."""
        for number, row in enumerate(self.table(table), start=1):
            where = f"tables/{table}.csv, row {number}"
            if not row[binding["index"]]:
                continue
            sealed = self.entry(int(row[binding["index"]]))
            if sealed is None:
                self.fault(where, f"no proved ledger entry {row[binding['index']]} stands behind it.")
                continue
            for column, path in binding["cells"].items():
                value = json.loads(unbase64(sealed[path[0]]))
                for part in path[1:]:
                    value = value.get(part) if isinstance(value, dict) else None
                if printed(value) != row[column]:
                    self.fault(where, f"its {column} is not the one that the ledger sealed.")
                self.counts["cells"] += 1


def printed(value: Any) -> str:
    """Spell a sealed value as the tables do."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def short(data: bytes) -> str:
    """Return the 12 hex digits by which the index names a part."""
    return hashlib.sha256(data).hexdigest()[:12]
