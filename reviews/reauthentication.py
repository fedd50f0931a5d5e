"""Proves again who signs, moments before the signature, at one of four levels.

A passkey signs the statement's SHA-256 as its challenge, so that its assertion belongs to this statement and to no
other (21 CFR 11.70) and can be checked by anybody who has the public key. So can the identity provider's answer, which
bears the SHA-256 as its nonce, and has to show a second factor. A password with a code of the authenticator
app, or with the second factor of the log-in, proves the same to the portal alone. The signature records the level.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from allauth.account.authentication import get_authentication_records
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import get_credentials, get_server
from django.http import HttpRequest
from django.utils import timezone
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticationResponse, UserVerificationRequirement

from reviews.kinds import SIGNING_WINDOW_SECONDS, Authentication, Level
from reviews.manifest import canonical_text, manifest_digest
from tenants.access import TenantRequest
from tenants.deedlog import write_deed
from tenants.models import User
from tenants.openid import LEEWAY_SECONDS, OpenIDError, Told, provider, shows_second_factor
from tenants.queries import is_linked

_REQUIRED: Final = UserVerificationRequirement.REQUIRED
_PARTS: Final = {-1: "curve", -2: "x", -3: "y"}
_RSA_PARTS: Final = {-1: "n", -2: "e"}
_TOLD: Final = "openid_told"
_RSA: Final = 3
"""Key type of RSA in COSE (RFC 8230 4)."""


def levels_of(request: TenantRequest) -> frozenset[Level]:
    """Returns the levels at which this person can sign now, by the second factors that they have set up."""
    kinds = set(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    found = set()
    if Authenticator.Type.WEBAUTHN in kinds:
        found.add(Level.PASSKEY)
    if Authenticator.Type.TOTP in kinds:
        found.add(Level.CODE)
    if found and _logged_in_with_a_second_factor(request):
        found.add(Level.SESSION)
    asked = provider()
    if asked and is_linked(request.user, asked.issuer):
        found.add(Level.PROVIDER)
    return frozenset(found)


def _logged_in_with_a_second_factor(request: TenantRequest) -> bool:
    """Returns whether the session began with a passkey or a code, as allauth recorded it."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


def passkey_request(user: User, digest: str) -> dict[str, object]:
    """Returns what the browser asks the person's passkeys to sign: the statement's SHA-256 as the challenge."""
    options, _state = get_server().authenticate_begin(
        credentials=get_credentials(user), user_verification=_REQUIRED, challenge=bytes.fromhex(digest)
    )
    return dict(options)


def by_passkey(user: User, digest: str, answer: Mapping[str, object]) -> Authentication | None:
    """Returns the authentication when a passkey of the user signed the digest and checked who holds it."""
    try:
        server, challenge = get_server(), bytes.fromhex(digest)
        _options, state = server.authenticate_begin(user_verification=_REQUIRED, challenge=challenge)
        given = AuthenticationResponse.from_dict(answer)
        credential = server.authenticate_complete(state, get_credentials(user), given)
    except (ValueError, TypeError, KeyError, AttributeError):  # whatever is not a right answer to this challenge
        return None
    said, data = given.response, given.response.authenticator_data
    assertion = {
        "credential_id": _text(credential.credential_id),
        "public_key": public_key(credential.public_key),
        "authenticator_data": _text(data),
        "client_data": _text(said.client_data),
        "signature": _text(said.signature),
        "sign_count": data.counter,
        "relying_party": server.rp.id,
        "origin": said.client_data.origin,
    }
    detail = {"assertion": assertion, "assertion_sha256": manifest_digest(canonical_text(assertion))}
    return Authentication(Level.PASSKEY, ("passkey", "its PIN or biometric"), timezone.now(), detail)


def public_key(key: CoseKey) -> dict[str, object]:
    """Returns a COSE key as named numbers (RFC 9052 7, RFC 9053 7): its algorithm, and its parts in base64."""
    names = _RSA_PARTS if key.get(1) == _RSA else _PARTS
    parts = {name: key[label] for label, name in names.items() if label in key}
    spelled = {name: _text(part) if isinstance(part, bytes) else part for name, part in parts.items()}
    return {"algorithm": key[3], **spelled}


def _text(data: bytes) -> str:
    """Returns bytes in base64, as the evidence holds them."""
    return base64.b64encode(data).decode()


def by_code(user: User, password: str, code: str) -> Authentication | None:
    """Returns the authentication when the password and the code of the authenticator app are the user's, else None."""
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if app is None or not _is_password_of(user, password) or not app.wrap().validate_code(code.strip()):
        return None
    return Authentication(Level.CODE, ("password", "code of the authenticator app"), timezone.now())


def by_session(request: TenantRequest, password: str) -> Authentication | None:
    """Returns the authentication when the password is the user's and a second factor opened the session, else None."""
    if not _logged_in_with_a_second_factor(request) or not _is_password_of(request.user, password):
        return None
    return Authentication(Level.SESSION, ("password", "second factor of the log-in"), timezone.now())


def keep_told(request: HttpRequest, told: Told) -> None:
    """Keeps what the identity provider said of the person, until they sign what it was asked about.

    Raises:
        OpenIDError: it does not say that they showed just now who they are.
    """
    if not _is_fresh(told.claims):
        raise OpenIDError("The identity provider did not ask again who you are. Sign out there, then sign in again.")
    request.session[_TOLD] = {"token": told.token, "key": dict(told.key), "claims": dict(told.claims)}


def _is_fresh(claims: Mapping[str, Any]) -> bool:
    """Returns whether somebody signed in at the provider within the window of a signature."""
    at = claims.get("auth_time")
    age = timezone.now().timestamp() - at if isinstance(at, (int, float)) else SIGNING_WINDOW_SECONDS + 1
    return -LEEWAY_SECONDS <= age <= SIGNING_WINDOW_SECONDS


def told_by_provider(request: TenantRequest) -> Told | None:
    """Returns what the provider said at the person's last sign-in for a signature; None when it is too old."""
    kept = request.session.get(_TOLD)
    told = Told(**kept) if kept else None
    return told if told and _is_fresh(told.claims) else None


def by_provider(request: TenantRequest, digest: str) -> Authentication | None:
    """Returns the authentication when the provider saw a second factor and was asked about this very statement.

    It counts once. What the provider does not say of a second factor is not assumed.
    """
    told = told_by_provider(request)
    if told is None or told.claims["nonce"] != digest or not shows_second_factor(told.claims):
        return None
    del request.session[_TOLD]
    methods = ("sign-in at the identity provider", f"its second factor ({', '.join(map(str, told.claims['amr']))})")
    kept = {"id_token": told.token, "public_key": dict(told.key)}
    detail = {"assertion": kept, "assertion_sha256": manifest_digest(canonical_text(kept))}
    detail["provider"] = {name: told.claims.get(name) for name in ("iss", "sub", "amr", "acr")}
    at = min(timezone.now(), datetime.fromtimestamp(told.claims["auth_time"], UTC))
    return Authentication(Level.PROVIDER, methods, at, detail)


def _is_password_of(user: User, password: str) -> bool:
    """Returns whether this is the user's password; an empty one is nobody's."""
    return bool(password) and user.check_password(password)


def is_asked_too_often(request: TenantRequest) -> bool:
    """Counts an attempt; returns whether the person made too many (allauth's limit: 10 a minute).

    A stolen session must not find the password by trying, and so sign for its owner.
    """
    return not ratelimit.consume(request, action="reauthenticate", user=request.user)


def note_refused(request: TenantRequest) -> None:
    """Writes a wrong proof to the portal's own log, as a failed log-in: its rules then watch it too."""
    user = request.user
    write_deed("login", actor=user.email, actor_id=user.pk, tenant=request.tenant.slug, outcome="failure")
