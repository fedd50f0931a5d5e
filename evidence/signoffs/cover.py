"""Adds the sign-off to a draft: the folder `sign-off` beside what the manifest lists, under a signed note of its own.

Pure. The manifest cannot list the signatures over itself: each names its SHA-256, and the note (C2SP signed note by the
pack's key) names the manifest again and the SHA-256 of every file of the folder. So nothing of the draft changes, and
no byte of the issued file is unsigned. The same draft and signatures give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from evidence.bundle import Bundle, canonical, write_bag
from evidence.kept import Inside, Kept, at_hand
from evidence.signoffs.kinds import Signed
from evidence.verifier.primitives import Archived, unbag, unpack
from evidence.verifier.signedoff import FOLDER, NOTE, SIGNATURES
from ledger.notes import Signer, sign_note

COVER: Final = FOLDER + "cover.txt"
PROOFS: Final = {
    "provider": "a sign-in again at the identity provider with a second factor (checked too)",
    "passkey": "a passkey over this very statement (checked by the verifiers)",
    "code": "a password and a code of an authenticator app, which the portal alone saw",
    "session": "a password again, after a log-in with a second factor, which the portal alone saw",
}


def issued(draft: BinaryIO, signed: Sequence[Signed], signer: Signer, out: BinaryIO) -> Bundle:
    """Write the issued pack into an open file: the draft's files as they are, one piece at a time, and the sign-off."""
    files = unbag(unpack(draft)[0])
    manifest = json.loads(files["manifest.json"])
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    added = _files(manifest, digest, signed)
    listed = [f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in sorted(added.items())]
    text = "\n".join((signer.name, manifest["pack"]["id"], digest, *listed)) + "\n"
    whole: dict[str, Kept | Inside] = {name: _inside(files, name) for name in files}
    whole |= {name: at_hand(data) for name, data in added.items()}
    whole[NOTE] = at_hand(sign_note(text, [signer]).encode())
    size, sha256 = write_bag(whole, manifest, out)
    sizes = {name: part.size for name, part in sorted(whole.items())}
    return Bundle(out, size, sha256, digest, manifest["content_sha256"], sizes)


def _inside(files: Archived, name: str) -> Inside:
    """Return a file of the draft, which stays where it lies."""
    at, size = files.places[name]
    return Inside(files.source, at, size, *files.summed(name))


def _files(manifest: dict[str, object], digest: str, signed: Sequence[Signed]) -> dict[str, bytes]:
    """Return the statements as they were signed, what others signed, the list for machines and the cover."""
    files: dict[str, bytes] = {}
    for one in signed:
        files[f"{FOLDER}{one.role}.json"] = one.statement
        if one.assertion is not None:
            what = "passkey" if one.level == "passkey" else "provider"
            files[f"{FOLDER}{one.role}-{what}.json"] = one.assertion
    files[SIGNATURES] = canonical([_row(one) for one in signed])
    files[COVER] = _cover(manifest, digest, signed).encode()
    return files


def _row(one: Signed) -> dict[str, object]:
    """Return one signature as machines read it."""
    return {
        **{name: getattr(one, name) for name in ("role", "printed_name", "account", "capacity", "meaning", "level")},
        "methods": list(one.methods),
        "digest": one.digest,
        "assertion_sha256": one.assertion_sha256,
        "authenticated_at": one.authenticated_at.isoformat(),
        "signed_at": one.signed_at.isoformat(),
    }


def _cover(manifest: dict[str, object], digest: str, signed: Sequence[Signed]) -> str:
    """Return the cover statement for people."""
    pack = manifest["pack"]
    assert isinstance(pack, dict)  # noqa: S101 -- the manifest of our own draft
    head = [
        "SIGN-OFF OF AN EVIDENCE PACK",
        "",
        f"Pack            {pack['id']}",
        f"Client          {pack['client']}",
        f"Issued for      {pack['recipient']}",
        f"Report made     {pack['issued_at']}",
        f"Signed over     SHA-256 {digest} of manifest.json, which lists every file of the pack",
        "",
    ]
    alone = f"One person signs this pack off: {pack['alone_reason']}" if pack["people"] == 1 else ""
    tail = [
        alone,
        "verify.py and verify.html check that each statement names this manifest, and what was signed over it.",
    ]
    return (
        "\n".join([*head, *(line for one in signed for line in _lines(one)), *(line for line in tail if line)]) + "\n"
    )


def _lines(one: Signed) -> list[str]:
    """Return a person's part of the cover."""
    return [
        f"{one.role.upper()}",
        f"  Name          {_plain(one.printed_name)}",
        f"  Role          {_plain(one.capacity)}",
        f"  Account       {_plain(one.account)}",
        f"  Signed        {_moment(one.signed_at)}",
        f"  Meaning       {one.meaning}",
        f"  Proof         {PROOFS[one.level]}",
        f"  Statement     {one.role}.json, SHA-256 {one.digest}",
        "",
    ]


def _plain(text: str) -> str:
    """Spell what steers a line instead of printing it: a name must not forge a line of the cover."""
    return "".join(char if char.isprintable() else f"[U+{ord(char):04X}]" for char in text)


def _moment(at: datetime) -> str:
    """Spell a time in UTC to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
