"""A real witness as a process of its own, and a log in memory that asks it."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.kinds import CheckpointBody
from ledger.merkle import consistency_path, nodes_of, root_at
from ledger.notes import Signer, checkpoint_text, sign_note
from ledger.proofs import format_growth

PROGRAM = Path(__file__).parents[2] / "ledger" / "witness.py"
NAME = "bank.example/witness"


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the witness, by a Python that finds nothing of the product."""
    program = [sys.executable, "-I", str(PROGRAM), "--home", str(home), *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=30, cwd=home.parent)


class Process:
    """A witness that serves on a free port of this machine; it can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.vkey = command(home, "key", "--name", NAME).stdout.strip()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says where it listens."""
        program = [sys.executable, "-I", str(PROGRAM), "--home", str(self.home), "serve", "--port", "0"]
        self.process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == self.vkey
        self.url = self.process.stdout.readline().strip().removeprefix("listens on ")

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def trust(self, vkey: str) -> None:
        """Let it take up a log."""
        assert command(self.home, "trust", vkey).returncode == 0

    def post(self, body: str, path: str = "/add-checkpoint") -> tuple[int, str, str]:
        """Send one request; return status, content type and body."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        connection.request("POST", path, body.encode())
        answer = connection.getresponse()
        told = (answer.status, answer.getheader("Content-Type") or "", answer.read().decode())
        connection.close()
        return told


@contextmanager
def serving(home: Path) -> Iterator[Process]:
    """A running witness."""
    witness = Process(home)
    try:
        yield witness
    finally:
        witness.kill()


class MemoryLog:
    """A log in memory: its key, its leaves, its checkpoints and the requests that it would send."""

    def __init__(self, leaves: list[bytes], origin: str = "portal.example/t/one/1", seed: int = 7) -> None:
        self.leaves, self.signer = leaves, Signer(origin, bytes([seed]) * 32)

    @property
    def vkey(self) -> str:
        """The log's verifier key."""
        return self.signer.verifier.vkey

    def checkpoint(self, size: int) -> str:
        """Sign the first leaves."""
        root = root_at(size, nodes_of(self.leaves))
        return sign_note(checkpoint_text(CheckpointBody(self.signer.name, size, root)), [self.signer])

    def request(self, old: int, size: int) -> str:
        """Return the body of add-checkpoint."""
        return format_growth(old, consistency_path(old, size, nodes_of(self.leaves)), self.checkpoint(size))
