"""Proves who signs, in tests, by tokens of an identity provider that was never asked."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.utils import timezone
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from reviews.kinds import Authentication, Level
from reviews.manifest import canonical_text, manifest_digest

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
}


def public(key: Any) -> dict[str, Any]:
    """Return the public half of a key as the provider publishes it."""
    spelled = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return dict(json.loads(spelled.to_jwk(key.public_key())))


def proved_by_provider(digest: str, **changes: Any) -> Authentication:
    """Prove who signs by a provider's token that names the statement, unless its claims are changed."""
    at = timezone.now().replace(microsecond=0)
    claims = {"nonce": digest, "auth_time": int(at.timestamp()), "amr": ["pwd", "otp"]} | changes
    token = jwt.encode(claims, KEYS["RS256"], algorithm="RS256")
    kept = {"id_token": token, "public_key": public(KEYS["RS256"])}
    detail = {"assertion": kept, "assertion_sha256": manifest_digest(canonical_text(kept))}
    return Authentication(Level.PROVIDER, ("sign-in at the identity provider", "otp"), at, detail)
