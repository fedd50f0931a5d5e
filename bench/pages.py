# ruff: noqa: PLC0415 -- models need the set-up
"""Measures every list page of the portal and of its API at 1,000,000 events, 10,000 review items and 10,000 alerts.

Server time is that of the whole request inside of the process (middleware, queries, template), without the network:
the median and the best of seven after a first one; on a machine that does other work the best and the
processor's own time say more. The pages come from the URLconf: a new one is measured too.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.intake import DATABASE, database
from bench.machine import describe

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
ROUNDS = 7
LIMIT_MS = 100.0


def main() -> int:
    """Prints one line for each page; returns how many are over the limit."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {
        "COUNTERSIGN_DATA": str(directory / "data"),
        "COUNTERSIGN_DATABASE": DATABASE,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "COUNTERSIGN_HOSTS": "testserver",
    }
    print(f"pages, on {describe()}")
    try:
        with database(directory / "data") as admin:
            return measure(admin)
    finally:
        shutil.rmtree(directory)


def measure(admin: str) -> int:
    """Fill, then time every page as the officer and, where theirs, the reviewer."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from bench.pages_data import fill

    call_command("collectstatic", interactive=False, verbosity=0)
    started = time.perf_counter()
    filled = fill(EVENTS, admin)
    print(f"{EVENTS:,} events, 10,000 review items, 10,000 alerts; filled in {time.perf_counter() - started:.0f} s")
    print("| page | queries | median ms | best ms | own processor ms | slowest query ms |\n|---|---|---|---|---|---|")
    over = 0
    for user in (filled.officer, filled.reviewer):
        client = Client(raise_request_exception=False)
        client.force_login(user)
        for path in paths("reviewer" if user == filled.reviewer else "officer", filled):
            over += line(client, path)
    print("every page is under the limit" if not over else f"{over} pages are over {LIMIT_MS:.0f} ms")
    return over


def paths(role: str, filled: object) -> Iterator[str]:
    """Give the addresses that the person may open: all without parameters, and those of the things that were made."""
    from tenants.kinds import ROLE_PERMISSIONS, Role
    from tests.flows.addresses import addresses

    held = ROLE_PERMISSIONS[Role(role)]
    ids = {"campaign_id": filled.campaign.pk, "source_id": filled.source.pk}
    words = {"key": "agent7", "person_key": "agent7", "system_key": "helpdesk", "source_key": filled.source.key}
    for one in addresses():
        if not (one.own and one.of_tenant and held & set(one.permissions or ())):
            continue
        values = {name: (ids | words).get(name) for name in one.parameters}
        if one.view.startswith("identities.") and "key" in values:
            values["key"] = "helpdesk"
        if all(value is not None for value in values.values()):
            yield one.path("bench", {(one.view, name): value for name, value in values.items()})


def line(client: object, path: str) -> bool:
    """Time one page and print its line; returns whether it is over the limit. What is no page to get is left out."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    asked, slowest = len(queries), max(queries.captured_queries, key=lambda one: float(one["time"]))
    if answer.status_code != 200:
        if answer.status_code not in {302, 404, 405}:
            print(f"| {path} | answers {answer.status_code} | | |")
        return answer.status_code >= 500
    times, used = [], []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        client.get(path)
        times.append(1000 * (time.perf_counter() - started))
        used.append(1000 * (time.process_time() - worked))
    median = statistics.median(times)
    figures = f"{asked} | {median:.0f} | {min(times):.0f} | {statistics.median(used):.0f}"
    longest = 1000 * float(slowest["time"])
    print(f"| {path} | {figures} | {longest:.0f} |{' over' if median > LIMIT_MS else ''}", flush=True)
    if min(times) > LIMIT_MS:
        print(f"slowest query of {path}: {slowest['sql'][:1500]}", file=sys.stderr)
    return median > LIMIT_MS


if __name__ == "__main__":
    sys.exit(main())
