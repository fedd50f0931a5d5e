"""Encrypts what is kept for a short while, or for another system, under a key of the installation. Pure."""

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def box(key: str, use: str) -> Fernet:
    """Return what encrypts for one use; the key that is derived for it is used for nothing else (RFC 5869)."""
    derived = HKDF(SHA256(), 32, salt=None, info=f"countersign {use}".encode()).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
