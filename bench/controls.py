# ruff: noqa: PLC0415 -- models need the set-up
"""Measures all control results of a tenant over 90 days: every evidence kind, the gate, the rows and what is stored.

The events are those of bench/ten_million (one large tenant with 80 % of them, four small ones). They are filled past
the intake, so the ledger holds no leaf of theirs: what hashing them again costs is measured by bench/verify_ledger.
Held when the whole evaluation takes less than 60 s. The argument is the number of rows; 10,000,000 need 20 GB
and some minutes.
"""

import os
import shutil
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.intake import DATABASE, database
from bench.machine import describe
from bench.ten_million import prepare
from bench.ten_million_data import DAYS, fill

ROWS = 10_000_000
LIMIT_SECONDS = 60.0
SHOWN = 12


class Steps:
    """Notes how long each step of the evaluation takes, as its progress tells."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self.running, self.since = "", time.perf_counter()

    def step(self, done: int, total: int, message: str = "") -> None:  # noqa: ARG002 -- as all progress is told
        """End the step before; the same message again only shows that it goes on."""
        if message != self.running:
            now = time.perf_counter()
            self.took[self.running] = self.took.get(self.running, 0.0) + now - self.since
            self.running, self.since = message, now


def main() -> int:
    """Prints the time of the slowest kinds and of all; returns 1 when the limit is not held."""
    rows = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else ROWS
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "testserver"}
    print(f"controls over {rows:,} events, on {describe()}")
    try:
        with database(directory / "data") as admin:
            return measure(admin, rows)
    finally:
        shutil.rmtree(directory)


def measure(admin: str, rows: int) -> int:
    """Fill the tables, evaluate twice (the second run finds warm caches), and say what it took."""
    import django

    django.setup()
    shares, _client, _deliver = prepare()
    started = time.perf_counter()
    fill(admin, shares, rows)
    print(f"{rows:,} rows made in {time.perf_counter() - started:.0f} s", flush=True)
    seconds = [evaluate(shares[0].tenant, said) for said in ("first run", "second run")]
    held = max(seconds) < LIMIT_SECONDS
    print(f"limit of {LIMIT_SECONDS:.0f} s: {'held' if held else 'NOT held'}")
    return int(not held)


def evaluate(tenant_id: int, said: str) -> float:
    """Evaluate the catalogue over the last 90 days; returns the seconds until the transaction is committed."""
    from django.utils import timezone

    from evidence.actions import compute_controls
    from evidence.kinds import Period
    from tenants.kinds import Actor
    from tenants.models import Tenant
    from tenants.scope import tenant_scope

    tenant, steps, now = Tenant.objects.get(pk=tenant_id), Steps(), timezone.now()
    started = time.perf_counter()
    with tenant_scope(tenant):
        period = Period(now - timedelta(days=DAYS), now, tenant.time_zone)
        run = compute_controls(tenant=tenant, period=period, by=Actor.system("bench", tenant.pk), progress=steps).run
    seconds = time.perf_counter() - started
    print(f"{said}: {seconds:.1f} s; {run.tally}")
    slowest = sorted(((took, name) for name, took in steps.took.items() if name), reverse=True)
    for took, name in slowest[:SHOWN]:
        print(f"  {took:6.2f} s  {name}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
