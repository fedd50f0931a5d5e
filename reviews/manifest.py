"""Builds the canonical statement that a reviewer signs: exactly their decisions, and its SHA-256. Pure.

The text is JSON with sorted keys, no spaces and no floats, so that anybody can recompute the digest from the
decisions. It names accounts by their pseudonymous references.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

VERSION = 1


@lru_cache(maxsize=1024)
def moment(value: datetime) -> str:
    """Returns an aware time as UTC text with six digits, as the manifest holds it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def manifest_text(
    *, campaign: Mapping[str, object], reviewer: Mapping[str, object], decisions: Iterable[Mapping[str, object]]
) -> str:
    """Returns the statement over the decisions, sorted by item number."""
    body = {
        "version": VERSION,
        "campaign": dict(campaign),
        "reviewer": dict(reviewer),
        "decisions": sorted((dict(decision) for decision in decisions), key=lambda d: int(str(d["n"]))),
    }
    return canonical_text(body)


def canonical_text(value: Mapping[str, object]) -> str:
    """Returns the one JSON text of a value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def manifest_digest(text: str) -> str:
    """Returns SHA-256 in hex over the statement's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()
