"""Measures the full verification: every stored event hashed and compared again, as the read-only role."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from bench.intake import A_BODY, DATABASE, MAPPING, body, database
from bench.machine import describe

EVENTS = 200_000


def main() -> None:
    """Prints seconds and leaves a second for one tenant."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    data = directory / "data"
    os.environ |= {"COUNTERSIGN_DATA": str(data), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    print(f"verify_ledger, on {describe()}")
    try:
        with database(data):
            measure()
    finally:
        shutil.rmtree(directory)


def measure() -> None:
    """Fill, sign, verify, print."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from bench.intake_tenant import deliver, open_source  # noqa: PLC0415 -- needs the settings
    from evidence.verification import verify_tenant  # noqa: PLC0415 -- needs the settings
    from ledger.signer import sign_now  # noqa: PLC0415 -- needs the settings
    from tenants.models import Tenant  # noqa: PLC0415 -- needs the settings

    open_source(MAPPING)
    tenant = Tenant.objects.get()
    for start in range(0, EVENTS, A_BODY):
        deliver(tenant, body(start))
    started = time.monotonic()
    checkpoint = sign_now(tenant.uuid)
    print(f"signed {checkpoint.size:,} new leaves in {time.monotonic() - started:.2f} s")
    begun = time.process_time()
    report = verify_tenant(tenant, using="readonly")
    cpu = time.process_time() - begun
    rate = report.size / report.seconds
    print(
        f"{report.size:,} leaves verified in {report.seconds:.1f} s, {rate:,.0f}/s; "
        f"{1e6 * cpu / report.size:.1f} us of processor a leaf in this process; holds: {report.holds}"
    )


if __name__ == "__main__":
    main()
