"""The real web server in a process of its own, for browsers to visit."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from typing import Final
from urllib.error import URLError
from uuid import uuid4

from django.conf import settings
from django.db import connections

from tests import database

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 20


def environment(name: str, port: int, home: Path, mail_port: int = 0) -> dict[str, str]:
    """Return the environment of a portal on the database; its mails go to the given port, or nowhere."""
    backend = "smtp" if mail_port else "dummy"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "COUNTERSIGN_DATA": str(settings.COUNTERSIGN_DATA),
        "COUNTERSIGN_DATABASE": name,
        "COUNTERSIGN_URL": f"http://localhost:{port}",
        "COUNTERSIGN_EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend",
        **({"COUNTERSIGN_SMTP_HOST": "127.0.0.1", "COUNTERSIGN_SMTP_PORT": str(mail_port)} if mail_port else {}),
        "PYTHONWARNINGS": "default",
    }


@contextmanager
def serving(name: str, home: Path, patience: float = START_SECONDS, *, port: int = 0) -> Iterator[tuple[str, Path]]:
    """Serve the database on a port, or a free one; yields the address and the log, and kills the process at the end."""
    port = port or _free_port()
    told = environment(name, port, home)
    collect_static()
    log = home / "web.log"
    with log.open("w") as out:
        # fmt: off
        web = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1", "--blocking-threads", "12", "--no-ws", "--log-level", "warning",
             "portal.wsgi:application"],
            cwd=ROOT, env=told, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )
        # fmt: on
        try:
            _wait(f"http://localhost:{port}/accounts/login/", web, log, patience)
            yield f"http://localhost:{port}", log
        finally:
            os.killpg(web.pid, signal.SIGKILL)  # its workers too: they hold connections to the database
            web.wait()


@contextmanager
def working(name: str, home: Path, port: int, mail_port: int) -> Iterator[None]:
    """Work off the job queue of the database in a process of its own, as the portal's worker does."""
    with (home / "work.log").open("w") as out:
        told = environment(name, port, home, mail_port)
        command = [sys.executable, "manage.py", "qcluster", "--skip-checks"]
        worker = subprocess.Popen(command, cwd=ROOT, env=told, stdout=out, stderr=out, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


@cache
def collect_static() -> None:
    """Collect the static files as the product serves them, once for all workers of a run and until one changes."""
    data = Path(settings.COUNTERSIGN_DATA)
    code = f"import django; django.setup(); from portal.installation import *; collect_static(Path({str(data)!r}))"
    with (data / "static.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment("", 0, ROOT), check=True)


@contextmanager
def seeded_database() -> Iterator[str]:
    """Copy the migrated database and make Django use the copy; yields its name and drops it at the end."""
    original, name = connections["default"].settings_dict["NAME"], f"browser_{uuid4().hex[:12]}"
    database.copy(database.template_name(), name)
    database.use_role("app", name)
    try:
        yield name
    finally:
        database.use_role("app", original)
        _wait_for_last_connection(name)
        database.execute_as_owner(f"DROP DATABASE {name}")


def _wait_for_last_connection(name: str) -> None:
    """Wait until the database has seen the killed server go: it cannot be dropped before."""
    others = "SELECT usename, application_name, state, query FROM pg_stat_activity WHERE datname = %s"
    until = time.monotonic() + START_SECONDS
    with database.connect("owner", "postgres") as connection:
        while (left := connection.execute(others, (name,)).fetchall()) and time.monotonic() < until:
            connection.execute("SELECT pg_sleep(0.05)")
    assert not left, f"These still use the database {name}: {left}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(url: str, web: subprocess.Popen[bytes], log: Path, patience: float) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- our own address
                return
        except (URLError, ConnectionError):
            with suppress(subprocess.TimeoutExpired):
                web.wait(0.05)
                break
    message = f"The web server did not answer at {url}:\n{log.read_text()}"
    raise RuntimeError(message)
