"""The schedule: each period runs once per tenant, and every job it names exists."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from pytest_django import Settings

from evidence.tiers import LASTS
from evidence.verification import SILENCE
from evidence.workshop import place
from ledger.management.commands.ledger_sign import LONGEST_WAIT
from portal import jobs
from portal.management.commands.run import BESIDE_THE_WEB
from portal.schedule import SCHEDULE, Entry
from tenants.actions import SILENT_AFTER
from tenants.models import Tenant

NIGHTLY = Entry("test.nightly", timedelta(days=1), "tests.portal.test_schedule.nightly")
ran: list[str] = []


def nightly(progress: object, tenant: Tenant) -> dict[str, str]:
    """Stands in the schedule of this test."""
    ran.append(tenant.slug)
    return {"tenant": tenant.slug}


@pytest.fixture
def only_nightly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SCHEDULE", (NIGHTLY,))
    ran.clear()


def test_every_job_of_the_schedule_exists() -> None:
    assert all(callable(import_string(entry.job)) for entry in SCHEDULE)
    assert len({entry.name for entry in SCHEDULE}) == len(SCHEDULE)


def test_a_period_starts_at_a_multiple_of_its_length() -> None:
    at = datetime(2026, 11, 22, 18, 45, 7, tzinfo=UTC)
    assert NIGHTLY.period(at) == datetime(2026, 11, 22, tzinfo=UTC)
    assert Entry("x", timedelta(minutes=15), "x").period(at) == datetime(2026, 11, 22, 18, 45, tzinfo=UTC)


@pytest.mark.django_db
def test_a_period_is_queued_once_however_often_the_tick_comes(
    bpo: Tenant, acme: Tenant, only_nightly: None, settings: Settings, tmp_path: Path
) -> None:
    settings.COUNTERSIGN_DATA = tmp_path
    (left := place() / "killed-1").mkdir()
    (left / "people.csv").write_text("of a worker that is dead")
    assert jobs.tick() == 2
    assert jobs.tick() == 0
    assert not left.exists(), "and what a killed worker left lies there for a minute"


@pytest.mark.django_db
def test_a_claimed_period_reaches_the_queue_after_the_commit(
    bpo: Tenant, only_nightly: None, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture that is a function
        jobs.tick()
    assert OrmQ.objects.count() == 1
    assert jobs.run_entry(NIGHTLY.name, bpo.pk) == "{'tenant': 'northwind'}"
    assert ran == ["northwind"]


@pytest.mark.django_db
def test_an_entry_that_is_gone_is_said_and_does_nothing(bpo: Tenant, only_nightly: None) -> None:
    assert jobs.run_entry("no.such.entry", bpo.pk) == "unknown"


@pytest.mark.django_db
def test_one_tick_drives_everything() -> None:
    assert list(Schedule.objects.values_list("func", "minutes", "repeats")) == [("portal.jobs.tick", 1, -1)]


@pytest.mark.django_db
def test_the_ledger_keeps_its_times() -> None:
    """A checkpoint within a minute of growth, a heartbeat within an hour of silence, witnesses hourly."""
    every = {entry.name: entry.every for entry in SCHEDULE}
    (tick,) = Schedule.objects.filter(func="portal.jobs.tick")
    look = timedelta(minutes=tick.minutes)
    assert tick.schedule_type == Schedule.MINUTES
    assert SILENT_AFTER + every["tenants.heartbeat"] + 2 * look <= timedelta(hours=1) < SILENCE
    assert every["evidence.cosign"] <= timedelta(hours=1)
    assert every["evidence.anchor"] + timedelta(hours=1) <= LASTS
    ((_name, command, arguments),) = [program for program in BESIDE_THE_WEB if program[1] == "ledger_sign"]
    told = load_command_class("ledger", command).create_parser("manage.py", command).parse_args(list(arguments))
    assert told.every <= LONGEST_WAIT <= 60
    assert not told.once
