"""Second factors for tests: a passkey in software, which signs as a device would, and an authenticator app."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from tenants.models import User

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Passkey:
    """A passkey on one device; `flags` say whether it checks its holder, `count` how often it signed."""

    name: bytes
    kind: type[CoseKey] = ES256
    host: str = "testserver"
    flags: int = PRESENT | VERIFIED
    count: int = 0

    def __post_init__(self) -> None:
        makers: dict[type[CoseKey], Any] = {
            ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
            EdDSA: ed25519.Ed25519PrivateKey.generate,
            RS256: lambda: rsa.generate_private_key(65537, 2048),
        }
        self.key = makers[self.kind]()

    @property
    def public(self) -> CoseKey:
        """The public key as COSE."""
        return self.kind.from_cryptography_key(self.key.public_key())

    def register(self, user: User) -> Authenticator:
        """Store the passkey as allauth stores one that was added on its page."""
        about = AttestedCredentialData.create(bytes(16), self.name, self.public)
        data = AuthenticatorData.create(self._host_hash(), self.flags | ATTESTED, 0, bytes(about))
        client = CollectedClientData.create("webauthn.create", bytes(32), f"https://{self.host}")
        response = {
            "clientDataJSON": _text(client),
            "attestationObject": _text(AttestationObject.create("none", data, {})),
        }
        credential = {**self._name(), "response": response}
        return Authenticator.objects.create(
            user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Test key", "credential": credential}
        )

    def answer(self, challenge: bytes, kind: str = "webauthn.get") -> dict[str, object]:
        """Return the assertion over a challenge as a browser sends it."""
        self.count += 1
        client = CollectedClientData.create(kind, challenge, f"https://{self.host}")
        data = AuthenticatorData.create(self._host_hash(), self.flags, self.count)
        signature = self.sign(bytes(data) + client.hash)
        response = {
            "clientDataJSON": _text(client),
            "authenticatorData": _text(data),
            "signature": _text(signature),
            "userHandle": None,
        }
        return {**self._name(), "response": response}

    def sign(self, message: bytes) -> bytes:
        """Sign a message with the private key, as the algorithm asks."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        signed: bytes = self.key.sign(message)
        return signed

    def _host_hash(self) -> bytes:
        return hashlib.sha256(self.host.encode()).digest()

    def _name(self) -> dict[str, object]:
        text = _text(self.name)
        return {"id": text, "rawId": text, "type": "public-key", "clientExtensionResults": {}}


def add_app(user: User) -> str:
    """Set up an authenticator app for a person; returns its secret."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return secret


def code_of(secret: str) -> str:
    """Return the code that the app shows now."""
    now = list(totp.yield_hotp_counters_from_time())[1]
    return totp.format_hotp_value(totp.hotp_value(secret, now))
