"""TLS of the syslog door: any client certificate is asked for and none is judged by a CA (RFC 5425 4.2).

Python's own ``ssl`` refuses a certificate that no CA of its own has signed, before anybody sees it; OpenSSL itself lets
the server look. Which sender a certificate is, its registration decides (docs/adr/0303); that the sender holds its key,
the handshake has proved. Nothing here knows sockets: bytes in, bytes out.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from OpenSSL import SSL

OWN_CERTIFICATE: Final = "syslog/server.pem"
"""The door's own certificate and key, in the data directory."""

_CHUNK: Final = 64 * 1024
_YEARS: Final = timedelta(days=3650)
_EARLIER: Final = timedelta(hours=1)


class TlsError(ConnectionError):
    """The TLS of a connection failed; its words are OpenSSL's."""


def make_context(file: Path, *, ask: bool) -> SSL.Context:
    """Return the server's side of TLS 1.2 and 1.3; with ``ask`` a client without a certificate is refused.

    Raises:
        TlsError: the file does not hold a certificate, its chain where it has one, and its key, as PEM.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # Each connection proves its key anew: no session is taken up again.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    try:
        context.use_certificate_chain_file(str(file))
        context.use_privatekey_file(str(file))
        context.check_privatekey()
    except SSL.Error as error:
        raise TlsError(f"{file} is no PEM file with a certificate, its chain and its key: {_words(error)}.") from error
    if ask:
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_certificate: True)
    return context


class ServerSide:
    """The server's side of one connection: feed it what arrives, send what it says."""

    def __init__(self, context: SSL.Context) -> None:
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self.open = False
        self.ended = False

    def received(self, data: bytes) -> bytes:
        """Return the plain bytes in what arrived; sets `open` after the handshake, `ended` after a clean end.

        Raises:
            TlsError: what arrived is no TLS, is damaged, or the client broke it off.
        """
        plain: list[bytes] = []
        try:
            while data:
                data = data[self._tls.bio_write(data) :]
                if not self.open:
                    self._tls.do_handshake()
                    self.open = True
                while True:
                    plain.append(self._tls.recv(_CHUNK))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended = True
        except SSL.Error as error:
            if not plain:
                raise TlsError(_words(error)) from error
            # What stood before the damage was whole: it is given now, and the end is told by the next read.
        return b"".join(plain)

    def sending(self) -> bytes:
        """Return what is to be sent now."""
        parts = []
        try:
            while True:
                parts.append(self._tls.bio_read(_CHUNK))
        except SSL.WantReadError:
            return b"".join(parts)

    def close(self) -> None:
        """Say that the server ends the connection; `sending` gives the words."""
        try:
            self._tls.shutdown()
        except SSL.Error:
            self.ended = True  # the handshake was not over: there is nothing to end

    @property
    def certificate(self) -> x509.Certificate | None:
        """The client's certificate, once the handshake is over."""
        return self._tls.get_peer_certificate(as_cryptography=True)


def own_certificate(file: Path, host: str) -> Path:
    """Return the file with a certificate of the door's own, made at the first run: P-256, self-signed, ten years."""
    if file.is_file():
        return file
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])]), timezone.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _YEARS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    secret = private.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    begun = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(secret + made.public_bytes(form))
    begun.rename(file)
    return file


def _words(error: SSL.Error) -> str:
    """Return OpenSSL's words for an error."""
    said = [str(entry[-1]) for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(word for word in said if word) or "the connection was broken off"
