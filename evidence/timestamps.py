"""Time stamps of RFC 3161 over a checkpoint: the request, the check of a token, by HTTP or by files that people carry.

Needs the extra `timestamps` (package rfc3161-client). A token is judged at its own time, not now: certificates of
authorities end long before the records do. Tokens are kept as they came, also those that the library cannot read: it
refuses certificate sets that are not sorted as DER asks (`openssl ts -reply -chain` makes them), `openssl ts -verify`
takes them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from evidence.holders import TSA, Holder, Receipt
from evidence.posting import post

try:
    import rfc3161_client
except ImportError:
    rfc3161_client = None  # type: ignore[assignment]  # the extra is not installed

MISSING = "RFC 3161 time stamps need the extra `timestamps`: install it with `uv sync --inexact --extra timestamps`."
OPENSSL = "openssl ts -verify -data checkpoint.txt -in checkpoint.tsr -CAfile tsa.pem"


class TimestampError(RuntimeError):
    """A time stamp could not be had or does not hold; the message says why."""


def is_installed() -> bool:
    """Says whether the extra is there."""
    return rfc3161_client is not None


def make_query(note: bytes) -> bytes:
    """Return the request for a token over a checkpoint's bytes: SHA-256, with certificates, no nonce.

    Without a nonce the request may be carried by hand; the token is bound to the checkpoint, which is never the same.

    Raises:
        TimestampError: The extra is not installed.
    """
    if rfc3161_client is None:
        raise TimestampError(MISSING)
    builder = rfc3161_client.TimestampRequestBuilder(data=note, hash_algorithm=rfc3161_client.HashAlgorithm.SHA256)
    return bytes(builder.nonce(nonce=False).cert_request(cert_request=True).build().as_bytes())


def token_time(token: bytes, note: bytes, certificates: str) -> datetime:
    """Return the time (UTC) in a token over a checkpoint, after checking it at that time.

    Args:
        token: The authority's whole answer (.tsr).
        note: The checkpoint's bytes.
        certificates: PEM: the root that is trusted, intermediates, and the authority's own if answers leave it out.

    Raises:
        TimestampError: The extra is missing, or the token does not hold.
    """
    if rfc3161_client is None:
        raise TimestampError(MISSING)
    try:
        found = rfc3161_client.decode_timestamp_response(token)
        own = load_pem_x509_certificates(certificates.encode())
        roots = [item for item in own if item.issuer == item.subject]
        others = [item for item in own if item.issuer != item.subject]
        builder = rfc3161_client.VerifierBuilder(roots=roots, intermediates=others)
        builder.build().verify_message(found, note)
        return found.tst_info.gen_time.astimezone(UTC)
    except (ValueError, rfc3161_client.VerificationError) as fault:
        raise TimestampError(f"The time stamp does not verify here: {fault}. By hand: {OPENSSL}") from fault


def keep_token(token: bytes, note: bytes, certificates: str, *, place: str, name: str) -> Receipt:
    """Return the receipt of a token; one that does not verify here is kept too, and names no holder.

    Raises:
        TimestampError: The extra is not installed.
    """
    try:
        at = token_time(token, note, certificates)
    except TimestampError as fault:
        if rfc3161_client is None:
            raise
        return Receipt(TSA, place, "", token, certificates, None, f"{name}: {fault}")
    return Receipt(TSA, place, name, token, certificates, at)


def stamp(note: bytes, holder: Holder) -> Receipt:
    """Ask an authority for a token over HTTP (RFC 3161 3.4).

    Raises:
        TimestampError: It refused, or the extra is not installed.
        OSError: It does not answer, or its certificates cannot be read.
        http.client.HTTPException: Its answer is no HTTP.
    """
    certificates = Path(holder.key).read_text(encoding="ascii")
    answer = post(holder.url, make_query(note), "application/timestamp-query")
    if answer.status != 200 or not answer.kind.startswith("application/timestamp-reply"):
        raise TimestampError(f"{holder.name} gave no time stamp ({answer.status} {answer.kind}).")
    return keep_token(answer.body, note, certificates, place=holder.url, name=holder.name)
