#!/usr/bin/env python3
"""A witness for logs of Countersign, and for any C2SP log: remembers each log's last checkpoint and signs growth only.

One file: Python 3.9 or later, its standard library, and the package `cryptography`. Nothing of the product is imported,
so that whoever distrusts the log's operator runs it elsewhere, as it is. Protocol: C2SP tlog-witness (`add-checkpoint`)
and tlog-cosignature (`cosignature/v1`, Ed25519, key type 0x04). Files, in the folder that --home names:

    key              name and seed of the witness's own key (mode 0600); back it up, and show it to nobody
    trusted.txt      the logs it witnesses: one verifier key a line
    state/*.json     the last checkpoint of each log, on disk before its cosignature leaves
    refused/*.txt    what a log signed and the witness did not: evidence of two histories; the name has the Unix time

    witness.py key --name bank.example/witness    makes the key, and prints the line that the operator of the log needs
    witness.py trust 'VERIFIER KEY OF THE LOG'    takes up a log: the key from the contract
    witness.py serve --port 8100                  answers the log's operator; put a proxy with TLS in front
    witness.py check checkpoint.txt [growth.txt]  the same by hand, once a month, without a server
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LOG_KEY, WITNESS_KEY = b"\x01", b"\x04"
MAX_BODY, MAX_PROOF, MAX_REFUSED = 64 * 1024, 63, 1000
SIZE_TYPE = "text/x.tlog.size"
DASH = "\u2014 "


class Refused(Exception):  # noqa: N818 -- what the protocol calls it
    """The witness does not cosign; `status` is the HTTP status of C2SP tlog-witness, `size` what it has cosigned."""

    def __init__(self, status: int, why: str, size: int | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.size = status, why, size


class Key(NamedTuple):
    """A verifier key of a log."""

    origin: str
    key_id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    """A checkpoint taken apart."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes], ...]


class Seen(NamedTuple):
    """What the witness cosigned last for a log."""

    size: int
    root: bytes


NOTHING = Seen(0, hashlib.sha256(b"").digest())


def unbase64(text: str, size: int | None = None) -> bytes:
    """Decode strictly: what encodes back to other characters, or has another size in bytes, is refused."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused(400, "A line holds malformed base64.") from error
    if base64.b64encode(data).decode() != text or size not in (None, len(data)):
        raise Refused(400, "A line holds base64 in a form that is not canonical, or a hash that has not 32 bytes.")
    return data


def number(text: str) -> int:
    """Read a decimal number without leading zeros."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII):
        raise Refused(400, "A size is a decimal number without leading zeros.")
    return int(text)


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """Return the first 4 bytes of SHA-256(name || 0x0A || key type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def vkey(name: str, kind: bytes, public: bytes) -> str:
    """Return a verifier key as its one line."""
    return f"{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(kind + public).decode()}"


def parse_vkey(text: str) -> Key:
    """Read the verifier key of a log: name+key id+base64(0x01 || 32 bytes)."""
    name, _, rest = text.strip().partition("+")
    hex_id, _, packed = rest.partition("+")
    body = unbase64(packed)
    if not name or len(body) != 33 or body[:1] != LOG_KEY or key_id(name, LOG_KEY, body[1:]).hex() != hex_id:
        raise Refused(400, "This is no verifier key of a log: name+key id+base64, with an Ed25519 key (type 0x01).")
    return Key(name, bytes.fromhex(hex_id), body[1:])


def parse_checkpoint(note: str) -> Checkpoint:
    """Take a checkpoint apart without believing it; extension lines are kept in the text and not read."""
    text, gap, tail = note.rpartition("\n\n")
    lines = text.split("\n")
    if not gap or not tail.endswith("\n") or len(lines) < 3 or not all(lines):
        raise Refused(400, "This is no checkpoint: origin, size, root, an empty line, signatures.")
    if any(char < " " and char != "\n" for char in note):
        raise Refused(400, "The checkpoint holds control characters.")
    signatures = []
    for line in tail[:-1].split("\n")[:100]:
        found = re.fullmatch(DASH + r"(\S+) (\S+)", line)
        if found is None:
            raise Refused(400, "A signature line is an em dash, a key name and a base64 signature.")
        signatures.append((found[1], unbase64(found[2])))
    return Checkpoint(text + "\n", lines[0], number(lines[1]), unbase64(lines[2], 32), tuple(signatures))


def parse_request(body: str) -> tuple[int, list[bytes], Checkpoint]:
    """Read the body of add-checkpoint: `old N`, hashes, an empty line, the checkpoint."""
    head, gap, note = body.partition("\n\n")
    lines = head.split("\n")
    if not gap or not lines[0].startswith("old ") or len(lines) > 1 + MAX_PROOF:
        raise Refused(400, "The body is `old N`, at most 63 hashes, an empty line and a checkpoint.")
    return number(lines[0][4:]), [unbase64(line, 32) for line in lines[1:]], parse_checkpoint(note)


def is_signed(checkpoint: Checkpoint, keys: Sequence[Key]) -> bool:
    """Tell whether one of the log's keys signed; signatures by unknown keys are ignored."""
    for name, packed in checkpoint.signatures:
        for key in keys:
            if (name, packed[:4]) != (key.origin, key.key_id):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(packed[4:], checkpoint.text.encode())
            except InvalidSignature:
                continue
            return True
    return False


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 9162 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def extends(old: Seen, new: Seen, proof: Sequence[bytes]) -> bool:
    """Tell whether the proof shows that the new tree begins with the old one (RFC 9162 2.1.4.2)."""
    if old.size in (0, new.size):
        return not proof and (old.size == 0 or old.root == new.root)
    hashes = list(proof) if old.size & (old.size - 1) else [old.root, *proof]
    if not hashes or old.size > new.size:
        return False
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    found_old = found_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            found_old, found_new = node_hash(sibling, found_old), node_hash(sibling, found_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found_new = node_hash(found_new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and (found_old, found_new) == (old.root, new.root)


class Witness:
    """The key, the logs and the memory of one witness, in one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for folder in (home, home / "state", home / "refused"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def make_key(self, name: str) -> None:
        """Make the witness's key; one that is there already stays."""
        if not re.fullmatch(r"[^\s+]{1,200}", name):
            raise Refused(400, "Name the witness by an address without spaces and plus: bank.example/witness.")
        if not (self.home / "key").exists():
            self._write(self.home / "key", json.dumps({"name": name, "seed": os.urandom(32).hex()}))

    def key(self) -> tuple[str, Ed25519PrivateKey]:
        """Return the witness's name and key."""
        try:
            stored = json.loads((self.home / "key").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Refused(500, "There is no key yet: run `witness.py key --name NAME` once.") from None
        return stored["name"], Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stored["seed"]))

    def own_vkey(self) -> str:
        """Return the line by which others verify cosignatures."""
        name, private = self.key()
        return vkey(name, WITNESS_KEY, private.public_key().public_bytes_raw())

    def trust(self, text: str) -> Key:
        """Take up a log, or the new key of one."""
        key = parse_vkey(text)
        if text.strip() not in self._lines():
            self._write(self.home / "trusted.txt", "\n".join([*self._lines(), text.strip(), ""]))
        return key

    def keys(self, origin: str) -> list[Key]:
        """Return the keys that may sign for a log; none for a log that was not taken up."""
        return [key for key in map(parse_vkey, self._lines()) if key.origin == origin]

    def seen(self, origin: str) -> Seen:
        """Return what was cosigned last for a log."""
        try:
            stored = json.loads(self._state(origin).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return NOTHING
        return Seen(int(stored["size"]), bytes.fromhex(stored["root"]))

    def add_checkpoint(self, body: str) -> str:
        """Check a request as C2SP tlog-witness asks, remember the checkpoint, and return the cosignature line."""
        old, proof, checkpoint = parse_request(body)
        keys = self.keys(checkpoint.origin)
        if not keys:
            raise Refused(404, f"The log {checkpoint.origin} is not known here: witness.py trust takes it up.")
        if not is_signed(checkpoint, keys):
            raise Refused(403, "No key that is known here signed the checkpoint.")
        if old > checkpoint.size:
            raise Refused(400, "The old size is larger than the checkpoint.")
        with (self.home / "lock").open("a", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # one thread of one process compares and remembers at a time
            self._check_growth(old, proof, checkpoint, body)
            at = int(time.time())
            self._remember(checkpoint, at)
            return self._cosign(checkpoint.text, at)

    def check(self, note: str, growth: str | None) -> str:
        """Do the same by hand: a checkpoint, and the proof that it continues the one that was seen last."""
        checkpoint = parse_checkpoint(note)
        last = self.seen(checkpoint.origin)
        if growth is None:
            if last.size not in (0, checkpoint.size):
                raise Refused(422, f"Name the proof from {last.size} to {checkpoint.size} entries (growth.txt) too.")
            growth = f"old {last.size}\n\n{note}"
        elif parse_request(growth)[2].text != checkpoint.text:
            raise Refused(400, "The proof leads to another checkpoint.")
        return self.add_checkpoint(growth)

    def _check_growth(self, old: int, proof: Sequence[bytes], checkpoint: Checkpoint, body: str) -> None:
        last, new = self.seen(checkpoint.origin), Seen(checkpoint.size, checkpoint.root)
        if old != last.size:
            raise Refused(409, f"The last checkpoint cosigned here has {last.size} entries.", last.size)
        if last.size == new.size and last.root != new.root:
            self._keep_refused(checkpoint, body)
            raise Refused(409, f"Another root of {last.size} entries was cosigned here: two histories.", last.size)
        if not extends(last, new, proof):
            self._keep_refused(checkpoint, body)
            raise Refused(422, f"The proof does not show that this continues the {last.size} entries cosigned here.")

    def _cosign(self, text: str, at: int) -> str:
        """Return one signature line: base64(key id || time || signature over header, time and note text)."""
        name, private = self.key()
        signature = private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        own = key_id(name, WITNESS_KEY, private.public_key().public_bytes_raw())
        return f"{DASH}{name} {base64.b64encode(own + at.to_bytes(8, 'big') + signature).decode()}\n"

    def _remember(self, checkpoint: Checkpoint, at: int) -> None:
        told = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex(), "time": at}
        self._write(self._state(checkpoint.origin), json.dumps(told))

    def _keep_refused(self, checkpoint: Checkpoint, body: str) -> None:
        """Keep what the log signed and what contradicts the past: it convicts whoever holds the log's key."""
        if sum(1 for _ in (self.home / "refused").iterdir()) < MAX_REFUSED:
            self._write(self.home / "refused" / f"{int(time.time())}-{checkpoint.root.hex()[:12]}.txt", body)

    def _state(self, origin: str) -> Path:
        return self.home / "state" / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.json"

    def _lines(self) -> list[str]:
        path = self.home / "trusted.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def _write(self, path: Path, text: str) -> None:
        """Replace a file whole or not at all, and durably."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def handler(witness: Witness) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests for a witness."""

    class Handler(BaseHTTPRequestHandler):
        """Answers POST /add-checkpoint and nothing else."""

        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            """Cosign, or say why not."""
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MAX_BODY:
                self.close_connection = True
                return self.reply(413, f"Send a Content-Length of at most {MAX_BODY}.")
            body = self.rfile.read(int(length)).decode("utf-8", "replace")
            if self.path != "/add-checkpoint":
                return self.reply(404, "There is only /add-checkpoint.")
            try:
                self.reply(200, witness.add_checkpoint(body))
            except Refused as refusal:
                if refusal.size is None:
                    return self.reply(refusal.status, refusal.why)
                self.reply(refusal.status, str(refusal.size), SIZE_TYPE)

        def reply(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
            """Send one answer."""
            data = f"{text.rstrip()}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def serve(witness: Witness, host: str, port: int) -> None:
    """Answer until the process is ended."""
    own = witness.own_vkey()
    with ThreadingHTTPServer((host, port), handler(witness)) as server:
        server.daemon_threads = True
        sys.stdout.write(f"{own}\nlistens on http://{host}:{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()


def run(options: Any) -> str:
    """Carry one command out; return what it prints."""
    witness = Witness(Path(options.home))
    if options.command == "key":
        witness.make_key(options.name)
        return witness.own_vkey() + "\n"
    if options.command == "trust":
        return f"Witnesses {witness.trust(options.vkey).origin} from now on.\n"
    note = Path(options.checkpoint).read_text(encoding="utf-8")
    line = witness.check(note, Path(options.growth).read_text(encoding="utf-8") if options.growth else None)
    checkpoint = parse_checkpoint(note)
    return f"{checkpoint.origin}: {checkpoint.size} entries continue what was seen here before. Cosignature:\n{line}"


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments; return 0, or 1 for a checkpoint that is refused and 2 for files that cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", default="witness-home", help="the witness's folder (default: witness-home)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("key", help="make the key once, print its verifier key").add_argument("--name", default="")
    commands.add_parser("trust", help="take up a log").add_argument("vkey", help="the log's verifier key")
    server = commands.add_parser("serve", help="answer add-checkpoint over HTTP")
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=8100)
    check = commands.add_parser("check", help="check and cosign one checkpoint by hand")
    check.add_argument("checkpoint", help="checkpoint.txt, as mailed")
    check.add_argument("growth", nargs="?", help="growth.txt from the ledger's page")
    options = parser.parse_args(arguments)
    try:
        if options.command == "serve":
            serve(Witness(Path(options.home)), options.host, options.port)
        else:
            sys.stdout.write(run(options))
    except Refused as refusal:
        sys.stderr.write(f"NOT cosigned: {refusal.why}\n")
        return 1
    except (OSError, UnicodeDecodeError) as error:
        parser.exit(2, f"A file cannot be read: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
