"""Measures that intake's memory does not grow with the body: 1 GB of NDJSON in one request to the native door.

The web server runs with one process, whose most memory (VmHWM) counts. Records have 1,000 bytes, as those of
directories and applications do. Kept when a body of a gigabyte stays under 300 MiB. ``BENCH_MB`` makes it shorter.
"""

import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench.intake import DATABASE, database, prepare_source, record, web_server
from bench.machine import children, describe, peak_mib

MEGABYTES = int(os.environ.get("BENCH_MB", "1024"))
LIMIT_MIB = 300
RECORD_BYTES = 1000
A_CHUNK = 1000
SMALL_MB = 1


def main() -> int:
    """Prints the most memory after a small body and after the long one; returns 1 when that is over the limit."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "localhost,127.0.0.1"}
    print(f"upload, on {describe()}")
    try:
        with database(directory / "data") as admin:
            return measure(admin)
    finally:
        shutil.rmtree(directory)


def measure(admin: str) -> int:
    """Send a small body and the long one to a fresh web server."""
    path, token = prepare_source()
    with web_server(workers=1) as web:
        send(web.port, path, token, SMALL_MB, first=0)
        small = max(map(peak_mib, children(web.pid)))
        started = time.perf_counter()
        answer = send(web.port, path, token, MEGABYTES, first=SMALL_MB * A_CHUNK)
        seconds = time.perf_counter() - started
        peak = max(map(peak_mib, children(web.pid)))
    with psycopg.connect(admin) as connection:
        stored = connection.execute("SELECT count(*) FROM logs_accessevent").fetchone()
    sent = (SMALL_MB + MEGABYTES) * A_CHUNK
    assert stored == (sent,), f"{stored} events are stored, {sent:,} were sent."
    parts = len(answer.get("parts", ["one"]))
    print(f"{MEGABYTES:,} MB in one request: {answer['stored']:,} events in {parts} parts, {seconds:.0f} s")
    held = f"{small:.0f} MiB after {SMALL_MB} MB, {peak:.0f} MiB after {MEGABYTES:,} MB"
    print(f"most memory of the web process: {held}; limit {LIMIT_MIB}")
    return int(peak > LIMIT_MIB)


def send(port: int, path: str, token: str, megabytes: int, first: int) -> dict[str, list[str]]:
    """Send so many megabytes in one request, made while they are sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3600)
    length = str(megabytes * A_CHUNK * RECORD_BYTES)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson", "Content-Length": length}
    connection.request("POST", path, body=chunks(megabytes, first), headers=headers)
    response = connection.getresponse()
    answer: dict[str, list[str]] = json.loads(response.read())
    assert response.status == 200, answer
    return answer


def chunks(megabytes: int, first: int) -> Iterator[bytes]:
    """Give megabytes of records, each a thousand bytes with its line feed."""
    begin = time.time() - 30 * 86_400
    for number in range(megabytes):
        chance = random.Random(first + number)  # noqa: S311 -- reproducible data
        start = first + number * A_CHUNK
        yield b"".join(_line(record(start + one, begin, chance)) for one in range(A_CHUNK))


def _line(row: dict[str, object]) -> bytes:
    room = RECORD_BYTES - 1 - len(json.dumps(row | {"detail": ""}))
    return json.dumps(row | {"detail": "x" * room}).encode() + b"\n"


if __name__ == "__main__":
    sys.exit(main())
