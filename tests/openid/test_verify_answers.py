"""An ID token counts only under a key that the provider publishes, by an algorithm that a pack's verifier knows."""

import json
import time
import warnings
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tenants.openid import OpenIDError, Provider, shows_second_factor, verified

ASKED = Provider("https://id.example.org", "us", "shh", "Example ID")
OWN, OTHER, SHORT = (rsa.generate_private_key(65537, bits) for bits in (2048, 2048, 1024))


def token(key: Any, kid: str | None = "1", algorithm: str = "RS256") -> str:
    now = int(time.time())
    claims = {"iss": ASKED.issuer, "aud": "us", "sub": "1", "nonce": "n", "iat": now, "exp": now + 60}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of the short key
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def published(key: rsa.RSAPrivateKey, kid: str = "1", **more: str) -> dict[str, Any]:
    return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, **more}


def test_only_what_the_provider_signed_counts() -> None:
    keys = [published(OWN), published(OTHER, "2"), published(OTHER, use="enc")]
    told = verified(ASKED, token(OWN), keys, "n")
    assert (told.claims["sub"], set(told.key)) == ("1", {"kty", "kid", "n", "e"})
    assert verified(ASKED, token(OWN, None), [published(OWN)], "n").claims["sub"] == "1"
    for wrong in (
        token(OTHER),
        token(OWN, "3"),
        token(OWN, None),
        token(None, algorithm="none"),
        token(keys[0]["n"], algorithm="HS256"),
        "no token",
    ):
        with pytest.raises(OpenIDError, match="does not hold"):
            verified(ASKED, wrong, keys, "n")
    alone = {token(SHORT): published(SHORT), token(OWN, algorithm="PS256"): published(OWN, alg="PS256")}
    for wrong, key in alone.items():
        with pytest.raises(OpenIDError, match="does not hold"):
            verified(ASKED, wrong, [key], "n")


def test_a_second_factor_is_what_the_token_says() -> None:
    for amr in (["mfa"], ["pwd", "otp"], ["hwk", "fpt"], ["pin", "sc"]):
        assert shows_second_factor({"amr": amr}), amr
    for weak in (["pwd"], ["pwd", "pin"], ["otp", "sms"], [], None, "mfa", [["mfa"]], ["pwd", "rba"]):
        assert not shows_second_factor({"amr": weak}), weak
