"""Checks that an identity provider was asked about a reviewer's statement: its ID token, on the standard library alone.

Follows OpenID Connect Core 1.0, 2 (what a token says), RFC 7515 (how it is signed) and RFC 7518 3.3 and 3.4 (by what).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from evidence.verifier.passkeys import (
    ALGORITHMS,
    check_assertion,
    ecdsa_verifies,
    rs256_verifies,
)
from evidence.verifier.primitives import (
    Broken,
    unbase64,
)

BY_PROVIDER = "provider "
"""Begins how a provider's proof is called in the list of proofs."""


def url_unbase64(text: str, where: str) -> bytes:
    """Decode base64url without padding (RFC 7515 2); raises Broken."""
    return unbase64(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), where)


def check_token(kept: dict[str, Any], statement: bytes, where: str) -> str:
    """Hold a provider's token against the statement; return how it was signed, as the list of proofs names it.

    Raises Broken with what does not hold.
    """
    parts = kept["id_token"].split(".")
    if len(parts) != 3:
        raise Broken(where, "it holds no signed token.")
    head, said = (json.loads(url_unbase64(part, where)) for part in parts[:2])
    if said.get("nonce") != hashlib.sha256(statement).hexdigest():
        raise Broken(where, "the identity provider was asked about another statement.")
    key = {name: url_unbase64(part, where) for name, part in kept["public_key"].items() if name in ("n", "e", "x", "y")}
    signed, signature = ".".join(parts[:2]).encode(), url_unbase64(parts[2], where)
    halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    holds = {
        "ES256": lambda: len(signature) == 64 and ecdsa_verifies(key["x"], key["y"], signed, halves),
        "RS256": lambda: rs256_verifies(key["n"], key["e"], signed, signature),
    }
    name = head.get("alg")
    try:
        good = name in holds and holds[name]()
    except KeyError:
        good = False
    if not good:
        raise Broken(where, "the token's signature is not valid under the identity provider's key.")
    return f"{BY_PROVIDER}{name}"


LEVELS = {"passkey": check_assertion, "provider": check_token}
"""What checks the proof of each level that can be checked without the portal."""


def proof_lines(proofs: list[str]) -> list[str]:
    """Say of how many signatures it was checked here who gave them, of how many not, and how to do it by hand."""
    known = sorted(one for one in proofs if one in ALGORITHMS.values())
    lines = []
    if known:
        kinds = " and ".join(sorted(set(known)))
        lines += [
            f"{len(known)} of them by a passkey whose signature over the statement was checked here ({kinds});",
            "that its key is the signer's is the word of the portal, sealed in the ledger with the signature",
        ]
    told = [one for one in proofs if one.startswith(BY_PROVIDER)]
    if told:
        kinds = " and ".join(sorted({one.split()[1] for one in told}))
        lines += [
            f"{len(told)} of them by a sign-in at an identity provider, whose signed token names the statement and was",
            f"checked here ({kinds}); that the key is the provider's is the word of the portal, sealed likewise",
        ]
    for name in [one for one in proofs if "/" in one]:
        lines += [
            f"{name}: its algorithm is not known here, its signature was NOT checked. By hand: it must be",
            "valid for authenticator_data followed by SHA-256(client_data), under the public_key in the file",
        ]
    if "portal" in proofs:
        count = proofs.count("portal")
        lines.append(f"{count} of them by a proof that the portal alone saw (password, code): not checked here")
    return lines
