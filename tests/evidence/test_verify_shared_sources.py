"""A shared source in committed transactions: whole at every tenant, or nothing at any; and each log verifies."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from evidence.findings import FailureClass
from evidence.verification import verify_tenant
from ledger.queries import head
from ledger.signer import sign_now
from logs.actions import RoutingPlan, record_events, route_source
from logs.answers import DeliveryAnswer
from logs.kinds import Format
from logs.models import AccessEvent, Delivery, LogSource, RecordKey, UsageDay
from logs.routing import Condition, Rule
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import database, make
from tests.database import FreshDatabase
from tests.logs.sources import lines, source
from tests.logs.test_route_events import MIXED


class Shared:
    """A BPO with a shared source and two clients, committed."""

    def __init__(self, fresh: FreshDatabase) -> None:
        self.fresh = fresh
        self.bpo = make.tenant("northwind")
        self.acme, self.zenith = (make.tenant(name, parent=self.bpo) for name in ("acme", "zenith"))
        self.by = Actor.system("tests", self.bpo.pk)
        rules = [
            Rule(str(client.uuid), (Condition("user", (f"*@{client.slug}.example",)),))
            for client in (self.acme, self.zenith)
        ]
        with tenant_scope(self.bpo):
            self.source = source("Single sign-on", Format.OKTA)
            plan = RoutingPlan(rules=tuple(rules), reason="Two clients share it.", after=0)
            route_source(source=self.source, plan=plan, by=self.by)

    @property
    def tenants(self) -> Sequence[Tenant]:
        """The operator and its clients."""
        return (self.bpo, self.acme, self.zenith)

    def deliver(self) -> DeliveryAnswer:
        """Deliver a mixed body in a transaction of its own."""
        with tenant_scope(self.bpo):
            return self.record()

    def record(self) -> DeliveryAnswer:
        """Record a mixed body in the open transaction."""
        of = LogSource.objects.get(pk=self.source.pk)
        return record_events(source=of, body=lines(*MIXED), door="http", by=self.by)

    def die_after_recording(self) -> None:
        """Record a body, and end the session at the server before the ledgers are appended to."""
        with tenant_scope(self.bpo):
            self.record()
            with self.fresh.connect() as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])

    def sizes(self) -> list[tuple[int, ...]]:
        """Count what each tenant has: leaves, events, deliveries, keys and roll-ups."""
        found = []
        for tenant in self.tenants:
            with tenant_scope(tenant):
                rows = [table.objects.count() for table in (AccessEvent, Delivery, RecordKey, UsageDay)]
                found.append((head(tenant.uuid).size, *rows))
        return found


@pytest.fixture
def shared(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[Shared]:
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield Shared(fresh_database)
    connection.close()


def test_every_tenant_that_got_something_verifies(shared: Shared) -> None:
    assert shared.deliver().routed == {"acme": 2, "zenith": 1}
    for tenant, events in zip(shared.tenants, (1, 2, 1), strict=True):
        sign_now(tenant.uuid)
        report = verify_tenant(tenant)
        assert report.findings.shown == []
        assert (report.holds, report.events, report.deliveries) == (True, events, 1)


EDITS = ["routing = 7", "origin_batch = id", """routed_to = '[{"slug": "zenith"}]'"""]


def test_an_edited_word_about_the_routing_is_found(shared: Shared) -> None:
    """As the owner of the tables, in one transaction that is rolled back for each edit."""
    shared.deliver()
    sign_now(shared.bpo.uuid)
    database.use_role("owner", shared.fresh.name)
    for edit in EDITS:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.tenant = '{shared.bpo.pk}'; SET LOCAL app.log = '{shared.bpo.uuid}'")
            cursor.execute(f"UPDATE logs_delivery SET {edit}")  # noqa: S608 -- the text of the test itself
            found = verify_tenant(shared.bpo).findings.counts
            transaction.set_rollback(True)
        assert set(found) == {FailureClass.PROJECTION_DIFFERS}, edit


def test_a_client_whose_ledger_is_locked_makes_the_whole_delivery_come_again(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.actions.record.LOCK_SECONDS", 1)
    before = shared.sizes()
    for client in (shared.acme, shared.zenith):
        with shared.fresh.connect("app", autocommit=False) as other:
            other.execute(f"SET LOCAL app.log = '{client.uuid}'")
            other.execute("SELECT 1 FROM ledger_head FOR UPDATE")
            with pytest.raises(OperationalError):
                shared.deliver()
        assert shared.sizes() == before
    assert shared.deliver().stored == 4


def test_a_server_that_dies_before_the_commit_leaves_nothing(shared: Shared) -> None:
    before = shared.sizes()
    with pytest.raises(OperationalError):
        shared.die_after_recording()
    connection.close()
    assert shared.sizes() == before
    assert shared.deliver().replayed is False
