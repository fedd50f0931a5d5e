"""Rows that leave an older reading out of the pages are checked against the sealed bytes of the newer one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from evidence.citedevents import cited_events
from evidence.findings import FailureClass
from evidence.kinds import Period
from evidence.metrics.frame import Frame, Row
from evidence.records import gather
from evidence.storedreadings import reading_faults
from evidence.verification import verify_tenant
from ledger.signer import sign_now
from logs.models import AccessEvent
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.database import FreshDatabase
from tests.logs.test_read_again import a_source, again

TABLES = ("logs_superseded", "logs_resolvedline")

HIDDEN = """
INSERT INTO logs_superseded (tenant_id, received_at, event_id, batch_id, ord, by_received_at, by_id, by_batch_id,
    first_received_at)
SELECT tenant_id, received_at, id, batch_id, ord, received_at + interval '1 second', id,
    batch_id, received_at FROM logs_accessevent WHERE actor_name = 'desk' AND position = 3
"""
FAULTS = {
    "it is left out, and no sealed event says that it supersedes it": HIDDEN,
    "it is left out under the place of another event": "UPDATE logs_superseded SET ord = ord + 1 WHERE ord = 0",
    "the reading that it supersedes is shown too": "DELETE FROM logs_superseded WHERE ord = 0",
    "the record in quarantine that it resolves is not marked": "DELETE FROM logs_resolvedline",
    "the records that left quarantine without an event are not those of its manifest": "UPDATE logs_resolvedline SET "
    "outcome = 'ignored', event_id = NULL",
}


@pytest.fixture
def tenant(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[Tenant]:
    """A committed tenant whose records were read again."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    found = make.tenant("northwind")
    by = Actor.system("tests", found.pk)
    a_source(found, by)
    again(found, by)
    sign_now(found.uuid)
    yield found
    connection.close()


def test_a_ledger_with_superseded_events_verifies_and_each_planted_row_is_found(
    tenant: Tenant, fresh_database: FreshDatabase
) -> None:
    whole = verify_tenant(tenant)
    assert (dict(whole.findings.counts), whole.events, whole.deliveries) == ({}, 6, 2)
    for said, statement in FAULTS.items():
        with planted(fresh_database, tenant, statement):
            found = verify_tenant(tenant).findings
        assert set(found.counts) == {FailureClass.PROJECTION_DIFFERS}, said
        assert said in {finding.detail for finding in found.shown}, said
    assert verify_tenant(tenant).holds


REMOVED = """
DELETE FROM logs_accessevent e USING logs_delivery d
WHERE d.tenant_id = e.tenant_id AND d.id = e.batch_id AND d.door = 'again'
"""
ANNOUNCED = """
INSERT INTO logs_retentionprune (id, tenant_id, month, epoch, log_types, count, quarantined, held, holds, places,
    places_sha256, removed_root, batch_id)
SELECT gen_random_uuid(), tenant_id, date_trunc('month', received_at AT TIME ZONE 'UTC'), 1, '{1}', 3, 0, 0, '{}',
    '', '', '', id FROM logs_delivery WHERE door = 'again'
"""


def test_a_newer_reading_that_went_by_its_term_is_no_fault(tenant: Tenant, fresh_database: FreshDatabase) -> None:
    with fresh_database.connect("owner") as owner, tenant_scope(tenant):
        owner.execute(f"SET app.tenant = '{tenant.pk}'")  # type: ignore[call-overload]  # a number of ours
        assert owner.execute(REMOVED).rowcount == 3
        assert len(list(reading_faults(tenant.pk, "default"))) == 3
        assert owner.execute(ANNOUNCED).rowcount == 1
        assert len(list(reading_faults(tenant.pk, "default"))) == 3
        owner.execute("UPDATE logs_retentionprune SET removed_at = now(), removed = 3")
        assert list(reading_faults(tenant.pk, "default")) == []


@contextmanager
def planted(fresh: FreshDatabase, tenant: Tenant, statement: str) -> Iterator[None]:
    """Change the rows as the owner of the tables, who is stopped by no grant, and put them back."""
    with fresh.connect("owner") as owner:
        owner.execute(f"SET app.tenant = '{tenant.pk}'")  # type: ignore[call-overload]  # a number of ours
        for name in TABLES:
            owner.execute(f"CREATE TEMP TABLE kept_{name} AS SELECT * FROM {name}")  # type: ignore[call-overload]  # noqa: S608 -- ours
        assert owner.execute(statement).rowcount == 1  # type: ignore[call-overload]  # one of ours
        yield
        for name in TABLES:
            owner.execute(f"DELETE FROM {name}")  # type: ignore[call-overload]  # noqa: S608 -- ours
            owner.execute(f"INSERT INTO {name} SELECT * FROM kept_{name}")  # type: ignore[call-overload]  # noqa: S608 -- ours


def test_a_pack_counts_what_was_superseded_and_lists_the_newest_reading(bpo: Tenant, system: Actor) -> None:
    a_source(bpo, system)
    again(bpo, system)
    period = Period(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC), "UTC")
    with tenant_scope(bpo):
        frame = Frame(period, {}, bpo.pk, bpo.uuid, timezone.now())
        assert gather(frame, 1).superseded == 2
        first, newest = AccessEvent.firsts.get(position=0), AccessEvent.objects.get(position=0)
        cited: Row = {"alert": 1, "rule": "x", "event_received_at": first.received_at, "event_id": first.id}
        ((_row, listed), leaf) = cited_events(frame, [cited], 1_000_000)[0]
        assert (listed.key, listed.actor_name) == (newest.key, "Ana")
        assert leaf is not None
        assert leaf.core == bytes(newest.core)
        signed = replace(frame, now=newest.received_at)
        (((_row, listed), _leaf),) = cited_events(signed, [cited], 1_000_000)
        assert (listed.key, gather(signed, 1).superseded) == (first.key, 0), "as it was read when it was signed"
