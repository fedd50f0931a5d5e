"""One running portal for each test that asks for it."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_socket import enable_socket

from tests.flows.running import Portal


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """The data of a new installation on the embedded server, without the demonstration, started once and stopped."""
    enable_socket()
    with _room() as root:
        with _portal(root / "data"):
            pass
        yield root / "data"


@pytest.fixture
def running(installation: Path, socket_enabled: None) -> Iterator[Portal]:
    """A running portal on a copy of the installation; stopped at the end."""
    with _room() as root:
        subprocess.run(["cp", "-a", str(installation), str(root / "data")], check=True)  # owners too
        with _portal(root / "data") as portal:
            yield portal


@contextmanager
def _room() -> Iterator[Path]:
    """Make a directory that the server's own user can pass."""
    root = Path(tempfile.mkdtemp(prefix="cs-run-"))
    root.chmod(0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root)


@contextmanager
def _portal(data: Path) -> Iterator[Portal]:
    portal = Portal(data)
    try:
        assert portal.says("Countersign answers at", within=240), portal.lines
        yield portal
    finally:
        portal.stop()
