"""OpenLDAP's slapd, as `.ci/set-up test` fetched it, with TLS by an authority of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from tests.flows.running import free_port, listens
from tests.logs.collectors import SLAPD, SLAPD_HOME, environment, running, waits_for

PEM: Final = serialization.Encoding.PEM


@dataclass(frozen=True)
class Directory:
    """A directory that listens: with TLS from the start, and with StartTLS; and the authority that it is trusted by."""

    ldaps: str
    ldap: str
    ca_file: str


def authority(home: Path) -> tuple[Path, Path]:
    """Make an authority and a certificate of it for localhost; return the authority's PEM and the server's with key."""
    now, key, own = timezone.now(), ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of the tests")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "directory")])

    def made(name: x509.Name, of: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(of.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(key, hashes.SHA256())

    trusted, server = home / "ca.pem", home / "server.pem"
    trusted.write_bytes(made(issuer, key, ca=True).public_bytes(PEM))
    secret = own.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server.write_bytes(made(subject, own, ca=False).public_bytes(PEM) + secret)
    return trusted, server


@contextmanager
def directory(home: Path, ldif: str, narrow: str) -> Iterator[Directory]:
    """Run slapd over these entries until the end of the block; an answer has 500 entries at most, beside pages.

    Whoever logs in as `narrow` gets 1,000 entries at most in all pages together.
    """
    assert SLAPD
    trusted, server = authority(home)
    (home / "data").mkdir()
    schema = "\n".join(
        f"include {SLAPD_HOME}/etc/ldap/schema/{n}.schema" for n in ("core", "cosine", "nis", "inetorgperson")
    )
    settings = home / "slapd.conf"
    settings.write_text(
        f"{schema}\nobjectclass ( 1.3.6.1.4.1.99999.1 NAME 'robot' SUP account STRUCTURAL )\n"
        f"modulepath {SLAPD_HOME}/usr/lib/ldap\nmoduleload back_mdb\n"
        f"pidfile {home}/slapd.pid\nargsfile {home}/slapd.args\n"
        f"TLSCertificateFile {server}\nTLSCertificateKeyFile {server}\nTLSCACertificateFile {trusted}\n"
        f"security simple_bind=128\ndatabase mdb\nsuffix dc=bpo,dc=example\ndirectory {home}/data\n"
        f"dbnosync\nlimits dn.exact={narrow} size.hard=500 size.prtotal=1000\n"
        f"limits * size.soft=500 size.hard=500 size.prtotal=unlimited\n"
    )
    (home / "all.ldif").write_text(ldif)
    add = [str(SLAPD), "-T", "add", "-q", "-f", str(settings), "-l", str(home / "all.ldif")]
    subprocess.run(add, check=True, env=environment(), capture_output=True)
    ports = free_port(), free_port()
    one = Directory(f"ldaps://localhost:{ports[0]}", f"ldap://localhost:{ports[1]}", str(trusted))
    command = [str(SLAPD), "-d", "0", "-f", str(settings), "-h", f"{one.ldaps} {one.ldap}"]
    with running(command, home / "slapd.log"):
        assert waits_for(lambda: all(map(listens, ports))), (home / "slapd.log").read_text()
        yield one
