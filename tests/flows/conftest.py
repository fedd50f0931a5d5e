"""One running portal for each test that asks for it."""

import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.running import Portal


@pytest.fixture
def running(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """A new installation on the embedded server, without the demonstration; stopped at the end."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    root = Path(tempfile.mkdtemp(prefix="cs-run-"))
    root.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    portal = Portal(root / "data", port)
    try:
        assert portal.says("Countersign answers at", within=240), portal.lines
        yield portal
    finally:
        portal.process.send_signal(signal.SIGINT)
        portal.process.wait(30)
        portal.listener.join(5)
        shutil.rmtree(root)
