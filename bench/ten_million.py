# ruff: noqa: PLC0415 -- models need the set-up
"""Measures pages and intake at 1,000,000 and at 10,000,000 events in one run: what ten times the rows cost.

One large tenant holds 80 % of the rows, four small ones 5 % each, over 90 days and four received months. Times are
those of the whole request inside of the process. Kept when the 95th percentile of each page is under 100 ms at the most
rows and its median at most 1.5 times the one at the fewest, and intake keeps 0.8 of its rate into an empty table; what
a review screen asks about one account takes less than 20 ms at the most rows.
Arguments are the numbers of rows; 10,000,000 need 20 GB and some minutes.
"""

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.intake import A_BODY, DATABASE, MAPPING, body, database
from bench.machine import describe
from bench.ten_million_data import ADDRESSES, PEOPLE, Share, fill

ROWS = (1_000_000, 10_000_000)
ASKED = 40
LIMIT_MS, LIMIT_GROWTH, LIMIT_INTAKE = 100.0, 1.5, 0.8
USE, LIMIT_USE_MS = "use of an account, for the review screen", 20.0
BODIES, WARM = 12, 4
Found = dict[str, tuple[float, float]]
"""Median and 95th percentile of each page, in milliseconds."""


def main() -> int:
    """Prints a table; returns how many limits are not held."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "testserver"}
    print(f"ten_million, on {describe()}")
    try:
        with database(directory / "data") as admin:
            return measure(admin, [int(text.replace(",", "")) for text in sys.argv[1:]] or list(ROWS))
    finally:
        shutil.rmtree(directory)


def measure(admin: str, sizes: list[int]) -> int:
    """Measure intake into the empty table, then pages and intake at each size."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    shares, client, deliver = prepare()
    rates, found = [intake(deliver, 0)], []
    for number, rows in enumerate(sizes, start=1):
        started = time.perf_counter()
        fill(admin, shares, rows)
        print(f"{rows:,} rows made in {time.perf_counter() - started:.0f} s", flush=True)
        found.append(pages(client) | {USE: use()})
        rates.append(intake(deliver, number))
    return told(sizes, found, rates)


def prepare() -> tuple[list[Share], Any, Callable[[bytes], None]]:
    """Open the tenants and their sources; give their shares, a client that is logged in, and the way of a body."""
    from django.test import Client

    from bench.intake_tenant import make_source
    from logs.actions import SourcePlan, add_source, record_events
    from logs.kinds import Format
    from tenants.actions import grant_role, open_tenant
    from tenants.kinds import Actor, Role, TenantKind
    from tenants.models import User
    from tenants.scope import tenant_scope

    tenant, source = make_source(MAPPING, log_type=2, people=PEOPLE)
    shares = [Share(tenant.pk, source.pk, source.system_id, 0, 80)]
    plan = SourcePlan(name="Small", format=Format.JSON, mapping=MAPPING, log_types=(2,))
    for number in range(4):
        small = open_tenant(
            slug=f"small{number}", name=f"Small {number}", kind=TenantKind.BPO, time_zone="UTC", parent=None
        )
        with tenant_scope(small):
            one = add_source(plan=plan, by=Actor.system("bench", small.pk))
        shares.append(Share(small.pk, one.pk, None, 80 + 5 * number, 5))
    by = Actor.system("bench", tenant.pk)
    user = User.objects.create_user("officer@example.org", name="Officer")
    with tenant_scope(tenant):
        grant_role(tenant=tenant, user=user, role=Role.OFFICER, by=by)
    client = Client()
    client.force_login(user)

    def deliver(bytes_: bytes) -> None:
        with tenant_scope(tenant):
            answer = record_events(source=source, body=bytes_, door="http", by=by)
        assert answer.stored == A_BODY, answer.errors[:1]

    return shares, client, deliver


def intake(deliver: Callable[[bytes], None], round_number: int) -> float:
    """Return events a second of one sender, without the way over HTTP: the median of the bodies."""
    first = round_number * (BODIES + WARM) * A_BODY
    for number in range(WARM):
        deliver(body(first + (BODIES + number) * A_BODY))
    times = []
    for number in range(BODIES):
        made = body(first + number * A_BODY)
        started = time.perf_counter()
        deliver(made)
        times.append(time.perf_counter() - started)
    return A_BODY / statistics.median(times)


def asked() -> Iterator[tuple[str, Callable[[random.Random], str]]]:
    """Give the pages: their names, and how an address is made with things that occur."""
    search = "/t/bench/search/?window=90&q="
    yield "newest 50 of a person", lambda chance: f"{search}user:agent{chance.randrange(PEOPLE)}"
    yield "newest 50 of an address", lambda chance: f"{search}ip:{address(chance)}"
    yield "free text that is frequent", lambda chance: f"{search}agent{chance.randrange(100, 1000)}"
    yield "free text that is rare", lambda chance: f"{search}customers/{chance.randrange(1_000_000)}"
    yield "free text that is nowhere", lambda chance: f"{search}nowhere{chance.randrange(1_000_000)}"
    yield "timeline of a person", lambda chance: f"/t/bench/people/agent{chance.randrange(PEOPLE)}/"
    yield "timeline of an address", lambda chance: f"/t/bench/things/address/{address(chance)}/"
    yield "coverage", lambda _chance: "/t/bench/coverage/"


def address(chance: random.Random) -> str:
    """Return one of the addresses that occur."""
    place = chance.randrange(ADDRESSES)
    return f"10.{place // 2500}.{place // 250 % 10}.{place % 250}"


def pages(client: Any) -> Found:
    """Return the times of each page over things chosen by chance."""
    found: Found = {}
    for name, make in asked():
        chance = random.Random(name)  # noqa: S311 -- reproducible
        client.get(make(chance))
        times = []
        for _ in range(ASKED):
            path = make(chance)
            started = time.perf_counter()
            answer = client.get(path)
            times.append(1000 * (time.perf_counter() - started))
            assert answer.status_code == 200, path
        times.sort()
        found[name] = (statistics.median(times), times[int(0.95 * ASKED)])
        print(f"  {name}: median {found[name][0]:.0f} ms, 95 % under {found[name][1]:.0f} ms", flush=True)
    return found


def use() -> tuple[float, float]:
    """Return the times of what a review screen asks of the logs about one account."""
    from django.utils import timezone

    from identities.models import Account
    from logs.queries import use_of_accounts
    from tenants.models import Tenant
    from tenants.scope import tenant_scope

    now, times = timezone.now(), []
    with tenant_scope(Tenant.objects.get(slug="bench")):
        accounts = list(Account.objects.order_by("-pk").values_list("pk", flat=True)[: ASKED + 1])
        for account in accounts:
            started = time.perf_counter()
            found = use_of_accounts([account], since=now - timedelta(days=182), until=now)
            times.append(1000 * (time.perf_counter() - started))
            assert found[account].ok_count, "nothing was used"
    times = sorted(times[1:])
    print(
        f"  {USE}: median {statistics.median(times):.1f} ms, 95 % under {times[int(0.95 * ASKED)]:.1f} ms", flush=True
    )
    return statistics.median(times), times[int(0.95 * ASKED)]


def told(sizes: list[int], found: list[Found], rates: list[float]) -> int:
    """Print the table and what is not held; return how much is not."""
    print(f"| page | {' | '.join(f'{rows:,} events: median, p95 ms' for rows in sizes)} | growth | kept |")
    print(f"|---|{'---|' * len(sizes)}---|---|")
    missed = 0
    for name, (last, p95) in found[-1].items():
        growth = last / found[0][name][0]
        kept = p95 < (LIMIT_USE_MS if name == USE else LIMIT_MS) and (growth <= LIMIT_GROWTH or name == USE)
        missed += not kept
        cells = " | ".join(f"{one[name][0]:.0f}, {one[name][1]:.0f}" for one in found)
        print(f"| {name} | {cells} | {growth:.2f} | {'yes' if kept else 'no'} |")
    part = rates[-1] / rates[0]
    missed += part < LIMIT_INTAKE
    print(
        f"intake of one sender: {', '.join(f'{rate:,.0f}' for rate in rates)} events/s (empty table first); {part:.2f}"
    )
    return missed


if __name__ == "__main__":
    sys.exit(main())
