"""Measures appending under the head lock: 1 and 4 writers on one log, 1 to 2,000 events a commit, against bare inserts.

A transaction copies rows of 300 bytes into a plain table, seals their leaves and appends them; "bare" only copies and
commits. The lock wait is the time that the statement takes which locks the head. fsync is on, roll-ups and notify are
not part of it. It runs on an embedded server in a directory of its own and removes it afterwards.
"""

import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.intake import DATABASE, database
from bench.machine import describe

SECONDS = 4.0
FORK = multiprocessing.get_context("fork")


def main() -> None:
    """Prints one line for each number of writers and events a commit."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {
        "COUNTERSIGN_DATA": str(directory / "data"),
        "COUNTERSIGN_DATABASE": DATABASE,
        "DJANGO_SETTINGS_MODULE": "bench.ledger_settings",
    }
    print(f"ledger_append, on {describe()}")
    try:
        measure(directory / "data")
    finally:
        shutil.rmtree(directory)


def measure(data: Path) -> None:
    """Runs every combination."""
    with database(data):
        from bench import ledger_writers  # noqa: PLC0415 -- needs the migrated database's settings

        log_id = ledger_writers.prepare(data, DATABASE)
        print("writers  events/commit   bare events/s   ledger events/s   ratio   lock wait p50 / p99 ms")
        for writers in (1, 4):
            for events in (1, 20, 200, 2000):
                bare, _waits = run(ledger_writers.write_bare, log_id, writers, events)
                rate, waits = run(ledger_writers.write_ledger, log_id, writers, events)
                p50, p99 = (1000 * quantile(waits, share) for share in (0.5, 0.99))
                print(f"{writers:7} {events:14} {bare:15,.0f} {rate:17,.0f} {rate / bare:7.2f} {p50:14.2f} / {p99:.2f}")
        print(ledger_writers.check(log_id))


def run(
    write: Callable[[UUID, int, float, "Queue[Any]"], None], log_id: UUID, writers: int, events: int
) -> tuple[float, list[float]]:
    """Lets writers compete for some seconds; returns events a second, together, and every lock wait in seconds."""
    answers: Queue[Any] = FORK.Queue()
    until = time.monotonic() + SECONDS
    processes = [FORK.Process(target=write, args=(log_id, events, until, answers)) for _ in range(writers)]
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    return sum(count for count, _waits in found) / SECONDS, [wait for _count, waits in found for wait in waits]


def quantile(values: list[float], share: float) -> float:
    """Returns a quantile of the values; 0 when there are none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


if __name__ == "__main__":
    main()
