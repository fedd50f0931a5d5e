"""Measures a campaign: its opening over 100,000 grants, and the page on which a reviewer signs 1,000 decisions.

Everything is made by the product's own actions on an embedded server in a directory of its own.
"""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench.intake import DATABASE, database
from bench.machine import describe, peak_mib

DECISIONS, PEOPLE = 2_000, 400
SYSTEMS, HOLDERS = 50, 500
"""With four grants each: 100,000 grants."""
ROUNDS = 7


def main() -> None:
    """Prints the seconds of the opening and the milliseconds of the page."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "testserver"}
    print(f"campaign, on {describe()}")
    try:
        with database(directory / "data"):
            measure()
    finally:
        shutil.rmtree(directory)


def measure() -> None:
    """Open the large campaign, then time the statement of the small one."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- needs the settings

    call_command("collectstatic", interactive=False, verbosity=0)
    opening()
    statement()


def opening() -> None:
    """Time the opening of a campaign over 100,000 grants on 50 systems, the transaction's end with it."""
    from bench.pages_data import make_campaign, make_systems  # noqa: PLC0415 -- needs the settings
    from reviews.actions import open_campaign  # noqa: PLC0415 -- needs the settings
    from reviews.models import ReviewItem  # noqa: PLC0415 -- needs the settings
    from tenants.scope import tenant_scope  # noqa: PLC0415 -- needs the settings

    tenant, systems, by = make_systems(SYSTEMS, HOLDERS)
    with tenant_scope(tenant):
        campaign = make_campaign(systems, by)
    started, worked, before = time.perf_counter(), time.process_time(), peak_mib(os.getpid())
    with tenant_scope(tenant):
        open_campaign(campaign=campaign, by=by)
    took, used = time.perf_counter() - started, time.process_time() - worked
    with tenant_scope(tenant):
        items = ReviewItem.objects.count()
    print(f"opened {items:,} items in {took:.1f} s, {used:.1f} s of it the process's own (limit for 100,000: 10 s)")
    print(f"most memory of the process: {peak_mib(os.getpid()):.0f} MiB, {before:.0f} before (limit 500 MiB)")


def statement() -> None:
    """Time the page that shows 1,000 decisions to sign: the whole request inside of the process."""
    from django.test import Client  # noqa: PLC0415 -- needs the settings

    from bench.pack_campaign import decided_campaign  # noqa: PLC0415 -- needs the settings
    from reviews.models import Campaign  # noqa: PLC0415 -- needs the settings
    from tenants.models import User  # noqa: PLC0415 -- needs the settings
    from tenants.scope import tenant_scope  # noqa: PLC0415 -- needs the settings

    tenant, _officer = decided_campaign(DECISIONS, PEOPLE, slug="signing")
    with tenant_scope(tenant):
        path = f"/t/signing/review/{Campaign.objects.get().pk}/sign/"
    client = Client()
    client.force_login(User.objects.get(email="remy@example.org"))
    times, used = [], []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        rows = client.get(path).content.count(b'data-label="Decision"')
        times.append(1000 * (time.perf_counter() - started))
        used.append(1000 * (time.process_time() - worked))
    own = statistics.median(used)
    print(f"{rows:,} decisions to sign: median {statistics.median(times):.0f} ms, best {min(times):.0f}, own {own:.0f}")


if __name__ == "__main__":
    main()
