"""What the portal needs to know of a sender's certificate: its fingerprint, whose it is, and until when. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_FINGERPRINT: Final = re.compile(r"(?:sha-?256(?:[ -]fingerprint)?\s*[:=]?\s*)?((?:[0-9a-f]{2}[: ]?){31}[0-9a-f]{2})\Z")
_URN: Final = "urn:uuid:"
_SUBJECT_CHARS: Final = 255


class CertificateError(ValueError):
    """A text that is neither a certificate nor a fingerprint; its words are a sentence for the person who typed it."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate: SHA-256 of its DER form, and what it says, which a bare fingerprint does not.

    ``tenant`` is the UUID that its subject names (docs/adr/0303), None where it names none.
    """

    fingerprint: bytes
    subject: str = ""
    tenant: UUID | None = None
    ends_at: datetime | None = None


def read_certificate(text: str) -> CertificateFacts:
    """Return the facts of one PEM certificate, or of a SHA-256 fingerprint as openssl prints it.

    Raises:
        CertificateError: it is neither, or more than one.
    """
    found = _PEM.findall(text)
    if len(found) > 1:
        raise CertificateError("Paste one certificate: the sender's own, without those that have signed it.")
    if found:
        try:
            return facts_of(x509.load_pem_x509_certificate(found[0].encode()))
        except ValueError as error:
            raise CertificateError("The certificate is damaged: paste the PEM file as it is.") from error
    if "PRIVATE KEY" in text:
        raise CertificateError("This is a private key, which stays with the sender. Paste its certificate.")
    bare = _FINGERPRINT.match(text.strip().lower())
    if bare is None:
        raise CertificateError("Paste a certificate in PEM form, or its SHA-256 fingerprint of 64 hexadecimal digits.")
    return CertificateFacts(bytes.fromhex(re.sub("[: ]", "", bare[1])))


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """Return the facts of a certificate; raises ValueError where its names cannot be read."""
    return CertificateFacts(
        fingerprint=certificate.fingerprint(SHA256()),
        subject=certificate.subject.rfc4514_string()[:_SUBJECT_CHARS],
        tenant=_tenant(certificate),
        ends_at=certificate.not_valid_after_utc,
    )


def _tenant(certificate: x509.Certificate) -> UUID | None:
    """Return the first UUID that is the whole of an attribute of the subject (O, OU, CN ...), or a URI among its names.

    It is a claim, as a token's is, until the fingerprint is found among that tenant's.
    """
    said = [str(attribute.value) for attribute in certificate.subject]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        said += names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        names = None
    for text in said:
        try:
            return UUID(text.strip().lower().removeprefix(_URN))
        except ValueError:
            continue
    return None
