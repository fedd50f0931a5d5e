"""Machine tokens: shown once, stored as SHA-256, friendly to secret scanners.

A token reads ``csn_<kind>_<43 characters><8 of checksum>``; the checksum lets a scanner or a form refuse a typing error
without a look-up. A source's token holds 22 characters more before the checksum: the UUID of its tenant, so that a door
whose address names no tenant knows whose row security to open (docs/adr/0302).
"""

import hashlib
import re
import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from uuid import UUID

INVITATION: Final = "inv"
"""The kind of an external auditor's invitation."""

_FORM: Final = re.compile(
    r"^csn_(?P<kind>[a-z]{2,8})_(?P<secret>[A-Za-z0-9_-]{43})(?P<tenant>(?:[A-Za-z0-9_-]{22})?)(?P<check>[0-9a-f]{8})$"
)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the one moment when its text is known."""

    text: str
    prefix: str
    digest: bytes


def make_token(kind: str, tenant: UUID | None = None) -> NewToken:
    """Return a new random token (256 bits) of a kind (``api``, ``src``, ``inv``), naming its tenant if one is given."""
    secret = secrets.token_urlsafe(32)
    named = urlsafe_b64encode(tenant.bytes).decode().rstrip("=") if tenant else ""
    body = f"csn_{kind}_{secret}{named}"
    text = f"{body}{_checksum(body)}"
    return NewToken(text, text[: len(f"csn_{kind}_") + 6], digest(text))


def digest(text: str) -> bytes:
    """Return the SHA-256 under which the token is stored; a random 256-bit secret needs no slow hash."""
    return hashlib.sha256(text.encode()).digest()


def well_formed(text: str, kind: str) -> bool:
    """Whether the text can be a token of the kind at all."""
    match = _FORM.match(text)
    return match is not None and match["kind"] == kind and _checksum(text[:-8]) == match["check"]


def tenant_named(text: str) -> UUID | None:
    """Return the tenant that a well-formed token names. It is a claim until the token is found among the tenant's."""
    match = _FORM.match(text)
    if match is None or not match["tenant"]:
        return None
    return UUID(bytes=urlsafe_b64decode(match["tenant"] + "=="))


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
