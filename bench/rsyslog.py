"""Measures rsyslog with its PostgreSQL output beside intake, and what each loses over a 6 s outage of the database.

rsyslog (Debian's rsyslog and rsyslog-pgsql) takes the lines over TCP and inserts them as they are into a table without
an index, in its default configuration: queue in memory, no retry. Ours takes the same lines as NDJSON over HTTP and
answers after the commit; the sender sends again what is answered with 503. Both databases run on the same machine, one
after the other, with fsync on.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.intake import A_BODY, DATABASE, body, database, prepare_source, timed, web_server
from bench.machine import describe
from tests.logs.collectors import ABSENT, RSYSLOG, RSYSLOG_MODULES, running

LINES = int(os.environ.get("BENCH_LINES", "200000"))
PACE, SECONDS, OUTAGE, BEFORE = 2_000, 24, 6, 4
"""Lines a second and for how long while the database is away for so many seconds, after so many."""
A_SEND = 500
CONFIG = """
global(workDirectory="{work}")
module(load="imtcp")
module(load="ompgsql")
input(type="imtcp" port="{syslog}" address="127.0.0.1")
template(name="line" type="list" option.stdsql="on") {{
  constant(value="INSERT INTO lines (line) VALUES ('") property(name="msg") constant(value="')")
}}
action(type="ompgsql" server="127.0.0.1" port="{database}" user="bench" pass="x" db="postgres" template="line")
"""


def main() -> int:
    """Prints rates and losses; returns 1 when ours is slower than rsyslog's output or loses a line."""
    if not RSYSLOG or not (RSYSLOG_MODULES / "ompgsql.so").exists():
        print(f"rsyslog is not measured: rsyslog-pgsql {ABSENT}.")
        return 1
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    print(f"rsyslog, on {describe()}")
    print(f"{LINES:,} lines at full speed; then {PACE:,}/s for {SECONDS} s, the database away for {OUTAGE} s of them")
    try:
        theirs, lost = _theirs(directory)
        ours, missing = _ours(directory)
    finally:
        shutil.rmtree(directory)
    print(f"rsyslog with ompgsql: {theirs:,.0f} rows/s, lost {lost:.0%} of the lines over the outage")
    print(f"ours over HTTP:       {ours:,.0f} events/s, lost {missing:.0%} of the lines over the outage")
    return int(ours < theirs or missing > 0)


def _theirs(directory: Path) -> tuple[float, float]:
    """Return rows a second, and the part that was lost over the outage."""
    with _plain_server(directory) as plain, _rsyslogd(directory, plain.port) as port:
        started = time.perf_counter()
        _send(port, _lines(LINES))
        stored, still = _settled(plain.count, LINES)
        rate = stored / (time.perf_counter() - started - still)
        before = plain.count()
        _outage(lambda number: _send(port, _lines(A_SEND, number * A_SEND)), plain.stop, plain.start)
        sent = PACE * SECONDS
        return rate, 1 - (_settled(plain.count, before + sent)[0] - before) / sent


def _ours(directory: Path) -> tuple[float, float]:
    """Return events a second of two senders, and the part that was lost over the outage."""
    data = directory / "data"
    os.environ |= {"COUNTERSIGN_DATA": str(data), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "localhost,127.0.0.1"}
    from portal.postgres import Embedded  # noqa: PLC0415 -- after the environment is set

    with database(data) as admin:
        path, token = prepare_source()
        server = Embedded(data)
        with web_server() as web:
            warm = [body(LINES + PACE * SECONDS + number * A_BODY) for number in range(2)]
            timed(web.port, path, token, warm)
            bodies = [body(start) for start in range(0, LINES, A_BODY)]
            rate = LINES / timed(web.port, path, token, bodies)

            def send(number: int) -> None:
                _deliver(web.port, path, token, _records(LINES + number * A_SEND))

            _outage(send, server.stop, server.start)
        with psycopg.connect(admin) as connection:
            rows = connection.execute("SELECT count(*) FROM logs_accessevent").fetchall()
    sent = LINES + PACE * SECONDS + 2 * A_BODY
    return rate, (sent - int(rows[0][0])) / (PACE * SECONDS)


def _outage(send: Callable[[int], None], stop: Callable[[], None], start: Callable[[], None]) -> None:
    """Send at the pace while the database goes away and comes back."""

    def away() -> None:
        time.sleep(BEFORE)
        stop()
        time.sleep(OUTAGE)
        start()

    switch = threading.Thread(target=away)
    begun = time.perf_counter()
    switch.start()
    for number in range(PACE * SECONDS // A_SEND):
        time.sleep(max(0.0, begun + number * A_SEND / PACE - time.perf_counter()))
        send(number)
    switch.join()


def _deliver(port: int, path: str, token: str, made: bytes) -> None:
    """Send one body until it is answered as stored."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", path, body=made, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            time.sleep(1)
            continue
        if answer.status == 200:
            return
        assert answer.status == 503, answer.status
        time.sleep(1)


def _records(first: int) -> bytes:
    lines = body(first // A_BODY * A_BODY).splitlines(keepends=True)
    return b"".join(lines[first % A_BODY : first % A_BODY + A_SEND])


def _lines(count: int, first: int = 0) -> bytes:
    """Return the same records as lines of syslog."""
    head = b"<134>Aug  4 10:00:01 web helpdesk: "
    made = b"".join(body(start) for start in range(first // A_BODY * A_BODY, first + count, A_BODY))
    lines = made.splitlines(keepends=True)[first % A_BODY : first % A_BODY + count]
    return b"".join(head + line for line in lines)


def _send(port: int, lines: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(lines)


def _settled(count: Callable[[], int], wanted: int) -> tuple[int, float]:
    """Wait until a count is reached or stands still for 8 s; return it, and for how long it stood still."""
    last, since = count(), time.perf_counter()
    while last < wanted and time.perf_counter() - since < 8:
        time.sleep(0.05)
        if (now := count()) != last:
            last, since = now, time.perf_counter()
    return last, 0.0 if last >= wanted else time.perf_counter() - since


class _Plain:
    """A PostgreSQL of its own on TCP, with a table of lines."""

    def __init__(self, directory: Path) -> None:
        from portal.machine import free_port, programs, server_user  # noqa: PLC0415 -- beside the others

        user = server_user()
        self.home, self.port, self._user, self._programs = directory / "plain", free_port(17), user, programs(user)
        self.home.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.home, user.pw_uid, user.pw_gid)
        self._run("initdb", "-A", "trust", "-U", "bench", "-D", str(self.home / "db"), "--locale=C", "--encoding=UTF8")

    def start(self) -> None:
        """Start it."""
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.home}"
        self._run("pg_ctl", "start", "-w", "-D", str(self.home / "db"), "-o", options, "-l", str(self.home / "log"))

    def stop(self) -> None:
        """Stop it."""
        self._run("pg_ctl", "stop", "-m", "fast", "-w", "-D", str(self.home / "db"))

    def count(self) -> int:
        """Return how many lines are stored."""
        return self.sql("SELECT count(*) FROM lines")

    def sql(self, statement: str) -> int:
        """Run one statement; return the first number of its answer."""
        address = f"host=127.0.0.1 port={self.port} user=bench dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return int(cursor.fetchall()[0][0]) if cursor.description else 0

    def _run(self, program: str, *arguments: str) -> None:
        user, group = (self._user.pw_uid, self._user.pw_gid) if os.geteuid() == 0 else (None, None)
        command = [str(self._programs / program), *arguments]
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        subprocess.run(command, check=True, cwd="/", env=environment, stdout=subprocess.DEVNULL, user=user, group=group)


@contextmanager
def _plain_server(directory: Path) -> Iterator[_Plain]:
    plain = _Plain(directory)
    plain.start()
    try:
        plain.sql("CREATE TABLE lines (line text)")
        yield plain
    finally:
        plain.stop()


@contextmanager
def _rsyslogd(directory: Path, database_port: int) -> Iterator[int]:
    """Run rsyslog in its default configuration but for input and output; give its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = directory / "rsyslog.conf"
    config.write_text(CONFIG.format(work=directory, syslog=port, database=database_port), encoding="utf-8")
    command = [str(RSYSLOG), "-n", "-M", str(RSYSLOG_MODULES), "-f", str(config), "-i", str(directory / "rsyslog.pid")]
    with running(command, directory / "rsyslog.out"):
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port


if __name__ == "__main__":
    sys.exit(main())
