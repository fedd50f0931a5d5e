# ruff: noqa: PLC0415 -- models need the set-up
"""Measures an evidence pack over 1,000 review items: time from request to issue, and the renderer's peak memory.

The register, the campaign and every decision are made by the product's own actions on an embedded server in a directory
of its own. Bars: under 20 s and under 400 MiB.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.intake import DATABASE, database
from bench.machine import describe

ITEMS = 1_000
PEOPLE = 240
SECONDS, MIB = 20, 400


def main() -> None:
    """Prints the time of the whole pack and the peak resident memory of the render process."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    print(f"pack over {ITEMS:,} review items, on {describe()}")
    try:
        with database(directory / "data"):
            subprocess.run([sys.executable, "-m", "bench.pack", "measure"], check=True)
    finally:
        shutil.rmtree(directory)


def measure() -> None:
    """Make the campaign, then build one pack and print what it cost."""
    import django

    django.setup()
    from django.utils import timezone

    from bench.pack_campaign import decided_campaign
    from evidence.actions import PackRequest, request_pack
    from evidence.building import build_pack
    from evidence.kinds import Period
    from tenants.scope import tenant_scope
    from tenants.work import Silent

    start = time.perf_counter()
    tenant, officer = decided_campaign(ITEMS, PEOPLE)
    print(f"register, campaign and {ITEMS:,} decisions: {time.perf_counter() - start:.1f} s")
    now = timezone.now()
    with tenant_scope(tenant):
        period = Period(now - timedelta(days=90), now + timedelta(minutes=1), tenant.time_zone)
        asked = PackRequest(period, ("gdpr", "hipaa", "soc2", "iso27001"), "Bench")
        pack = request_pack(tenant=tenant, asked=asked, by=officer, queue=False)
    start, spent = time.perf_counter(), _cpu()
    made = build_pack(tenant, pack.pk, Silent())
    seconds = time.perf_counter() - start
    cpu = _cpu() - spent
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    pages = f"{made.pages} pages, {made.table_rows:,} table rows, {made.size_bytes:,} bytes"
    print(f"pack: {seconds:.1f} s ({cpu:.1f} CPU s), {pages}")
    print(f"peak resident memory: render process {peak} MiB, worker {own} MiB")
    verdict = "held" if seconds < SECONDS and peak < MIB else "NOT held"
    print(f"bars of {SECONDS} s and {MIB} MiB: {verdict}")


def _cpu() -> float:
    """Return the CPU seconds of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
