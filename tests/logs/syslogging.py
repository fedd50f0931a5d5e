"""The syslog door in this process, and senders with certificates, as the tests of the door use them."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from logs.syslog.connection import Limits
from logs.syslog.listening import Contexts, Listener
from logs.syslog.ports import Port
from logs.syslog.tls import make_context, own_certificate
from tests.flows.running import free_port

PEM = serialization.Encoding.PEM


def sender(home: Path, tenant: UUID, name: str = "web1", *, days: float = 30) -> Path:
    """Return a PEM file with a sender's self-signed certificate, whose subject names a tenant, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), timezone.now()
    said = [
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, str(tenant)),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
    ]
    subject = x509.Name(said)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = home / f"{name}.pem"
    file.write_bytes(made.public_bytes(PEM) + secret)
    return file


class RunningDoor:
    """A listener in a thread of its own; `port` asks for certificates, `bound` are ports of sources."""

    def __init__(self, home: Path, bound: Sequence[Port], limits: Limits) -> None:
        self.server = own_certificate(home / "server.pem", "localhost")
        self.port = free_port()
        self._ports = [Port("127.0.0.1", self.port), *bound]
        self._limits, self._listening = limits, threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Return when the ports are open."""
        self._thread.start()
        assert self._listening.wait(20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        contexts = Contexts(asking=make_context(self.server, ask=True), bound=make_context(self.server, ask=False))
        self.listener = Listener(self._ports, contexts, self._limits)
        serving = asyncio.create_task(self.listener.run())
        while len(self.listener.listening) < len(self._ports) and not serving.done():
            await asyncio.wait([serving], timeout=0.01)
        self._listening.set()
        await serving

    def stop(self) -> None:
        """Stop the door as SIGTERM does; returns when what was read is stored."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.listener.stop)
            self._thread.join(20)
        assert not self._thread.is_alive()

    def connect(self, certificate: Path | None, port: int | None = None) -> ssl.SSLSocket:
        """Connect as a sender does that knows the door's certificate."""
        context = ssl.create_default_context(cafile=str(self.server))
        if certificate:
            context.load_cert_chain(certificate)
        plain = socket.create_connection(("127.0.0.1", port or self.port), timeout=20)
        return context.wrap_socket(plain, server_hostname="localhost")


@contextmanager
def running_door(home: Path, *bound: Port, limits: Limits | None = None) -> Iterator[RunningDoor]:
    """Run a door until the end of the block."""
    door = RunningDoor(home, bound, limits or Limits(batch_seconds=0.05))
    door.start()
    try:
        yield door
    finally:
        door.stop()


def counted(*messages: bytes) -> bytes:
    """Return the messages as RFC 5425 frames them."""
    return b"".join(b"%d %s" % (len(one), one) for one in messages)
