"""Checks who else holds a pack's checkpoint: cosignatures of witnesses here, time stamps by a command for openssl.

The pack's `verify.py` holds this module between primitives.py and check.py; the same rules hold for it.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from evidence.verifier.primitives import (
    Broken,
    Fault,
    Files,
    ed25519_verifies,
    parse_key,
    unbase64,
)

CHECKPOINT = "proofs/checkpoint.txt"
COSIGNED = "proofs/cosigned.txt"
WITNESS_KEY = 4


def openssl_line(token: str) -> str:
    """Return the command that checks a time stamp; the certificates are to come from the authority."""
    return f"openssl ts -verify -data {CHECKPOINT} -in {token} -CAfile CERTIFICATES.pem"


def cosigned_at(note: bytes, key: str, where: str) -> int:
    """Return the time (seconds since 1970) of a witness's cosignature/v1 over a note (C2SP tlog-cosignature)."""
    name, key_id, public = parse_key(key, WITNESS_KEY)
    text, _, lines = note.rpartition(b"\n\n")
    for line in lines.split(b"\n"):
        prefix = "\u2014 ".encode() + name.encode() + b" "
        packed = unbase64(line[len(prefix) :].decode("ascii", "replace"), where) if line.startswith(prefix) else b""
        if packed[:4] == key_id and len(packed) == 76:
            at = int.from_bytes(packed[4:12], "big")
            if ed25519_verifies(public, b"cosignature/v1\ntime %d\n" % at + text + b"\n", packed[12:]):
                return at
            raise Broken(where, "the cosignature of " + name + " is not valid.")
    raise Broken(where, "the witness " + name + " did not cosign this checkpoint.")


class Holders:
    """Who holds the checkpoint by the manifest's word, and what of it this program could check.

    `faults` are claims that do not hold; `lines` is what the report says, `proved` the witnesses whose cosignature
    holds under a key that the reader gave.
    """

    def __init__(self, manifest: dict[str, Any], files: Files, given: list[str]) -> None:
        self.ledger, self.tier, self.files, self.given = manifest["ledger"], manifest["tier"], files, given
        self.faults: list[Fault] = []
        self.lines: list[str] = []
        self.proved: list[str] = []

    def check(self) -> None:
        """Check each holder, and that the claim is not above what the holders carry."""
        note, held = self.files[CHECKPOINT], self.ledger.get("held", [])
        if COSIGNED in self.files and not self.files[COSIGNED].startswith(note):
            self.faults.append((COSIGNED, "it does not begin with the checkpoint that the pack proves."))
        for row in held:
            self.check_one(row, note)
        cosigned = self.files.get(COSIGNED, b"")
        for key in self.given:
            try:
                at = cosigned_at(cosigned, key, COSIGNED)
                self.proved.append(parse_key(key, WITNESS_KEY)[0])
                self.lines.append(f"cosigned by {self.proved[-1]} at {moment(at)}: checked with the key that you gave")
            except Broken as broken:
                self.faults.append((broken.where, broken.what))
        kinds = {row["kind"] for row in held}
        if (self.tier == "T4" and "witness" not in kinds) or (self.tier in {"T3", "T4"} and not kinds):
            self.faults.append(
                ("manifest.json", f"it claims {self.tier}, but names nobody whose holding carries that.")
            )

    def check_one(self, row: dict[str, Any], note: bytes) -> None:
        """Check one holder as far as the standard library goes."""
        name, token = row["name"], row.get("file", "")
        if row["size"] != self.ledger["size"]:
            self.faults.append(("manifest.json", f"{name} is said to hold another checkpoint than this pack's."))
        elif row["kind"] == "witness":
            try:
                at = cosigned_at(self.files.get(COSIGNED, b""), row["key"], COSIGNED)
            except Broken as broken:
                self.faults.append((broken.where, broken.what))
                return
            if row["key"] not in self.given:
                told = "the signature is valid under the key in the pack; give --witness to check whose it is"
                self.lines.append(f"cosigned by {name} at {moment(at)}: {told}")
        elif row["kind"] == "tsa":
            if hashlib.sha256(note).digest() not in self.files.get(token, b""):
                self.faults.append((token, "this time stamp is not over the pack's checkpoint."))
            self.lines.append(f"time stamp of {name}, {row['since']}: NOT checked here. Unpack the pack and run")
            self.lines.append(f"    {openssl_line(token)}")
            self.lines.append("    with the certificates that the authority publishes")
        else:
            told = f"NOT checked here. Ask for its checkpoint of {row['size']} entries and compare"
            self.lines.append(f"held by {name} ({row['kind']}) since {row['since']}: {told}")


def moment(seconds: int) -> str:
    """Spell a time of a cosignature."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def tier_lines(holders: Holders) -> list[str]:
    """Say what the pack claims and what of it was seen here: the claim of a tier is the issuer's, checks are ours."""
    tier = holders.tier
    lines = [f"the issuer claims {tier}"]
    if tier >= "T1":
        lines.append("T1, a valid signature over the checkpoint: checked here")
    if tier >= "T2":
        lines.append("T2, a signer under a system user of its own: the issuer's word, nothing in a pack can show it")
    if tier >= "T3":
        lines.append("T3, a named third party holds the checkpoint: as the lines below say")
    if tier >= "T4":
        told = f"checked here for {', '.join(holders.proved)}" if holders.proved else "checked with keys from the pack"
        lines.append(f"T4, an independent witness cosigned: {told}; who is independent, you judge")
    return lines
