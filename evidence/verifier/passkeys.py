"""Checks that a passkey signed a reviewer's statement: WebAuthn assertions on the standard library alone.

Follows WebAuthn Level 2, 7.2 (what the browser and the device say), SEC 1 4.1.4 (ECDSA over P-256), RFC 8017 8.2.2
(RSASSA-PKCS1-v1_5) and RFC 8032 (Ed25519). Other algorithms are left to the reader, who is told how.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from evidence.verifier.primitives import (
    Broken,
    ed25519_verifies,
    unbase64,
)

Affine = tuple[int, int]
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CURVE_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GENERATOR: Affine = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
ALGORITHMS = {-7: "ES256", -8: "Ed25519", -257: "RS256"}


def p256_add(p: Affine | None, q: Affine | None) -> Affine | None:
    """Add two points of P-256; None is the point at infinity."""
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % FIELD == 0:
            return None
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, FIELD) % FIELD
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, FIELD) % FIELD
    x = (slope * slope - p[0] - q[0]) % FIELD
    return (x, (slope * (p[0] - x) - p[1]) % FIELD)


def p256_multiply(scalar: int, point: Affine) -> Affine | None:
    """Multiply a point of P-256 by a number."""
    total: Affine | None = None
    step: Affine | None = point
    while scalar:
        if scalar & 1:
            total = p256_add(total, step)
        step, scalar = p256_add(step, step), scalar >> 1
    return total


def der_numbers(data: bytes) -> Affine | None:
    """Return the two numbers of an ECDSA signature in DER, or None."""
    if len(data) < 8 or data[0] != 0x30 or data[1] != len(data) - 2 or data[1] > 127:
        return None
    numbers, at = [], 2
    while at + 2 <= len(data) and data[at] == 2 and 0 < data[at + 1] <= len(data) - at - 2:
        numbers.append(int.from_bytes(data[at + 2 : at + 2 + data[at + 1]], "big", signed=True))
        at += 2 + data[at + 1]
    return (numbers[0], numbers[1]) if at == len(data) and len(numbers) == 2 else None


def es256_verifies(x: bytes, y: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an ECDSA signature in DER over the message was made with the key (x, y) on P-256."""
    return ecdsa_verifies(x, y, message, der_numbers(signature))


def ecdsa_verifies(x: bytes, y: bytes, message: bytes, numbers: Affine | None) -> bool:
    """Tell whether the two numbers of an ECDSA signature over the message come from the key (x, y) on P-256."""
    key = (int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    on_curve = (key[1] ** 2 - (key[0] ** 3 - 3 * key[0] + CURVE_B)) % FIELD == 0
    if numbers is None or not on_curve or max(key) >= FIELD or not all(0 < n < ORDER for n in numbers):
        return False
    digest, inverse = int.from_bytes(hashlib.sha256(message).digest(), "big"), pow(numbers[1], -1, ORDER)
    left = p256_multiply(digest * inverse % ORDER, GENERATOR)
    point = p256_add(left, p256_multiply(numbers[0] * inverse % ORDER, key))
    return point is not None and point[0] % ORDER == numbers[0]


def rs256_verifies(n: bytes, e: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an RSA signature (PKCS #1 1.5, SHA-256) over the message was made with the key."""
    size, modulus = len(n), int.from_bytes(n, "big")
    if size < 256 or len(signature) != size or int.from_bytes(signature, "big") >= modulus:
        return False
    info = SHA256_INFO + hashlib.sha256(message).digest()
    expected = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return pow(int.from_bytes(signature, "big"), int.from_bytes(e, "big"), modulus) == int.from_bytes(expected, "big")


def check_assertion(kept: dict[str, Any], statement: bytes, where: str) -> str:
    """Hold a passkey's assertion against the statement; return the algorithm, or "" for one that is not known here.

    Raises Broken with what does not hold.
    """
    data, client = unbase64(kept["authenticator_data"], where), unbase64(kept["client_data"], where)
    said = json.loads(client)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(statement).digest()).decode().rstrip("=")
    for wrong, what in (
        (said.get("type") != "webauthn.get", "it is no log-in or signature of a passkey."),
        (said.get("challenge") != challenge, "the passkey signed another statement."),
        (said.get("origin") != kept["origin"], "it was given to another site than it says."),
        (len(data) < 37, "its authenticator data is too short."),
        (data[:32] != hashlib.sha256(kept["relying_party"].encode()).digest(), "its passkey belongs to another site."),
        (len(data) > 32 and data[32] & 5 != 5, "the passkey did not check who holds it."),
        (int.from_bytes(data[33:37], "big") != kept["sign_count"], "its count of uses is another."),
    ):
        if wrong:
            raise Broken(where, what)
    key = {name: unbase64(part, where) for name, part in kept["public_key"].items() if isinstance(part, str)}
    signature, signed = unbase64(kept["signature"], where), data + hashlib.sha256(client).digest()
    name = ALGORITHMS.get(kept["public_key"]["algorithm"], "")
    holds = {
        "ES256": lambda: es256_verifies(key["x"], key["y"], signed, signature),
        "Ed25519": lambda: ed25519_verifies(key["x"], signed, signature),
        "RS256": lambda: rs256_verifies(key["n"], key["e"], signed, signature),
    }
    if name and not holds[name]():
        raise Broken(where, "the signature is not valid for the statement and the passkey's key.")
    return name
