"""What must be in place before the portal's programs start: the one lock, a free port, the schema, the static files."""

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from portal.postgres import Embedded, EmbeddedServerError
from portal.roles import bootstrap

OWNER_ENVIRONMENT = {"COUNTERSIGN_ROLE": "owner"}
MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


class NotReadyError(RuntimeError):
    """The installation cannot start; the message is a sentence for the person who starts it."""


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Holds the installation's lock, so that a second start is refused.

    The web server shares its port with every other one that asks (SO_REUSEPORT): without the lock a second start would
    succeed in silence and take half of the requests.

    Raises:
        NotReadyError: another process holds the lock.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "run.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise NotReadyError(f"Countersign runs already on {data} ({holder}): stop that one first.") from error
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def refuse_taken_port(host: str, port: int) -> None:
    """Refuses a port that something else listens on.

    Raises:
        NotReadyError: the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotReadyError(
                f"Port {port} of {host} cannot be used ({error.strerror}): choose another one with --port."
            ) from error


def start_database(data: Path, *, log_statement: str) -> Embedded | None:
    """Starts the embedded server and sets up its roles; with DATABASE_URL only the roles, and returns None.

    Raises:
        NotReadyError: the server cannot be started.
    """
    url = os.environ.get("DATABASE_URL", "")
    if url:
        try:
            bootstrap(url, data)
        except psycopg.Error as error:
            said = str(error).strip().partition("\n")[0].rstrip(".")
            raise NotReadyError(f"The server of DATABASE_URL could not be set up: {said}.") from error
        return None
    server = Embedded(data, log_statement=log_statement)
    try:
        server.start()
    except EmbeddedServerError as error:
        raise NotReadyError(str(error)) from error
    bootstrap(server.admin_dsn(), data)
    return server


@contextmanager
def preparing() -> Iterator[None]:
    """Migrates and makes the event table's months while the block runs, and waits for it at the end.

    This is done as the owner, in a process of its own: the caller never holds the owner's rights.

    Raises:
        NotReadyError: a migration failed; what it said is shown above.
    """
    command = [sys.executable, str(MANAGE), "prepare"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **OWNER_ENVIRONMENT}) as process:  # noqa: S603 -- ours
        yield
    if process.returncode:
        raise NotReadyError("The database's schema could not be brought up to date: see the message above.")


def collect_static(data: Path) -> bool:
    """Collects the static files where one of them changed since the last time; says whether it did."""
    kept = data / "static.digest"
    digest = _static_digest()
    if kept.exists() and kept.read_text(encoding="utf-8") == digest:
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    kept.write_text(digest, encoding="utf-8")
    return True


def _static_digest() -> str:
    """Returns a digest of the names, sizes and times of all static files of all apps."""
    lines = []
    for finder in get_finders():
        for path, storage in finder.list([]):
            facts = Path(storage.path(path)).stat()
            lines.append(f"{path} {facts.st_size} {facts.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
