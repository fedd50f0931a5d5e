"""One running portal for each test that asks for it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.running import Portal


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """The data of an installation on the embedded server, without the demonstration: made by its first start."""
    with _room() as root:
        yield root / "data"


@pytest.fixture
def running(installation: Path, socket_enabled: None) -> Iterator[Portal]:
    """A running portal, stopped at the end; whoever asks first sees its first start."""
    with _portal(installation) as portal:
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
