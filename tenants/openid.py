"""Asks the installation's one OpenID Connect provider who somebody is, and believes only what holds.

Authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9700). The ID token is
verified although it comes straight from the provider: as the proof of a signature, others will verify it too. That is
also why only the two algorithms are taken that a pack's verifier knows. Knows no model.
"""

import base64
import hashlib
import http.client
import json
import secrets
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt
from django.conf import settings

SECONDS: Final = 10
"""The longest wait for each answer of the provider."""
MAX_ANSWER: Final = 1 << 20
LEEWAY_SECONDS: Final = 60
"""How far the provider's clock may differ from ours."""
ALGORITHMS: Final = ("RS256", "ES256")
LEAST_RSA: Final = 2048
ENTROPY_BYTES: Final = 32
KEY_PARTS: Final = {"RSA": ("kty", "kid", "n", "e"), "EC": ("kty", "kid", "crv", "x", "y")}
KINDS_OF_PROOF: Final = (
    frozenset({"pwd", "pin", "kba"}),
    frozenset({"otp", "hwk", "swk", "pop", "sc", "sms", "tel"}),
    frozenset({"face", "fpt", "iris", "retina", "vbm"}),
)
"""What one knows, has and is, by the words of RFC 8176 2."""


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the client's secret goes to the address that the provider names, and to no other."""

    def redirect_request(self, *_told: object) -> None:
        """Leave the answer as it is, an error."""


_OPENER: Final = urllib.request.build_opener(_Stays)


class OpenIDError(Exception):
    """The provider did not say, in a way that holds, who somebody is; the message is a sentence for that person.

    `account` is the address that it gave, where it gave one.
    """

    def __init__(self, sentence: str, account: str = "") -> None:
        super().__init__(sentence)
        self.account = account


@dataclass(frozen=True, slots=True)
class Provider:
    """The one provider: `issuer` is its address as tokens spell it, `name` what people call it."""

    issuer: str
    client_id: str
    client_secret: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser is sent to ask, and what of it is kept in the session until the answer comes."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a verified ID token says; `token` and the public `key` let anybody verify it again."""

    token: str
    key: Mapping[str, str]
    claims: Mapping[str, Any]


def provider() -> Provider | None:
    """Return the installation's provider; None where log-in by one is off."""
    told: dict[str, str] = settings.COUNTERSIGN_OIDC
    if not told:
        return None
    return Provider(told["ISSUER"], told["CLIENT_ID"], told["CLIENT_SECRET"], told["NAME"])


def question(asked: Provider, *, return_to: str, digest: str = "") -> Question:
    """Return what to ask the provider.

    Args:
        asked: the provider.
        return_to: the address to which it sends the browser back.
        digest: the SHA-256 of what is to be signed. It is then the nonce, so that the provider's signed token bears it,
            and the person has to show anew who they are. Without one, somebody logs in.

    Raises:
        OpenIDError: the provider does not answer.
    """
    state, verifier, nonce = (secrets.token_urlsafe(ENTROPY_BYTES) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    told = {
        "response_type": "code",
        "client_id": asked.client_id,
        "redirect_uri": return_to,
        "scope": "openid" if digest else "openid email",
        "state": state,
        "nonce": digest or nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if digest else {}),
    }
    address = _address(asked, _metadata(asked), "authorization_endpoint")
    joint = "&" if urlsplit(address).query else "?"
    return Question(f"{address}{joint}{urlencode(told)}", state, digest or nonce, verifier)


def answer(asked: Provider, *, code: str, verifier: str, nonce: str, return_to: str) -> Told:
    """Exchange the code for the ID token and verify it.

    Raises:
        OpenIDError: the provider does not answer, or its token does not hold.
    """
    known = _metadata(asked)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": return_to, "code_verifier": verifier}
    headers = {}
    if "client_secret_basic" in known.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
        pair = f"{quote_plus(asked.client_id)}:{quote_plus(asked.client_secret)}"  # RFC 6749 2.3.1
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        fields |= {"client_id": asked.client_id, "client_secret": asked.client_secret}
    given = _fetch(asked, _address(asked, known, "token_endpoint"), urlencode(fields).encode(), headers)
    keys = _fetch(asked, _address(asked, known, "jwks_uri")).get("keys")
    return verified(asked, str(given.get("id_token", "")), keys if isinstance(keys, list) else [], nonce)


def verified(asked: Provider, token: str, keys: list[dict[str, Any]], nonce: str) -> Told:
    """Return what an ID token says (OpenID Connect Core 3.1.3.7); `keys` are the provider's, as it publishes them.

    Raises:
        OpenIDError: it is not the provider's, not for us, too old, or not the answer to our question.
    """
    try:
        key = _key_of(token, keys)
        claims = jwt.decode(
            token,
            jwt.PyJWK(key),
            algorithms=list(ALGORITHMS),
            audience=asked.client_id,
            issuer=asked.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as fault:  # whatever is not a right token of the provider
        raise OpenIDError(f"What {asked.name} answered does not hold. Begin again, or log in otherwise.") from fault
    if claims.get("nonce") != nonce or claims.get("azp", asked.client_id) != asked.client_id:
        raise OpenIDError(f"What {asked.name} answered belongs to another question. Begin again.")
    return Told(token, {part: key[part] for part in KEY_PARTS[key["kty"]] if part in key}, claims)


def _key_of(token: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the published key that a token names, or the only one; raises ValueError where there is none to use."""
    name = jwt.get_unverified_header(token).get("kid")
    found = [one for one in keys if one.get("use", "sig") == "sig" and name in {None, one.get("kid")}]
    if len(found) != 1 or found[0].get("kty") not in KEY_PARTS:
        raise ValueError("no key")
    size = len(base64.urlsafe_b64decode(found[0].get("n", "") + "==")) * 8
    if found[0]["kty"] == "RSA" and size < LEAST_RSA:
        raise ValueError("a short key")
    return found[0]


def shows_second_factor(claims: Mapping[str, Any]) -> bool:
    """Return whether a token says that the person proved who they are by two kinds of things (RFC 8176)."""
    amr = claims.get("amr")
    said = {one for one in amr if isinstance(one, str)} if isinstance(amr, list) else set()
    return "mfa" in said or sum(bool(said & kind) for kind in KINDS_OF_PROOF) > 1


def _metadata(asked: Provider) -> dict[str, Any]:
    """Return what the provider says about itself (OpenID Connect Discovery 4.3: its issuer is the one we know)."""
    found = _fetch(asked, f"{asked.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != asked.issuer:
        raise OpenIDError(f"{asked.name} calls itself otherwise than this installation knows it. Tell whoever runs it.")
    return found


def _address(asked: Provider, known: Mapping[str, Any], name: str) -> str:
    """Return one of the provider's addresses; nothing of a log-in travels in clear text unless the issuer does."""
    address = str(known.get(name, ""))
    if not address.startswith((f"{urlsplit(asked.issuer).scheme}://", "https://")):
        raise OpenIDError(f"{asked.name} names no safe address for a log-in. Tell whoever runs this installation.")
    return address


def _fetch(
    asked: Provider, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON object at an address of the provider.

    Raises:
        OpenIDError: nobody answers in time, or the answer is an error or no JSON object.
    """
    sent = urllib.request.Request(url, body, {"Accept": "application/json", **(headers or {})})  # noqa: S310 -- operator
    try:
        with _OPENER.open(sent, timeout=SECONDS) as got:
            found = json.loads(got.read(MAX_ANSWER))
    except (OSError, ValueError, http.client.HTTPException) as fault:  # errors of urllib are OSErrors
        raise OpenIDError(
            f"{asked.name} does not answer as it should. Log in otherwise, or try again later."
        ) from fault
    if not isinstance(found, dict):
        raise OpenIDError(f"{asked.name} does not answer as it should. Log in otherwise, or try again later.")
    return found
