"""A pack's verifier checks, without the portal, that an identity provider was asked about a reviewer's statement."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from evidence.bundle import build, record_files
from evidence.tables import from_rows
from evidence.verifier.check import Pack
from evidence.verifier.tokens import proof_lines
from reviews.manifest import canonical_text
from tests.evidence.packing import SIGNER, parts, printed
from tests.evidence.test_sign_statements import STATEMENT
from tests.openid.tokens import KEYS, public


def told(algorithm: str, nonce: str = "", **change: Any) -> tuple[Pack, str]:
    """Return a checked pack with one statement of which a provider's token speaks, and what `verify.py` prints."""
    whole = json.dumps(STATEMENT).encode()
    digest = hashlib.sha256(whole).hexdigest()
    token = jwt.encode({"nonce": nonce or digest, "auth_time": 1}, KEYS[algorithm], algorithm=algorithm)
    kept = {"id_token": token, "public_key": public(KEYS[algorithm]), **change}
    text = canonical_text(kept).encode()
    columns = ("sign_off", "digest", "level", "assertion")
    rows = from_rows("sign_offs", "Sign-offs", columns, [[3, digest, "provider", hashlib.sha256(text).hexdigest()]])
    decisions = from_rows("decisions", "Decisions", ("decision", "outcome", "reason"), [])
    made = replace(parts(), tables=[decisions, rows], bindings={}, statements={3: whole}, assertions={3: text})
    pack = Pack(build(made, record_files(made), printed(), SIGNER).data)
    pack.check(SIGNER.verifier.vkey)
    return pack, " ".join(proof_lines(pack.proofs))


@pytest.mark.parametrize("algorithm", KEYS)
def test_the_verifier_checks_offline_that_a_provider_spoke_of_the_statement(algorithm: str) -> None:
    pack, said = told(algorithm)
    assert (pack.faults, pack.proofs) == ([], [f"provider {algorithm}"])
    assert f"checked here ({algorithm})" in said
    assert "by a passkey" not in said
    assert told(algorithm, nonce="0" * 64)[0].faults == [
        ("signatures/3.json", "the identity provider was asked about another statement.")
    ]
    for wrong in forged(algorithm):
        assert [what for _where, what in told(algorithm, **wrong)[0].faults] == [
            "the token's signature is not valid under the identity provider's key."
        ]


def forged(algorithm: str) -> list[dict[str, Any]]:
    """Return what stands in the evidence where somebody forged it: another key, no signature, a shared secret."""
    digest = hashlib.sha256(json.dumps(STATEMENT).encode()).hexdigest()
    other = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
    short = jwt.encode({"nonce": digest}, KEYS[algorithm], algorithm=algorithm)[:-8]
    padded = short + "A" * (-len(short.rpartition(".")[2]) % 4)
    return [
        {"public_key": public(other)},
        {"public_key": {}},
        {"id_token": jwt.encode({"nonce": digest}, None, algorithm="none")},
        {"id_token": jwt.encode({"nonce": digest}, base64.b64encode(bytes(48)), algorithm="HS256")},
        {"id_token": padded},
    ]
