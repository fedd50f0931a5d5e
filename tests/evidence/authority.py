"""A time-stamping authority of the tests' own: OpenSSL makes its certificates and tokens, a process answers HTTP."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = """
[tsa]
default_tsa = it
[it]
serial = {home}/serial
crypto_device = builtin
signer_cert = {home}/tsa.pem
signer_key = {home}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
authorityKeyIdentifier = keyid
"""
SERVER = """
import subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
home = Path(sys.argv[1])
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        query = home / "asked.tsq"
        query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        chain = ["-chain", str(home / "ca.pem")] if (home / "chain").exists() else []
        command = ["openssl", "ts", "-reply", "-config", str(home / "config"), "-queryfile", str(query)]
        data = subprocess.run([*command, *chain], capture_output=True, check=True).stdout
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def make_authority(home: Path) -> None:
    """Make a root, and a certificate of the authority under it."""
    (home / "config").write_text(CONFIG.format(home=home), encoding="ascii")
    (home / "serial").write_text("01\n", encoding="ascii")
    common = ["-config", str(home / "config"), "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl(
        home, "req", "-x509", *common, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root", "-extensions", "ca"
    )
    _openssl(home, "req", *common, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    extensions = ["-extfile", "config", "-extensions", "leaf"]
    _openssl(home, "x509", "-req", "-in", "tsa.csr", "-out", "tsa.pem", *signed, *extensions)


@contextmanager
def stamping(home: Path) -> Iterator[str]:
    """A running authority; yields its address."""
    make_authority(home)
    program = [sys.executable, "-I", "-c", SERVER, str(home)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/tsr"
        finally:
            process.kill()


def openssl_accepts(home: Path, note: bytes, token: bytes) -> bool:
    """Say whether OpenSSL itself verifies a token."""
    (home / "note").write_bytes(note)
    (home / "token").write_bytes(token)
    command = ["openssl", "ts", "-verify", "-data", "note", "-in", "token", "-CAfile", "ca.pem"]
    return subprocess.run(command, cwd=home, capture_output=True, check=False).returncode == 0


def _openssl(home: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=home, capture_output=True, check=True)
