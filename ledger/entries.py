"""Leaf format, version 1: which bytes a leaf commits to, and how personal data stays outside of it.

    entry = 0x01 || kind (1) || C_subj (32) || C_raw (32) || core            at most 65,535 bytes
    C_x   = SHA-256("countersign/v1/" || x || 0x00 || salt_x (16) || bytes_x)    x = subj or raw; absent: 32 zero bytes
    leaf  = SHA-256(0x00 || entry)                                            (RFC 6962 2.1)

`core` never holds personal data. `subj` and `raw` enter only as salted commitments: deleting their bytes and salts
later breaks no proof. Unsalted, 5,000 users by 255 addresses were guessed in 0.49 s. The length limit is that of a C2SP
tlog-tiles entry bundle, which carries a uint16 length.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from ledger.kinds import HASH_BYTES, LeafKind
from ledger.merkle import leaf_hash

VERSION: Final = 0x01
MAX_ENTRY_BYTES: Final = 65_535
HEADER_BYTES: Final = 2 + 2 * HASH_BYTES
MAX_CORE_BYTES: Final = MAX_ENTRY_BYTES - HEADER_BYTES
MAX_DEPTH: Final = 32
INT_LIMIT: Final = 2**53
SALT_BYTES: Final = 16
ABSENT: Final = bytes(HASH_BYTES)
"""Stands in the entry for a group that the leaf does not have."""

_DOMAIN: Final = {"subj": b"countersign/v1/subj\x00", "raw": b"countersign/v1/raw\x00"}
_SUBJ: Final = _DOMAIN["subj"]
_RAW: Final = _DOMAIN["raw"]
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]
"""What the canonical subset can hold: no floats, no dates, no bytes."""

Row = tuple[bytes, bytes | None, bytes | None]
"""One leaf to seal: core, subj, raw."""

__all__ = [
    "ABSENT",
    "MAX_CORE_BYTES",
    "CanonicalError",
    "Entry",
    "EntryTooLargeError",
    "canonical",
    "commitment",
    "leaf_hash",
    "parse_canonical",
    "parse_entry",
    "salts",
    "seal",
    "seal_many",
    "timestamp",
]


class CanonicalError(ValueError):
    """A value lies outside the canonical JSON subset, so two encoders could write it differently."""


class EntryTooLargeError(ValueError):
    """A core is longer than an entry may be; `size` and `limit` are bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.limit = MAX_CORE_BYTES
        super().__init__(f"The sealed core has {size} bytes; a ledger entry holds at most {MAX_CORE_BYTES}.")


@dataclass(frozen=True, slots=True)
class Entry:
    """The parts of an entry as its bytes say them."""

    kind: LeafKind
    subj: bytes
    raw: bytes
    core: bytes


def canonical(obj: Mapping[str, Json]) -> bytes:
    """Returns the one JSON encoding of `obj`: keys sorted, no spaces, UTF-8 as given (no normalisation).

    Inside the subset json.dumps(sort_keys=True, separators=(",", ":"), ensure_ascii=False), msgspec and RFC 8785 agree
    byte for byte; outside (floats, integers of 2^53 and more, keys that are not ASCII) they differ: refused.

    Raises:
        CanonicalError: A value outside the subset, with its path.
    """
    _check(obj, "$", 0)
    try:
        return _ENCODER.encode(obj)
    except UnicodeEncodeError as error:
        raise CanonicalError("A string holds a lone surrogate, which UTF-8 cannot carry.") from error


def parse_canonical(data: bytes) -> dict[str, Json]:
    """Returns the object that canonical bytes hold.

    Raises:
        CanonicalError: The bytes are no JSON object, or not its canonical encoding.
    """
    try:
        obj = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CanonicalError("The sealed bytes are no JSON.") from error
    if type(obj) is not dict:
        raise CanonicalError("The sealed bytes are no JSON object.")
    if canonical(obj) != data:
        raise CanonicalError("The sealed bytes are JSON, but not in the canonical form.")
    return obj


def timestamp(moment: datetime) -> str:
    """Returns an aware moment as RFC 3339 in UTC with exactly six digits, such as 2026-11-22T18:20:34.000000Z.

    Raises:
        CanonicalError: The moment has no zone.
    """
    if moment.tzinfo is None:
        raise CanonicalError("A sealed time needs a zone.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment.year >= 1000 else _early(moment)


def _early(moment: datetime) -> str:
    """Writes a year before 1000, which strftime does not pad on Linux."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def salts(n: int) -> list[bytes]:
    """Returns `n` random values of 32 bytes: a row's subj salt (16) and then its raw salt (16).

    One draw for all: os.urandom costs 0.35 us a call, 0.10 us a row in bulk.
    """
    block = os.urandom(2 * SALT_BYTES * n)
    return [block[i : i + 2 * SALT_BYTES] for i in range(0, len(block), 2 * SALT_BYTES)]


def commitment(group: str, salt: bytes, data: bytes) -> bytes:
    """Returns C_group = SHA-256("countersign/v1/" || group || 0x00 || salt || data).

    Raises:
        ValueError: The group is neither subj nor raw, or the salt has not 16 bytes.
    """
    if group not in _DOMAIN:
        raise ValueError(f"There is no group {group!r}: an entry commits to subj and raw.")
    if len(salt) != SALT_BYTES:
        raise ValueError(f"A salt has {SALT_BYTES} bytes, not {len(salt)}.")
    return hashlib.sha256(_DOMAIN[group] + salt + data).digest()


def seal(kind: LeafKind, core: bytes, *, subj: bytes | None, raw: bytes | None, salts: bytes) -> bytes:
    """Returns the entry of one leaf; `salts` are the row's 32 bytes (subj salt, raw salt).

    Raises:
        EntryTooLargeError: The core is longer than 65,469 bytes.
        ValueError: The salts have not 32 bytes.
    """
    if len(core) > MAX_CORE_BYTES:
        raise EntryTooLargeError(len(core))
    if len(salts) != 2 * SALT_BYTES:
        raise ValueError(f"The salts of a row have {2 * SALT_BYTES} bytes, not {len(salts)}.")
    c_subj = ABSENT if subj is None else commitment("subj", salts[:SALT_BYTES], subj)
    c_raw = ABSENT if raw is None else commitment("raw", salts[SALT_BYTES:], raw)
    return bytes((VERSION, kind)) + c_subj + c_raw + core


def seal_many(kind: LeafKind, rows: Iterable[Row], salts: Sequence[bytes]) -> list[bytes]:
    """Returns the leaf hashes of many rows of one kind, in order; the same bytes as `leaf_hash(seal(...))`.

    About 1.5 us a row at 300 bytes: the loop is flat on purpose.

    Raises:
        EntryTooLargeError: A core is longer than 65,469 bytes.
        ValueError: There are more or fewer salts than rows, or one has not 32 bytes.
    """
    if not {2 * SALT_BYTES}.issuperset(map(len, salts)):
        raise ValueError(f"The salts of a row have {2 * SALT_BYTES} bytes.")
    sha256 = hashlib.sha256
    head = bytes((0x00, VERSION, kind))
    leaves = []
    for (core, subj, raw), salt in zip(rows, salts, strict=True):
        if len(core) > MAX_CORE_BYTES:
            raise EntryTooLargeError(len(core))
        c_subj = ABSENT if subj is None else sha256(_SUBJ + salt[:SALT_BYTES] + subj).digest()
        c_raw = ABSENT if raw is None else sha256(_RAW + salt[SALT_BYTES:] + raw).digest()
        leaves.append(sha256(head + c_subj + c_raw + core).digest())
    return leaves


def parse_entry(entry: bytes) -> Entry:
    """Takes an entry apart.

    Raises:
        ValueError: Too short, too long, another version, or an unknown kind.
    """
    if not HEADER_BYTES <= len(entry) <= MAX_ENTRY_BYTES:
        raise ValueError(f"An entry has {HEADER_BYTES} to {MAX_ENTRY_BYTES} bytes, not {len(entry)}.")
    if entry[0] != VERSION:
        raise ValueError(f"The entry has version {entry[0]}; this ledger reads version {VERSION}.")
    subj_end = 2 + HASH_BYTES
    return Entry(LeafKind(entry[1]), entry[2:subj_end], entry[subj_end:HEADER_BYTES], entry[HEADER_BYTES:])


def _check(value: object, path: str, depth: int) -> None:
    """Walks a value; exact types only, so that no subclass changes what an encoder writes."""
    if depth > MAX_DEPTH:
        raise CanonicalError(f"{path} is nested deeper than {MAX_DEPTH} levels.")
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if isinstance(value, dict) and kind is dict:
        _check_object(value, path, depth)
    elif isinstance(value, list | tuple) and kind in {list, tuple}:
        for i, item in enumerate(value):
            _check(item, f"{path}[{i}]", depth + 1)
    elif not isinstance(value, int) or kind is not int:
        raise CanonicalError(f"{path} is a {kind.__name__}; the ledger seals strings, integers, booleans and null.")
    elif not -INT_LIMIT < value < INT_LIMIT:
        raise CanonicalError(f"{path} is an integer of 2^53 or more; write it as a string.")


def _check_object(value: dict[object, object], path: str, depth: int) -> None:
    """Checks keys and values of one object."""
    for key, item in value.items():
        if type(key) is not str or not key.isascii():
            raise CanonicalError(f"{path} has the key {key!r}; keys are ASCII strings.")
        if type(item) is not str:
            _check(item, f"{path}.{key}", depth + 1)
