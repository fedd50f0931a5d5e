"""Measures the alerts' worker on a burst in which every event is evidence: failed log-ins at the speed of intake.

The events are stored by the product's own intake on an embedded server in a directory of its own; then the worker's
own look judges them until none is left. What counts is that the rate does not fall while the burst goes on.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.intake import DATABASE, database
from bench.machine import describe

EVENTS = int(os.environ.get("BENCH_EVENTS", "100000"))
A_BODY = 5_000
ACCOUNTS, ADDRESSES = 500, 200
SECONDS = 30
COLUMNS = {"id": "native_id", "time": "occurred_at", "user": "actor_name", "ip": "src_ip", "result": "outcome"}
MAPPING = {"columns": COLUMNS, "log_type": "failed_login", "outcomes": {"denied": "bad_password"}}


def main() -> None:
    """Prints how fast the burst was judged: the first look, the last, and the whole."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    print(f"alerts, on {describe()}")
    try:
        with database(directory / "data"):
            measure()
    finally:
        shutil.rmtree(directory)


def measure() -> None:
    """Store the burst, then judge it look by look."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from alerts.models import Alert, AlertEvent  # noqa: PLC0415 -- needs the settings
    from alerts.watch import look_round  # noqa: PLC0415 -- needs the settings
    from bench.intake_tenant import make_source  # noqa: PLC0415 -- needs the settings
    from logs.actions import record_events  # noqa: PLC0415 -- needs the settings
    from tenants.kinds import Actor  # noqa: PLC0415 -- needs the settings
    from tenants.scope import tenant_scope  # noqa: PLC0415 -- needs the settings

    tenant, source = make_source(MAPPING, log_type=6, people=ACCOUNTS)
    by = Actor.system("bench", tenant.pk)
    started = time.perf_counter()
    for body in bodies():
        with tenant_scope(tenant):
            record_events(source=source, body=body, door="bench", by=by)
    print(f"stored {EVENTS:,} failed log-ins: {EVENTS / (time.perf_counter() - started):,.0f} events/s")
    started = time.perf_counter()
    seen = look_round()
    seconds = time.perf_counter() - started
    with tenant_scope(tenant):
        print(f"{Alert.objects.count():,} alerts on {AlertEvent.objects.count():,} pieces of evidence")
    print(f"judged {seen:,} events in {seconds:.1f} s: {seen / seconds:,.0f} events/s")


def bodies() -> Iterator[bytes]:
    """Yield bodies of failed log-ins, 17,000 a second of event time, over all accounts and addresses."""
    begin = time.time() - 60 - EVENTS / 17_000
    for start in range(0, EVENTS, A_BODY):
        yield b"\n".join(json.dumps(_record(start + n, begin)).encode() for n in range(A_BODY)) + b"\n"


def _record(number: int, begin: float) -> dict[str, str]:
    at = begin + number / 17_000
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"
    address = number % ADDRESSES
    words = {"user": f"agent{number % ACCOUNTS:03d}", "ip": f"10.9.{address // 250}.{address % 250}"}
    return {"id": f"f-{number:09d}", "time": moment, "result": "denied", **words}


if __name__ == "__main__":
    main()
