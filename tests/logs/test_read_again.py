"""Reading old records again: a newer reading supersedes the old one, which stays as it was sealed."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from alerts.models import WatchCursor
from alerts.queries.watched import new_rows
from ledger.queries import batch as ledger_batch
from logs.actions import read_batch_again, record_events
from logs.jobs import read_again
from logs.kinds import Format
from logs.models import (
    AccessEvent,
    Delivery,
    LastUse,
    LogSource,
    QuarantinedLine,
    Rereading,
    ResolvedLine,
    SourceHour,
    Superseded,
    TypeDay,
    UsageDay,
)
from logs.queries.again import unread
from tenants.kinds import Actor, Cancelled, Refused
from tenants.models import AuditEntry, Tenant, User, Work
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.logs.sources import lines

pytestmark = pytest.mark.django_db

FIRST: Final[dict[str, Any]] = {
    "columns": {"at": "occurred_at", "login": "actor_name", "what": "action"},
    "log_type": 2,
}
BETTER: Final[dict[str, Any]] = {
    "columns": {"at": "occurred_at", "user": "actor_name", "what": "action", "result": "outcome"},
    "log_type": 1,
    "outcomes": {"yes": "success", "no": "bad_password"},
}


def record(minute: int, **fields: str) -> bytes:
    """Return a record that both mappings can read, or one of them."""
    return json.dumps({"at": f"2026-11-20T10:{minute:02d}:00Z", "what": "open", **fields}).encode()


BODY: Final = lines(
    record(1, login="desk", user="Ana", result="yes"),
    record(2, login="desk", user="Bo", result="no"),
    record(3, user="Cy", result="yes"),
    record(4, login="desk"),
)
"""The first reading takes the login of the desk for the actor and cannot read the third; the better one, the fourth."""


def a_source(tenant: Tenant, by: Actor, body: bytes = BODY) -> LogSource:
    """Deliver records that the first mapping reads, and then give the source the better one."""
    with tenant_scope(tenant):
        source = LogSource.objects.create(
            name="Desk", key="desk", format=Format.JSON, mapping=FIRST, mapping_version=1, log_types=[1]
        )
        record_events(source=source, body=body, door="test", by=by)
        LogSource.objects.filter(pk=source.pk).update(mapping=BETTER, mapping_version=2)
    return source


def again(tenant: Tenant, by: Actor) -> list[Rereading | None]:
    """Read every batch again that there is."""
    found = []
    with tenant_scope(tenant):
        ids = list(Delivery.objects.order_by("received_at").values_list("pk", flat=True))
    for pk in ids:
        with tenant_scope(tenant):
            found.append(read_batch_again(batch=Delivery.objects.select_related("source__tenant").get(pk=pk), by=by))
    return found


def rows_of(table: str, tenant: Tenant) -> list[str]:
    """Return the rows of a table as text."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")  # noqa: S608 -- a table of ours
        return [row[0] for row in cursor.fetchall()]


def test_a_newer_reading_supersedes_and_the_old_one_stays_byte_for_byte(bpo: Tenant, system: Actor) -> None:
    a_source(bpo, system)
    kept = {name: rows_of(name, bpo) for name in ("logs_accessevent", "logs_delivery", "logs_quarantinedline")}
    (answer,) = again(bpo, system)
    assert answer is not None
    assert (answer.read, answer.superseded, answer.resolved, answer.unchanged, answer.kept) == (4, 2, 1, 0, 1)
    for name, before in kept.items():
        assert set(before) <= set(rows_of(name, bpo))
    with tenant_scope(bpo):
        now = {(e.actor_name, e.status_id, e.log_type, e.parser) for e in AccessEvent.objects.all()}
        assert now == {
            *{("Ana", 1, 1, "json/1 mapping 2"), ("Bo", 2, 6, "json/1 mapping 2"), ("Cy", 1, 1, "json/1 mapping 2")},
            ("desk", 0, 2, "json/1 mapping 1"),
        }
        assert AccessEvent.sealed.count() == 6
        assert AccessEvent.firsts.count() == 4
        assert ledger_batch(bpo.uuid, answer.by_batch_id or answer.batch_id).n == 4


def test_counts_follow_as_if_it_had_been_read_so_at_once(bpo: Tenant, strangers: Tenant, system: Actor) -> None:
    a_source(bpo, system)
    again(bpo, system)
    other = Actor.system("tests", strangers.pk)
    with tenant_scope(strangers):
        fresh = LogSource.objects.create(name="Desk", key="desk", format=Format.JSON, mapping=BETTER, log_types=[1])
        record_events(source=fresh, body=BODY, door="test", by=other)
    assert {name: counts(bpo)[name] for name in ("ana", "bo", "cy")} == counts(strangers)
    assert counts(bpo)["desk"] == (1, 0, 0, datetime(2026, 11, 20, 10, 4, tzinfo=UTC))
    with tenant_scope(bpo):
        assert dict(TypeDay.objects.values_list("log_type", "events")) == {1: 2, 2: 1, 6: 1}
        (hour,) = SourceHour.objects.filter(events__gt=0)
        assert (hour.events, SourceHour.objects.filter(quarantined__gt=0).count()) == (4, 0)
        desk = LastUse.objects.get(actor_key="desk")
        assert desk.first_at == desk.last_at


def counts(tenant: Tenant) -> dict[str, tuple[int, int, int, datetime]]:
    """Return what the roll-ups say about each actor."""
    with tenant_scope(tenant):
        last = dict(LastUse.objects.values_list("actor_key", "last_at"))
        return {
            row.actor_key: (row.events, row.ok_count, row.denied_count, last[row.actor_key])
            for row in UsageDay.objects.all()
        }


def test_a_name_that_nobody_has_any_more_leaves_the_counts(bpo: Tenant, system: Actor) -> None:
    a_source(bpo, system, lines(record(1, login="desk", user="Ana", result="yes")))
    again(bpo, system)
    assert set(counts(bpo)) == {"ana"}
    with tenant_scope(bpo):
        assert not LastUse.objects.filter(actor_key="desk").exists()


def test_doing_it_twice_changes_nothing(bpo: Tenant, system: Actor) -> None:
    source = a_source(bpo, system)
    with tenant_scope(bpo):
        source.refresh_from_db()
        assert (unread(source).batches, unread(source).records) == (1, 4)
    again(bpo, system)
    tables = ("logs_accessevent", "logs_superseded", "logs_usageday", "logs_rereading", "tenants_auditentry")
    before = [rows_of(name, bpo) for name in tables]
    assert again(bpo, system)[0] is None
    assert [rows_of(name, bpo) for name in tables] == before
    with tenant_scope(bpo):
        source.refresh_from_db()
        assert (unread(source).batches, unread(source).records) == (0, 0)


def test_what_left_quarantine_is_marked_and_names_its_event(bpo: Tenant, system: Actor) -> None:
    a_source(bpo, system)
    (answer,) = again(bpo, system)
    with tenant_scope(bpo):
        line = QuarantinedLine.objects.get()
        resolved = ResolvedLine.objects.get(line=line)
        event = AccessEvent.objects.get(actor_name="Cy")
        assert answer is not None
        assert (resolved.outcome, resolved.event_id, resolved.batch_id) == ("event", event.id, answer.by_batch_id)
        assert not Superseded.objects.filter(by_id=event.id).exists()
        assert json.loads(bytes(event.core))["resolves"] == f"{line.delivery_id}/{line.position}"


def test_a_third_reading_supersedes_the_second(bpo: Tenant, system: Actor) -> None:
    source = a_source(bpo, system)
    again(bpo, system)
    third = {**BETTER, "app": "Desk"}
    with tenant_scope(bpo):
        LogSource.objects.filter(pk=source.pk).update(mapping=third, mapping_version=3)
        source.refresh_from_db()
        assert unread(source).records == 4
    again(bpo, system)
    with tenant_scope(bpo):
        assert dict(AccessEvent.objects.values_list("actor_name", "app")) == {
            **dict.fromkeys(("Ana", "Bo", "Cy"), "Desk"),
            "desk": "",
        }
        firsts = set(Superseded.objects.values_list("first_received_at", flat=True))
        assert firsts == {Delivery.objects.get(door="test").received_at}


DAYS: Final = "first_day=2026-11-19&last_day=2026-11-21&window=days"


def page_of(person: User, path: str) -> str:
    """Return the body of a page, an export or an answer of the API."""
    client = Client()
    client.force_login(person)
    answer: Any = client.get(path if path.startswith("/") else f"/t/northwind/{path}")
    assert answer.status_code == 200, path
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(body.decode())


def test_every_place_shows_one_of_the_two_readings(bpo: Tenant, system: Actor, carla: User) -> None:
    a_source(bpo, system)
    again(bpo, system)
    window = "since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z"
    listed = json.loads(page_of(carla, f"/api/v1/t/northwind/events/?{window}"))["items"]
    exported = [json.loads(line) for line in page_of(carla, f"search/export.ndjson?{DAYS}").splitlines()]
    for rows in (listed, exported):
        assert sorted(row["actor_name"] for row in rows) == ["Ana", "Bo", "Cy", "desk"]
    ocsf = [json.loads(line) for line in page_of(carla, f"search/export.ocsf.ndjson?{DAYS}").splitlines()]
    later = [one["metadata"] for one in ocsf if "processed_time" in one["metadata"]]
    assert (len(ocsf), len(later)) == (4, 3)
    assert all(one["logged_time"] < one["processed_time"] for one in later)
    assert page_of(carla, f"search/?{DAYS}").count("/t/northwind/events/") == 4
    assert page_of(carla, f"people/name-desk/?{DAYS}").count("/t/northwind/events/") == 1


def test_an_older_reading_is_kept_and_names_the_newer_one(bpo: Tenant, system: Actor, carla: User) -> None:
    a_source(bpo, system)
    again(bpo, system)
    with tenant_scope(bpo):
        ana = AccessEvent.objects.get(actor_name="Ana")
    told = json.loads(page_of(carla, f"/api/v1/t/northwind/events/{ana.key}/"))
    assert told["first_received_at"] < told["received_at"]
    older = page_of(carla, f"events/{told['supersedes']}/")
    assert "This is an older reading of the record." in older
    assert ana.key in older
    assert "In the place of" in page_of(carla, f"events/{ana.key}/")


def test_the_page_counts_previews_and_starts_the_work(bpo: Tenant, system: Actor, carla: User, remy: User) -> None:
    source = a_source(bpo, system)
    path = f"/t/northwind/sources/{source.pk}/again/"
    shown = page_of(carla, f"{path}?preview=1")
    assert "4 records in 1 delivery, by json/1 mapping 1" in shown
    assert (shown.count("<del>desk</del> <ins>Ana</ins>"), shown.count("Quarantine</td>")) == (1, 1)
    with tenant_scope(bpo):
        assert AccessEvent.sealed.count() == 3
    client = Client()
    client.force_login(carla)
    assert client.post(path, {"first_day": "2026-11-22", "last_day": "2026-11-21"}).status_code == 422
    assert [client.post(path, {}).status_code for _ in range(2)] == [302, 302]
    with tenant_scope(bpo):
        assert Work.objects.get().job == "logs.jobs.read_again"
        assert AuditEntry.objects.filter(verb="source.read_again").count() == 1
    client.force_login(remy)
    assert client.post(path, {}).status_code == 403


class Stop:
    """Reports to nobody, and no longer wants the work at its second step."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, done: int, total: int, message: str = "") -> None:
        self.steps += 1
        if self.steps == 2:
            raise Cancelled


def test_cancelling_leaves_whole_batches_and_a_second_run_goes_on(bpo: Tenant, system: Actor) -> None:
    source = a_source(bpo, system, lines(record(1, login="desk", user="Ana", result="yes")))
    with tenant_scope(bpo):
        record_events(source=source, body=lines(record(2, login="desk", user="Bo")), door="test", by=system)
    with pytest.raises(Cancelled, match="1 of 2 batches were read again"):
        read_again(Stop(), bpo, source.pk, "", "", "carla")
    with tenant_scope(bpo):
        assert (AccessEvent.sealed.count(), Superseded.objects.count(), Rereading.objects.count()) == (3, 1, 1)
    told = read_again(Silent(), bpo, source.pk, "", "", "carla")
    assert told == {"batches": 1, "read": 1, "superseded": 1, "resolved": 0, "unchanged": 0, "kept": 0}
    assert set(counts(bpo)) == {"ana", "bo"}


def test_nobody_reads_the_records_of_another_tenant_again(bpo: Tenant, strangers: Tenant, system: Actor) -> None:
    source = a_source(bpo, system)
    with tenant_scope(bpo):
        batch = Delivery.objects.select_related("source__tenant").get()
    other = Actor.system("tests", strangers.pk)
    with tenant_scope(strangers), pytest.raises(Refused, match="another tenant"):
        read_batch_again(batch=batch, by=other)
    with pytest.raises(LogSource.DoesNotExist):
        read_again(Silent(), strangers, source.pk, "", "", "stella")
    a_source(strangers, other)
    again(bpo, system)
    with tenant_scope(strangers):
        assert AccessEvent.objects.count() == AccessEvent.sealed.count() == 3
        assert not Superseded.objects.exists()


def test_the_command_line_reads_again(bpo: Tenant, system: Actor, capsys: pytest.CaptureFixture[str]) -> None:
    a_source(bpo, system)
    call_command("read_again", "desk", "--tenant", "northwind", "--until", "2001-01-01")
    assert "0 records in 0 batches; json/1 mapping 2 reads now." in capsys.readouterr().out
    call_command("read_again", "desk", "--tenant", "northwind")
    assert "4 records read again: 2 superseded, 1 left quarantine, 0 the same, 1 stay" in capsys.readouterr().out


def test_quarantine_lists_what_is_open_and_what_was_resolved_apart(bpo: Tenant, system: Actor, carla: User) -> None:
    a_source(bpo, system)
    assert "names no actor" in page_of(carla, "quarantine/")
    again(bpo, system)
    assert "Nothing in quarantine" in page_of(carla, "quarantine/")
    assert "Became an event" in page_of(carla, "quarantine/?state=resolved")


def test_an_access_is_judged_for_alerts_once_as_it_was_read_first(bpo: Tenant, system: Actor) -> None:
    a_source(bpo, system)
    with tenant_scope(bpo):
        cursor = WatchCursor.objects.create()
        first = new_rows(cursor, 100)
        cursor.epoch, cursor.position = first.epoch, first.position
    again(bpo, system)
    with tenant_scope(bpo):
        assert sorted(row["actor_key"] for row in first.rows) == ["desk", "desk", "desk"]
        assert [row["actor_key"] for row in new_rows(cursor, 100).rows] == ["cy"]
        cursor.position = 0
        assert sorted(row["actor_key"] for row in new_rows(cursor, 100).rows) == ["cy", "desk", "desk", "desk"]


def test_a_table_is_read_again_with_the_column_names_of_its_delivery(bpo: Tenant, system: Actor) -> None:
    table = b"when,login,user\n2026-11-20T10:01:00Z,desk,Ana\n2026-11-20T10:02:00Z,desk,Bo\n"
    columns = {"when": "occurred_at", "login": "actor_name"}
    with tenant_scope(bpo):
        source = LogSource.objects.create(
            name="Table", key="table", format=Format.CSV, mapping={"columns": columns, "log_type": 2}, log_types=[2]
        )
        record_events(source=source, body=table, door="test", by=system)
        mapping = {"columns": {"when": "occurred_at", "user": "actor_name"}, "log_type": 2}
        LogSource.objects.filter(pk=source.pk).update(mapping=mapping, mapping_version=2)
    again(bpo, system)
    with tenant_scope(bpo):
        assert set(AccessEvent.objects.values_list("actor_name", flat=True)) == {"Ana", "Bo"}


def test_a_resend_of_a_record_with_a_new_id_stores_nothing(bpo: Tenant, system: Actor) -> None:
    body = lines(record(1, login="desk", id="r-1"))
    source = a_source(bpo, system, body)
    with tenant_scope(bpo):
        named = {**FIRST, "columns": {**FIRST["columns"], "id": "native_id"}}
        LogSource.objects.filter(pk=source.pk).update(mapping=named, mapping_version=3)
    again(bpo, system)
    with tenant_scope(bpo):
        source.refresh_from_db()
        answer = record_events(source=source, body=body + b"\n", door="test", by=system)
        assert (answer.stored, answer.duplicates, AccessEvent.objects.count()) == (0, 1, 1)


def test_the_view_in_sql_and_the_manager_agree(bpo: Tenant, system: Actor) -> None:
    a_source(bpo, system)
    again(bpo, system)
    with tenant_scope(bpo), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM logs_currentevent")
        assert {row[0] for row in cursor.fetchall()} == set(AccessEvent.objects.values_list("id", flat=True))
