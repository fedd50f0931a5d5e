"""Checks who signed a pack off before it was issued: the folder `sign-off`, and that different people signed.

The manifest says how many people are asked for. A pack without the folder is a draft: it may hold, and says so.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from evidence.verifier.primitives import (
    Broken,
    Fault,
    Files,
    open_note,
)
from evidence.verifier.tokens import (
    BY_PROVIDER,
    LEVELS,
)

FOLDER = "sign-off/"
NOTE = FOLDER + "note.sig"
SIGNATURES = FOLDER + "signatures.json"
ROLES = ("preparer", "approver")


class SignOff:
    """What the folder shows: `faults`, and `lines` for the report."""

    def __init__(self, manifest: dict[str, Any], files: Files) -> None:
        self.manifest = manifest
        self.files = {name: files[name] for name in files if name.startswith(FOLDER)}
        self.digest = hashlib.sha256(files["manifest.json"]).hexdigest()
        self.faults: list[Fault] = []
        self.lines: list[str] = []

    def check(self, key: str) -> None:
        """Check the note, every file of the folder and every signature."""
        people = self.manifest["pack"].get("people", 0)
        if not self.files:
            if people:
                self.lines.append("DRAFT: nobody signed this pack off; it is not issued")
            return
        self.check_note(key)
        rows = json.loads(self.files[SIGNATURES])
        for row in rows:
            self.check_one(row)
        asked = ROLES[:people]
        if sorted(row["role"] for row in rows) != sorted(asked):
            raise Broken(SIGNATURES, "it does not hold the signatures that are asked for: " + ", ".join(asked) + ".")
        if len({row["account"] for row in rows}) != len(rows):
            raise Broken(SIGNATURES, "one person signed in two roles.")
        if people == 1:
            self.lines.append("one person only, because: " + self.manifest["pack"]["alone_reason"])

    def check_note(self, key: str) -> None:
        """Compare what the note names with what is there; raises Broken."""
        if NOTE not in self.files or SIGNATURES not in self.files:
            raise Broken(FOLDER, "its signed note or its list of signatures is missing.")
        lines = open_note(self.files[NOTE], key, NOTE)
        if lines[1:3] != [self.manifest["pack"]["id"], self.digest]:
            raise Broken(NOTE, "it signs another pack off.")
        listed = dict(line.split(" ", 1) for line in lines[3:])
        for name in sorted((set(self.files) | set(listed)) - {NOTE}):
            if name not in listed:
                self.faults.append((name, "the signed note of the sign-off does not list this file."))
            elif name not in self.files:
                self.faults.append((name, "it is missing."))
            elif hashlib.sha256(self.files[name]).hexdigest() != listed[name]:
                self.faults.append((name, "it differs from what was signed."))

    def check_one(self, row: dict[str, Any]) -> None:
        """Check one person's statement, and what a passkey or a provider signed over it; raises Broken."""
        name = FOLDER + row["role"] + ".json"
        text = self.files.get(name, b"")
        if hashlib.sha256(text).hexdigest() != row["digest"]:
            raise Broken(name, "its SHA-256 is not the one in " + SIGNATURES + ".")
        said = json.loads(text)
        if said["pack"]["manifest_sha256"] != self.digest:
            raise Broken(name, "it was signed over another manifest.")
        if (said["role"], said["signer"]["account"], said["meaning"]) != (row["role"], row["account"], row["meaning"]):
            raise Broken(name, "it was signed in another role, by another person or with another meaning.")
        how = "by a proof that the portal alone saw: not checked here"
        check = LEVELS.get(row["level"])
        if check is not None:
            what = "passkey" if row["level"] == "passkey" else "provider"
            raw = self.files.get(f"{FOLDER}{row['role']}-{what}.json", b"")
            if hashlib.sha256(raw).hexdigest() != row["assertion_sha256"]:
                raise Broken(name, f"the {what}'s answer to it is not the one in {SIGNATURES}.")
            kind = check(json.loads(raw), text, name).replace(BY_PROVIDER, "")
            how = f"{what} checked here ({kind})" if kind else "passkey of an algorithm not known here: NOT checked"
        told = "{}: {} ({}, {}), {}, {}"
        cells = (row["role"], row["printed_name"], row["account"], row["capacity"], row["signed_at"], how)
        self.lines.append(told.format(*cells))
