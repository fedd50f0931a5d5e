"""Machine tokens: shown once, stored as SHA-256, friendly to secret scanners.

A token reads ``csn_<kind>_<43 characters><8 of checksum>``; the checksum lets a scanner or a form refuse a typing error
without a look-up.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"^csn_(?P<kind>[a-z]{2,8})_(?P<secret>[A-Za-z0-9_-]{43})(?P<check>[0-9a-f]{8})$")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the one moment when its text is known."""

    text: str
    prefix: str
    digest: bytes


def make_token(kind: str) -> NewToken:
    """Return a new random token (256 bits) of a kind: ``api`` or ``src``."""
    secret = secrets.token_urlsafe(32)
    body = f"csn_{kind}_{secret}"
    text = f"{body}{_checksum(body)}"
    return NewToken(text, text[: len(f"csn_{kind}_") + 6], digest(text))


def digest(text: str) -> bytes:
    """Return the SHA-256 under which the token is stored; a random 256-bit secret needs no slow hash."""
    return hashlib.sha256(text.encode()).digest()


def well_formed(text: str, kind: str) -> bool:
    """Whether the text can be a token of the kind at all."""
    match = _FORM.match(text)
    return match is not None and match["kind"] == kind and _checksum(text[:-8]) == match["check"]


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
