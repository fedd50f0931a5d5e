"""A portal that runs in processes of its own, as `manage.py run` starts it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from portal.supervisor import left_behind

ROOT = Path(__file__).resolve().parents[2]


class Portal:
    """The running portal, with the lines it says; `stop` it in a fixture's end."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = port = free_port()
        self.lines: list[str] = []
        self.heard = threading.Condition()
        self.syslog_port = free_port()
        self.process = self.start(str(ROOT / "manage.py"), "run", "--no-demo", "--workers", "1", "--port", str(port))
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts Python in the environment of this installation."""
        environment = {
            **os.environ,
            "COUNTERSIGN_DATA": str(self.data),
            "COUNTERSIGN_SYSLOG_LISTEN": f"127.0.0.1:{self.syslog_port}",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }
        for elsewhere in ("COUNTERSIGN_DATABASE", "DATABASE_URL"):
            environment.pop(elsewhere, None)
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output(self, *arguments: str) -> str:
        """Runs Python in the environment of this installation and returns what it prints."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said

    def listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self.heard:
                    self.lines.append(line)
                    self.heard.notify_all()

    def says(self, text: str, *, within: float, times: int = 1) -> bool:
        """Waits until a text was said so many times; the limit is in seconds."""

        def said() -> bool:
            return sum(text in line for line in self.lines) >= times

        with self.heard:
            return self.heard.wait_for(said, timeout=within)

    def stop(self) -> None:
        """Ends the portal and everything that it started."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.listener.join(5)

    def status(self) -> int:
        """Returns the status of the log-in page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/accounts/login/", headers={"Host": "localhost"})
        status = connection.getresponse().status
        connection.close()
        return status

    def processes(self, name: str) -> list[int]:
        """Returns the supervised processes whose command line holds a name."""
        return [pid for pid in left_behind(str(self.data)) if name in command_line(pid)]

    def postmaster(self) -> int:
        """Returns the process of the embedded server."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def free_port() -> int:
    """Returns a port on which nobody listens at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def listens(port: int) -> bool:
    """Tells whether somebody listens on a port of this machine."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def command_line(pid: int) -> str:
    """Returns a process's command line, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
