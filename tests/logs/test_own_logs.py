"""The portal's own logs: shipped once, across rotation, without feeding on themselves."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from logs.actions.own import APPLICATION
from logs.jobs import ship_own_logs
from logs.models import AccessEvent, LogSource, ReadPosition
from tenants.deedlog import write_deed
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def deed(number: int, kind: str = "login") -> str:
    line = {
        "id": f"deed-{number}",
        "at": f"2026-11-20T10:00:{number:02d}+00:00",
        "kind": kind,
        "user": "ana@example.org",
    }
    return json.dumps({**line, "outcome": "success"}) + "\n"


def database_line(number: int, session: str, **fields: object) -> str:
    line = {
        "timestamp": f"2026-11-20 10:00:{number:02d}.000 UTC",
        "pid": 4711,
        "session_id": session,
        "line_num": number,
        "error_severity": "LOG",
        "backend_type": "client backend",
        "user": "countersign_app",
        "dbname": "countersign",
    }
    return json.dumps({**line, **fields}) + "\n"


def ship(tenant: Tenant, data: Path) -> int:
    return ship_own_logs(tenant=tenant, data=data, say=lambda _line: None)


@pytest.fixture
def portal_log(tmp_path: Path) -> Path:
    path = tmp_path / "portal-log" / "portal.ndjson"
    path.parent.mkdir()
    return path


def test_it_ships_each_line_once_across_rotation(bpo: Tenant, tmp_path: Path, portal_log: Path) -> None:
    portal_log.write_text(deed(1) + deed(2) + '{"id": "half')
    assert ship(bpo, tmp_path) == 2
    assert ship(bpo, tmp_path) == 0
    portal_log.write_text(deed(1) + deed(2) + deed(3))
    portal_log.rename(portal_log.with_name("portal.ndjson.1"))
    portal_log.write_text(deed(4))
    assert ship(bpo, tmp_path) == 2
    with tenant_scope(bpo):
        assert sorted(AccessEvent.objects.values_list("native_id", flat=True)) == [f"deed-{n}" for n in range(1, 5)]
        assert ReadPosition.objects.count() == 2


def test_a_truncated_file_begins_anew(bpo: Tenant, tmp_path: Path, portal_log: Path) -> None:
    portal_log.write_text(deed(1) + deed(2))
    assert ship(bpo, tmp_path) == 2
    portal_log.write_text(deed(3))
    assert ship(bpo, tmp_path) == 1


def test_it_leaves_its_own_sessions_out_and_counts_them(bpo: Tenant, tmp_path: Path) -> None:
    directory = tmp_path / "postgres" / "pg_jsonlog"
    directory.mkdir(parents=True)
    mine = f"connection authorized: user=countersign_app database=countersign application_name={APPLICATION}"
    text = database_line(1, "a.1", message="connection received: host=[local]")
    text += database_line(2, "a.1", message=mine)
    text += database_line(1, "b.2", message="connection received: host=[local]")
    text += database_line(2, "b.2", message='password authentication failed for user "mallory"', state_code="28P01")
    (directory / "one.json").write_text(text)
    ship(bpo, tmp_path)
    with tenant_scope(bpo):
        assert ReadPosition.objects.get().filtered == 2
        assert [event.status_id for event in AccessEvent.objects.all()] == [2]


def test_the_command_ships_what_the_portal_wrote(
    bpo: Tenant, tmp_path: Path, settings: object, portal_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.COUNTERSIGN_DATA = tmp_path
    with caplog.at_level("INFO", logger="countersign.deeds"):
        write_deed("login", actor="mallory@example.org", actor_id=None, tenant="", outcome="failure")
        write_deed("event.search", actor="ana@example.org", actor_id=7, tenant="x", outcome="success")
    portal_log.write_text("".join(f"{record.message}\n" for record in caplog.records))
    call_command("ship_own_logs", once=True)
    with tenant_scope(bpo):
        failed, looked = AccessEvent.objects.order_by("ord")
        assert (failed.actor_name, failed.log_type, failed.status_id) == ("mallory@example.org", 6, 2)
        assert (looked.action, looked.log_type) == ("event.search", 7)
        assert LogSource.objects.get().key == "countersign-portal"
