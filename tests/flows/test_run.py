"""`manage.py run` starts everything, refuses a second start, survives kills, and stops within ten seconds."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.supervisor import left_behind

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


class Portal:
    """A portal that runs in processes of its own, with the lines it says."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.lines: list[str] = []
        self.heard = threading.Condition()
        self.process = self.command("run", "--no-demo", "--workers", "1", "--port", str(port))
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "COUNTERSIGN_DATA": str(self.data), "DJANGO_SETTINGS_MODULE": "portal.settings"}
        return subprocess.Popen(
            [sys.executable, str(MANAGE), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self.heard:
                    self.lines.append(line)
                    self.heard.notify_all()

    def says(self, text: str, *, within: float, times: int = 1) -> bool:
        def said() -> bool:
            return sum(text in line for line in self.lines) >= times

        with self.heard:
            return self.heard.wait_for(said, timeout=within)

    def status(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/accounts/login/", headers={"Host": "localhost"})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def running(socket_enabled: None) -> Iterator[Portal]:
    root = Path(tempfile.mkdtemp(prefix="cs-run-"))
    root.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    portal = Portal(root / "data", port)
    try:
        assert portal.says("Countersign answers at", within=90), portal.lines
        yield portal
    finally:
        portal.process.send_signal(signal.SIGINT)
        portal.process.wait(30)
        portal.listener.join(5)
        shutil.rmtree(root)


@pytest.mark.slow
def test_run_serves_refuses_a_second_start_survives_kills_and_stops(running: Portal) -> None:
    assert running.status() == 200
    second = running.command("run", "--no-demo", "--port", str(running.port + 1))
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "Countersign runs already" in said

    postmaster = int((running.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    assert running.says("accepts connections again", within=60), running.lines
    assert running.status() == 200

    web = next(pid for pid in left_behind(str(running.data)) if "granian" in command_line(pid))
    os.kill(web, signal.SIGKILL)
    assert running.says("web      ! ended (killed by SIGKILL)", within=30), running.lines

    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert left_behind(str(running.data)) == []
    assert not (running.data / "postgres" / "postmaster.pid").exists()
    assert not any(re.search(r"Traceback", line) for line in running.lines), running.lines


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
