"""Finds the key that seals reports: a PKCS#12 file, a PKCS#11 token, or a test authority that the installation makes.

`COUNTERSIGN_SEAL_KEY` names the file, or the token as a URI of RFC 7512 with `module-path`; without it the key is the
installation's own, under a test authority in `<data>/seal` whose name says that it proves nothing about who signed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from django.conf import settings
from django.utils import timezone
from pyhanko.sign.signers import Signer, SimpleSigner

try:
    from pyhanko.config.pkcs11 import TokenCriteria
    from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session
except ImportError:
    PKCS11Signer = None  # type: ignore[assignment,misc]  # the extra is not installed

MISSING: Final = "A seal key on a token needs the extra `pkcs11`: install it with `uv sync --inexact --extra pkcs11`."
YEARS: Final = 10
TEST_ROOT: Final = "Countersign TEST authority, made by this installation"
TEST_LEAF: Final = "Countersign TEST seal: proves nothing about who signed"


class SealError(RuntimeError):
    """The report could not be sealed; the message is a sentence for the pack's page."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """A key with its certificate; `test` when the installation made it for itself."""

    signer: Signer
    test: bool

    @property
    def certificate(self) -> asn1_x509.Certificate:
        """The certificate that readers see."""
        found = self.signer.signing_cert
        if found is None:
            raise SealError("The seal key has no certificate.")
        return found

    @property
    def chain(self) -> bytes:
        """The certificate and those above it as PEM, for `openssl`; whom to trust the reader decides."""
        others = [item for item in self.signer.cert_registry if item.dump() != self.certificate.dump()]
        ordered = [self.certificate, *sorted(others, key=lambda item: bytes(item.dump()))]
        return b"".join(pem.armor("CERTIFICATE", item.dump()) for item in ordered)


@contextmanager
def seal_key() -> Iterator[SealKey]:
    """Give the key that the settings name, or the installation's own test key; a token is logged out of at the end.

    Raises:
        SealError: The key cannot be had; the sentence says why.
    """
    name, password = settings.COUNTERSIGN_SEAL["KEY"], settings.COUNTERSIGN_SEAL["PASSWORD"]
    if name.startswith("pkcs11:"):
        signer, close = _on_token(name, password)
        try:
            yield SealKey(signer, test=False)
        finally:
            close()
    elif name:
        yield SealKey(_from_file(Path(name), password), test=False)
    else:
        yield SealKey(_from_file(_own_file(Path(settings.COUNTERSIGN_DATA) / "seal"), ""), test=True)


def _from_file(path: Path, password: str) -> Signer:
    """Load a PKCS#12 file."""
    try:
        signer: Signer = SimpleSigner.load_pkcs12_data(path.read_bytes(), (), password.encode() if password else None)
    except OSError as fault:
        raise SealError(f"The seal key {path} cannot be read: {fault.strerror}.") from fault
    except ValueError as fault:
        raise SealError(f"The seal key {path} is no PKCS#12 file, or its password is another one.") from fault
    return signer


def _on_token(uri: str, pin: str) -> tuple[Signer, Callable[[], None]]:
    """Open a key on a token and return it with what closes it.

    The URI is like `pkcs11:token=Seal;object=seal?module-path=/usr/lib/softhsm/libsofthsm2.so` (RFC 7512).
    The hash is made here and signed raw: SoftHSM 2.6 and several cards know no ECDSA with a hash of its own.
    """
    if PKCS11Signer is None:
        raise SealError(MISSING)
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    pairs = [item.partition("=") for item in (*path.split(";"), *query.split("&")) if item]
    given: dict[str, str] = {name: unquote(value) for name, _, value in pairs}
    if not {"token", "object", "module-path"} <= given.keys():
        raise SealError("COUNTERSIGN_SEAL_KEY needs token, object and module-path: see docs/packs.md.")
    try:
        session = open_pkcs11_session(
            given["module-path"], token_criteria=TokenCriteria(label=given["token"]), user_pin=pin or None
        )
    except Exception as fault:
        raise SealError(f"The token {given['token']!r} cannot be opened: {fault!r}.") from fault
    try:
        signer: Any = PKCS11Signer(session, cert_label=given["object"], use_raw_mechanism=True)
        signer.signing_cert  # noqa: B018 -- read now, so that a missing one is said here
    except Exception as fault:
        session.close()
        raise SealError(f"The key {given['object']!r} on the token cannot be used: {fault!r}.") from fault
    return signer, session.close


def _own_file(folder: Path) -> Path:
    """Return the installation's own key, made on first use together with the test authority (`authority.pem`).

    Of two processes that make it at once one wins, and both use what it made.
    """
    path, draft = folder / "seal.p12", folder / f".seal.{os.getpid()}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        root, body = _made()
        for target, data in ((folder / f".authority.{os.getpid()}", root), (draft, body)):
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
        with suppress(FileExistsError):
            os.link(draft, path)
            (folder / f".authority.{os.getpid()}").replace(folder / "authority.pem")
        draft.unlink()
        (folder / f".authority.{os.getpid()}").unlink(missing_ok=True)
    return path


def _made() -> tuple[bytes, bytes]:
    """Make a test authority (PEM) and a key under it (PKCS#12, not encrypted: the file is private)."""
    now = timezone.now() - timedelta(hours=1)
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(TEST_ROOT, root_key, None, root_key, now)
    leaf = _certificate(TEST_LEAF, leaf_key, root, root_key, now)
    body = pkcs12.serialize_key_and_certificates(b"seal", leaf_key, leaf, [root], serialization.NoEncryption())
    return root.public_bytes(serialization.Encoding.PEM), body


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    above: x509.Certificate | None,
    above_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    """Make the test root (`above` is None) or a certificate under it; the authority's key is kept nowhere."""
    is_root = above is None
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(above.subject if above else subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=365 * YEARS))
    usage = x509.KeyUsage(
        digital_signature=not is_root, content_commitment=not is_root, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=is_root, crl_sign=is_root, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), True),
        (usage, True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(above_key.public_key()), False),
    ]
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(above_key, hashes.SHA256())
