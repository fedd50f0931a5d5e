# ruff: noqa: PLC0415 -- models need the set-up
"""Measures an evidence pack over review items: time from request to issue, and the peak memory of worker and renderer.

The register, the campaign and every decision are made by the product's own actions on an embedded server in a directory
of its own; the pack is made in a fresh process, as by the worker. The argument is the number of items: 1,000 unless
told, 10,000 and 100,000 have limits of their own. `BENCH_KEEP` names a directory whose records are used again,
`BENCH_PARQUET=1` asks for the tables as Parquet too.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

from bench.intake import DATABASE, database
from bench.machine import describe

LIMITS = {1_000: 20, 10_000: 45, 100_000: 180}
"""Seconds by items."""
MIB = 400
PERSON_ITEMS = 5
SLUG = "bench"
SAMPLE_SECONDS = 0.05


def main() -> int:
    """Prints what the pack cost; returns 1 when a limit was not held."""
    items = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 1_000
    kept = os.environ.get("BENCH_KEEP", "")
    directory = Path(kept or tempfile.mkdtemp(prefix="cs-bench-"))
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    print(f"pack over {items:,} review items, on {describe()}", flush=True)
    try:
        with database(directory / "data"):
            for step in ("prepare", "measure"):
                run = subprocess.run([sys.executable, "-m", "bench.pack", step, str(items)], check=False)
                if run.returncode:
                    return run.returncode
        return 0
    finally:
        if not kept:
            shutil.rmtree(directory)


def prepare(items: int) -> None:
    """Make the campaign and decide every item, unless the directory holds them already."""
    import django

    django.setup()
    from bench.pack_campaign import decided_campaign
    from tenants.models import Tenant

    if Tenant.objects.filter(slug=SLUG).exists():
        return
    start = time.perf_counter()
    decided_campaign(items, items // PERSON_ITEMS + 1, SLUG)
    print(f"register, campaign and {items:,} decisions: {time.perf_counter() - start:.1f} s", flush=True)


def measure(items: int) -> int:
    """Build one pack and print what it cost; returns 1 when a limit was not held."""
    import django

    django.setup()
    from django.utils import timezone

    from evidence.actions import PackRequest, request_pack
    from evidence.building import build_pack
    from evidence.kinds import Period
    from tenants.models import Tenant, User
    from tenants.queries import actor_for
    from tenants.scope import tenant_scope

    tenant, now = Tenant.objects.get(slug=SLUG), timezone.now()
    officer = actor_for(User.objects.get(email="officer@example.org"), tenant)
    assert officer is not None
    with tenant_scope(tenant):
        period = Period(now - timedelta(days=90), now + timedelta(minutes=1), tenant.time_zone)
        asked = PackRequest(
            period, ("gdpr", "hipaa", "soc2", "iso27001"), "Bench", parquet=bool(os.environ.get("BENCH_PARQUET"))
        )
        pack = request_pack(tenant=tenant, asked=asked, by=officer, queue=False)
    memory, steps = Memory(), Steps()
    start, spent = time.perf_counter(), _cpu()
    with memory:
        made = build_pack(tenant, pack.pk, steps)
    seconds, cpu = time.perf_counter() - start, _cpu() - spent
    for took, name, peak in steps.taken(memory):
        print(f"  {took:6.2f} s  {peak:4d} MiB  {name}")
    pages = f"{made.pages} pages, {made.table_rows:,} table rows, {made.size_bytes:,} bytes"
    print(f"pack: {seconds:.1f} s ({cpu:.1f} CPU s), {pages}")
    print(f"peak resident memory of worker and renderer together: {memory.peak} MiB")
    limit = next((LIMITS[size] for size in sorted(LIMITS) if items <= size), max(LIMITS.values()))
    held = seconds < limit and memory.peak < MIB
    print(f"limits of {limit} s and {MIB} MiB: {'held' if held else 'NOT held'}")
    return int(not held)


class Steps:
    """Notes when each step of the making began, as its progress tells."""

    def __init__(self) -> None:
        self.begun: list[tuple[float, str]] = []

    def step(self, done: int, total: int, message: str = "") -> None:  # noqa: ARG002 -- as all progress is told
        """Begin a step; the same message again only shows that it goes on, and measures count as one."""
        message = "Measuring the controls" if message.startswith("Measuring") else message
        if not self.begun or self.begun[-1][1] != message:
            self.begun.append((time.perf_counter(), message))

    def taken(self, memory: "Memory") -> list[tuple[float, str, int]]:
        """Return seconds, name and peak memory of each step."""
        ends = [*(at for at, _ in self.begun[1:]), time.perf_counter()]
        return [
            (end - at, name, max((mib for when, mib in memory.seen if at <= when <= end), default=0))
            for (at, name), end in zip(self.begun, ends, strict=True)
        ]


class Memory:
    """Looks at the resident memory of this process and its children many times a second."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def peak(self) -> int:
        """The highest sum in MiB."""
        return max((mib for _, mib in self.seen), default=0)

    def __enter__(self) -> "Memory":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        """Sum up."""
        page = os.sysconf("SC_PAGESIZE")
        own = os.getpid()
        while not self._over.wait(SAMPLE_SECONDS):
            total = 0
            children = {pid for task in Path(f"/proc/{own}/task").iterdir() for pid in _text(task / "children").split()}
            for pid in (str(own), *children):
                total += int((_text(Path(f"/proc/{pid}/statm")).split() or ["0", "0"])[1]) * page
            self.seen.append((time.perf_counter(), total >> 20))


def _text(path: Path) -> str:
    """Read a file of /proc; a process may have ended since it was listed."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _cpu() -> float:
    """Return the CPU seconds of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(int(sys.argv[2]))
    else:
        sys.exit(measure(int(sys.argv[2])) if sys.argv[1:2] == ["measure"] else main())
