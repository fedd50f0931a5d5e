"""The watch as a process of its own: woken by the commit, stopped by a signal, nothing lost by a kill."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Timer

import pytest
from django.utils import timezone

from alerts.models import Alert, WatchCursor
from alerts.watch import listener, look_round, wait_for_events
from logs.models import LogSource
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world
from tests.database import FreshDatabase

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture
def source(fresh_database: FreshDatabase) -> LogSource:
    tenant = make.tenant("northwind", "Northwind Services")
    return world.source(tenant, world.system(tenant))


def attack(source: LogSource, who: str) -> datetime:
    """Deliver a burst of failed log-ins; returns when it was committed."""
    start = timezone.now() - timedelta(minutes=30)
    world.deliver(source, [world.line(start + timedelta(seconds=n), who, ok=False, ip="") for n in range(12)])
    return timezone.now()


@contextmanager
def watching(database: FreshDatabase) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "manage.py", "alerts_watch"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=database.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    guard = Timer(60, process.kill)
    guard.start()
    try:
        yield process
    finally:
        guard.cancel()
        process.kill()
        process.wait(timeout=10)
        assert process.stderr is not None
        process.stderr.close()


def wait_until_raised(process: "subprocess.Popen[str]") -> None:
    """Read the log of the process until it says that it raised an alert."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "raised alerts" in line:
            return
    pytest.fail(f"The watch ended without an alert: {''.join(seen)}")


def raised(tenant: Tenant) -> list[Alert]:
    with tenant_scope(tenant):
        return list(Alert.objects.order_by("id"))


def test_it_raises_within_30_seconds_of_the_commit_and_stops_on_a_signal(
    fresh_database: FreshDatabase, source: LogSource
) -> None:
    attack(source, "before")
    with watching(fresh_database) as process:
        wait_until_raised(process)
        committed_at = attack(source, "mallory")
        wait_until_raised(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0
    first, second = raised(source.tenant)
    assert (first.account_name, second.account_name) == ("before", "mallory")
    assert second.raised_at - committed_at < timedelta(seconds=30)


def test_a_killed_watch_loses_nothing_and_doubles_nothing(fresh_database: FreshDatabase, source: LogSource) -> None:
    attack(source, "one")
    with watching(fresh_database) as process:
        wait_until_raised(process)
        process.kill()
        process.wait(timeout=10)
    attack(source, "two")
    look_round()
    assert [alert.account_name for alert in raised(source.tenant)] == ["one", "two"]
    with tenant_scope(source.tenant):
        assert WatchCursor.objects.get().seen_events == 24


def test_the_commit_wakes_the_watch(fresh_database: FreshDatabase, source: LogSource) -> None:
    with listener() as listening:
        assert not wait_for_events(listening, lambda: False, seconds=1)
        attack(source, "mallory")
        assert wait_for_events(listening, lambda: False, seconds=5)
        assert not wait_for_events(listening, lambda: True)


def test_once_judges_sends_and_says_how_much(fresh_database: FreshDatabase, source: LogSource) -> None:
    attack(source, "mallory")
    command = [sys.executable, "manage.py", "alerts_watch", "--once"]
    done = subprocess.run(
        command, cwd=ROOT, env=fresh_database.environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "Judged 12 events, sent 0 mails.\n"
    assert len(raised(source.tenant)) == 1
