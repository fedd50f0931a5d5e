"""Pruning: what is kept for a time goes after it, and a resend within the time still changes nothing."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from logs import ownsources
from logs.actions import record_events
from logs.actions.prune import prune_record_keys
from logs.jobs import prune, ship_own_logs
from logs.kinds import Format
from logs.models import AccessEvent, Delivery, LogSource, RecordKey
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.queries import actor_for
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.logs.sources import lines, okta, source
from tests.logs.test_own_logs import deed, session

pytestmark = pytest.mark.django_db
DAYS = 40


@pytest.fixture
def delivered(bpo: Tenant, system: Actor) -> LogSource:
    """A source with three records that have ids."""
    with tenant_scope(bpo):
        cloud = source("Okta", Format.OKTA)
        record_events(source=cloud, body=lines(okta(1), okta(2), okta(3)), door="http", by=system)
    return cloud


def send_again(tenant: Tenant, cloud: LogSource, by: Actor) -> tuple[int, int]:
    """Send two of the records in another body; return how many were stored, and how many known."""
    with tenant_scope(tenant):
        answer = record_events(source=cloud, body=lines(okta(2), okta(3)), door="http", by=by)
    return answer.stored, answer.duplicates


def grow_older(days: float) -> None:
    """Let every key be older, as the owner of the table's column may."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE logs_recordkey SET received_at = received_at - %s", [timedelta(days=days)])


def test_a_resend_within_the_time_changes_nothing_and_lets_the_keys_live_on(
    bpo: Tenant, delivered: LogSource, system: Actor, settings: Settings
) -> None:
    settings.COUNTERSIGN_RESEND_DAYS = DAYS
    with tenant_scope(bpo):
        grow_older(DAYS - 1)
    assert prune(Silent(), bpo)["keys"] == 0
    assert send_again(bpo, delivered, system) == (0, 2)
    with tenant_scope(bpo):
        grow_older(2)
    assert prune(Silent(), bpo)["keys"] == 1
    with tenant_scope(bpo):
        assert (RecordKey.objects.count(), AccessEvent.objects.count()) == (2, 3)
        entry = AuditEntry.objects.get(verb="record_key.prune")
        assert (entry.actor_name, entry.detail["keys"]) == ("system:scheduler", 1)


def test_keys_go_in_parts_and_the_events_stay(bpo: Tenant, delivered: LogSource, system: Actor) -> None:
    before = timezone.now() - timedelta(days=DAYS)
    with tenant_scope(bpo):
        grow_older(DAYS + 1)
        counts = [prune_record_keys(before=before, by=system, limit=2) for _part in range(3)]
        assert (counts, RecordKey.objects.count(), AccessEvent.objects.count()) == ([2, 1, 0], 0, 3)


def test_the_database_keeps_keys_for_48_hours_whoever_asks(bpo: Tenant, delivered: LogSource, system: Actor) -> None:
    with tenant_scope(bpo):
        grow_older(1)
        assert prune_record_keys(before=timezone.now(), by=system) == 0
        grow_older(1.1)
        assert prune_record_keys(before=timezone.now(), by=system) == 3


def test_no_key_of_another_tenant_goes(bpo: Tenant, acme: Tenant, delivered: LogSource) -> None:
    with tenant_scope(bpo):
        grow_older(DAYS + 1)
    assert prune(Silent(), acme)["keys"] == 0
    with tenant_scope(bpo):
        assert RecordKey.objects.count() == 3


def test_people_prune_nothing(bpo: Tenant, olga: User) -> None:
    with tenant_scope(bpo), pytest.raises(Refused, match="by the schedule alone"):
        prune_record_keys(before=timezone.now(), by=actor_for(olga, bpo))


@pytest.fixture
def logs(tmp_path: Path, settings: Settings) -> Path:
    """The directory of the database's log: two old files, one of yesterday, and the newest one, also old."""
    settings.COUNTERSIGN_DATA, settings.COUNTERSIGN_OWN_LOG_DAYS = tmp_path, 30
    directory = tmp_path / "postgres" / "pg_jsonlog"
    directory.mkdir(parents=True)
    for number, days in enumerate((50, 45, 1)):
        (directory / f"{number}.json").write_text(session(number, "dora", "psql"))
        (directory / f"{number}.log").write_text("")
        for end in ("json", "log"):
            written(directory / f"{number}.{end}", days)
    return directory


def written(path: Path, days: float) -> None:
    at = (timezone.now() - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def run_prune(tenant: Tenant, capture: DjangoCaptureOnCommitCallbacks) -> int:
    with capture(execute=True):
        return prune(Silent(), tenant)["files"]


def test_delivered_files_go_after_their_time(
    bpo: Tenant, logs: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    ship_own_logs(tenant=bpo, data=logs.parents[1], say=lambda _line: None)
    assert run_prune(bpo, django_capture_on_commit_callbacks) == 4
    assert names(logs) == ["2.json", "2.log"]
    assert run_prune(bpo, django_capture_on_commit_callbacks) == 0
    with tenant_scope(bpo):
        assert AuditEntry.objects.get(verb="own_log.prune").detail["files"] == 4
        assert Delivery.objects.count() == 3


def test_a_file_with_a_line_to_deliver_stays_and_so_does_the_newest(
    bpo: Tenant, logs: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    ship_own_logs(tenant=bpo, data=logs.parents[1], say=lambda _line: None)
    with (logs / "0.json").open("a") as file:
        file.write(session(7, "dora", "psql"))
    with (logs / "1.json").open("a") as file:
        file.write('{"timestamp": "cut off by a kill')
    for number in range(3):
        written(logs / f"{number}.json", 50 - number)
    assert run_prune(bpo, django_capture_on_commit_callbacks) == 3
    assert names(logs) == ["0.json", "2.json", "2.log"]


def test_files_that_nobody_delivers_stay(
    bpo: Tenant, logs: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    assert run_prune(bpo, django_capture_on_commit_callbacks) == 0
    assert len(names(logs)) == 6


def test_the_portals_own_log_is_renamed_when_it_is_long_and_delivered_once(bpo: Tenant, tmp_path: Path) -> None:
    own = next(own for own in ownsources.OWN_SOURCES if own.grows)
    path = tmp_path / "portal-log" / "portal.ndjson"
    path.parent.mkdir()
    path.write_text(deed(1))
    own.rotate(tmp_path, limit=10_000)
    assert names(path.parent) == ["portal.ndjson"]
    own.rotate(tmp_path, limit=10)
    path.write_text(deed(2))
    assert len(own.files(tmp_path)) == 2
    assert [ship_own_logs(tenant=bpo, data=tmp_path, say=lambda _line: None) for _look in range(2)] == [2, 0]
