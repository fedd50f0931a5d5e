"""Signs what is posted, as the Standard Webhooks specification 1.0.0 says, and keeps the secret encrypted. Pure.

The signature is HMAC-SHA256 over `id.timestamp.body`, in base64 after `v1,`. A secret is shown as `whsec_` and base64.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from tenants.boxes import box

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


class SecretLost(ValueError):  # noqa: N818 -- what happened
    """A kept secret cannot be read, because the installation's own key changed."""


def new_secret() -> str:
    """Returns a secret of 256 random bits as the other system is given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(*, secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Returns the three headers that prove who posted a body, and when."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    stamp = str(int(at.timestamp()))
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def sealed(secret: str, *, key: str, owner: str) -> str:
    """Returns a secret encrypted under the installation's key for one owner, such as a tenant's UUID."""
    return _box(key, owner).encrypt(secret.encode()).decode()


def unsealed(text: str, *, key: str, owner: str) -> str:
    """Returns the secret.

    Raises:
        SecretLost: it was encrypted under another key, or for somebody else.
    """
    try:
        return _box(key, owner).decrypt(text.encode()).decode()
    except InvalidToken as fault:
        raise SecretLost(
            "The secret cannot be read any more. Make a new one and give it to the other system."
        ) from fault


def _box(key: str, owner: str) -> Fernet:
    """Returns what encrypts for one owner."""
    return box(key, f"webhook secret of {owner}")
