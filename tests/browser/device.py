"""Chromium's virtual authenticator, holding a passkey that the portal knows as the person's."""

import base64

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Page

from tenants.models import User
from tests.factors import Passkey

TRAITS = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}


def give_passkey(page: Page, user: User) -> None:
    """Register a passkey of the person and put it on a device in this browser, which unlocks by itself."""
    key = Passkey(b"passkey of " + user.email.encode(), host="localhost")
    Authenticator.objects.filter(user=user).delete()
    key.register(user)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {**TRAITS, "isUserVerified": True, "automaticPresenceSimulation": True}
    made = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    private = key.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    credential = {
        "credentialId": base64.b64encode(key.name).decode(),
        "isResidentCredential": False,
        "rpId": key.host,
        "privateKey": base64.b64encode(private).decode(),
        "signCount": 0,
    }
    device.send("WebAuthn.addCredential", {"authenticatorId": made["authenticatorId"], "credential": credential})
