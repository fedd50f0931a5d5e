"""Reads who else is to hold the checkpoints: the setting COUNTERSIGN_HOLDERS, and what a holder gives back.

One holder a line, `#` begins a comment; the first word is the tenant's short name, or `*` for every tenant:

    acme   witness  https://witness.bank.example           bank.example/witness+5f3c91ab+BG...
    *      tsa      https://tsa.example.org/rfc3161        /etc/countersign/tsa.pem    Example Trust Services

A witness gets checkpoints of the named tenant alone: the sizes of other clients' logs are none of its business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from ledger.cosignatures import parse_witness_key
from ledger.notes import NoteError

WITNESS: Final = "witness"
TSA: Final = "tsa"
EVERY: Final = "*"


class HoldersError(ValueError):
    """The list of holders cannot be read; the message names the line and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who is to hold checkpoints.

    Attributes:
        tenant: The tenant's short name, or `*`.
        kind: `witness` or `tsa`.
        url: Where it answers.
        key: The witness's verifier key, or the path of the PEM file with the authority's certificates.
        name: Who it is, for people: the witness key's name, or what the line says.
    """

    tenant: str
    kind: str
    url: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of handing a checkpoint over.

    Attributes:
        kind: `folder`, `mail`, `witness` or `tsa`.
        place: A path, addresses or a URL.
        holder: Who holds it, by name; empty where nobody is named or the answer could not be verified.
        answer: What the holder gave back: a cosignature line, or a time-stamp token as it came.
        key: What verifies the answer: the witness's verifier key, or the authority's certificates as PEM.
        stated_at: The time in the answer (UTC), stated by the holder and not by the portal.
        remark: What a person should know about it, such as why an answer could not be verified.
    """

    kind: str
    place: str
    holder: str
    answer: bytes = b""
    key: str = ""
    stated_at: datetime | None = None
    remark: str = ""


def read_holders(text: str) -> list[Holder]:
    """Read the list of holders.

    Raises:
        HoldersError: A line is malformed.
    """
    lines = [(number, line.partition("#")[0].split()) for number, line in enumerate(text.splitlines(), start=1)]
    return [_holder(number, words) for number, words in lines if words]


def holders_of(text: str, slug: str, kind: str) -> list[Holder]:
    """Return the holders of one kind that a tenant has.

    Raises:
        HoldersError: A line is malformed.
    """
    return [row for row in read_holders(text) if row.kind == kind and row.tenant in {slug, EVERY}]


def _holder(number: int, words: list[str]) -> Holder:
    """Read one line."""
    where = f"Line {number} of COUNTERSIGN_HOLDERS"
    if len(words) < 4 or words[1] not in {WITNESS, TSA}:
        raise HoldersError(f"{where} is not `TENANT witness URL KEY` or `TENANT tsa URL CERTIFICATES NAME`.")
    tenant, kind, url, key, *name = words
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise HoldersError(f"{where}: {url} is no http or https address.")
    if kind == TSA:
        if not name:
            raise HoldersError(f"{where} names nobody: write who the time-stamping authority is at its end.")
        return Holder(tenant, kind, url, key, " ".join(name))
    try:
        return Holder(tenant, kind, url.rstrip("/"), key, parse_witness_key(key).name)
    except NoteError as fault:
        raise HoldersError(f"{where}: {fault}") from fault
