"""The portal's own logs: shipped once, across rotation, without feeding on themselves."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from logs.actions import SourcePlan, add_source, record_events
from logs.jobs import ship_own_logs
from logs.kinds import Format
from logs.models import AccessEvent, LogSource, QuarantinedLine, ReadPosition
from logs.ownsources import APPLICATION, ROLES
from logs.queries import Filters, condition, person_of, search_events
from logs.querylang import parse
from portal import postgres
from tenants.deedlog import write_deed
from tenants.kinds import Actor
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


def test_an_endless_line_stops_no_later_one(
    bpo: Tenant, tmp_path: Path, portal_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.tailing.LINE_BYTES", 1000)
    portal_log.write_text(deed(1) + "x" * 2500 + "\n" + deed(2))
    assert ship(bpo, tmp_path) == 2
    with tenant_scope(bpo):
        assert QuarantinedLine.objects.count() == 1
    portal_log.with_name("portal.ndjson.1").write_text("y" * 1500 + "\n" + deed(3))
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


def session(number: int, name: str, application: str) -> str:
    """Return the lines of a session at four in the morning, when nobody works."""
    at = {"timestamp": "2026-11-20 04:00:00.000 UTC", "user": name}
    said = f"connection authorized: user={name} database=countersign application_name={application}"
    return database_line(number, f"s.{number}", message=said, **at)


@pytest.fixture
def database_log(tmp_path: Path) -> Path:
    directory = tmp_path / "postgres" / "pg_jsonlog"
    directory.mkdir(parents=True)
    return directory / "countersign-1.json"


def test_the_portals_programs_are_services_and_people_with_their_account_are_not(
    bpo: Tenant, tmp_path: Path, database_log: Path
) -> None:
    refused = database_line(3, "s.3", user="countersign_app", application_name="countersign-web", state_code="28P01")
    lines = session(1, "countersign_app", "countersign-web") + session(2, "countersign_app", "psql") + refused
    database_log.write_text(lines + session(4, "mallory", "countersign-web"))
    ship(bpo, tmp_path)
    with tenant_scope(bpo):
        found = AccessEvent.objects.order_by("native_id").values_list("actor_type", "out_of_hours")
        assert list(found) == [("service", None), ("user", True), ("user", False), ("user", True)]


def test_another_source_cannot_call_an_account_a_service(bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        plan = SourcePlan(name="Theirs", key="theirs", format=Format.POSTGRES_JSONLOG, log_types=(3,))
        source = add_source(plan=plan, by=system)
        body = session(1, "countersign_app", "countersign-web").encode()
        record_events(source=source, body=body, door="http", by=system)
        assert AccessEvent.objects.get().actor_type == "user"


def test_search_and_timeline_tell_services_from_people(bpo: Tenant, tmp_path: Path, database_log: Path) -> None:
    database_log.write_text(session(1, "countersign_app", "countersign-web") + session(2, "dora", "psql"))
    ship(bpo, tmp_path)
    window = {"since": datetime(2026, 11, 20, tzinfo=UTC), "until": datetime(2026, 11, 21, tzinfo=UTC)}
    with tenant_scope(bpo):
        names = {
            who: [
                event.actor_name
                for event in search_events(
                    Filters(where=condition(parse(f"who:{who}" if who else "")), **window)
                ).events
            ]
            for who in ("people", "machines", "")
        }
        kinds = [person_of(f"name-{name}").kind for name in ("countersign_app", "dora")]
    assert names == {"people": ["dora"], "machines": ["countersign_app"], "": ["dora", "countersign_app"]}
    assert kinds == ["Service in the logs", "Name in the logs"]


def test_it_finds_the_databases_log_where_the_server_lies_elsewhere(bpo: Tenant, tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    (home / "postgres" / "pg_jsonlog").mkdir(parents=True)
    data.mkdir()
    (data / postgres.HOME_FILE).write_text(str(home))
    log = postgres.Embedded(data).jsonlog_directory() / "one.json"
    log.write_text(session(1, "dora", "psql"))
    assert ship(bpo, data) == 1
    assert postgres.SUPERUSER in ROLES
