"""Builds the statement that a signer of a pack signs: which manifest, in which role, meaning what. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from evidence.signoffs.kinds import MEANINGS, SignRole

VERSION: Final = 1


def statement_text(role: SignRole, *, pack: Mapping[str, object], signer: Mapping[str, object]) -> str:
    """Returns the canonical JSON text: sorted keys, no spaces; the pack is named by the SHA-256 of its manifest."""
    body = {
        "kind": "evidence_pack",
        "version": VERSION,
        "pack": dict(pack),
        "role": str(role),
        "signer": dict(signer),
        "meaning": MEANINGS[role],
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
