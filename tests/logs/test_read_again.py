"""Reading old records again: a newer reading supersedes the old one, which stays as it was sealed."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from django.db import connection

from ledger.queries import batch as ledger_batch
from logs.actions import read_batch_again, record_events
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
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
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
