"""Two senders at once: the second waits for the first one's commit, and is then answered as if it came later."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from django.db import connections, transaction
from django.test import Client

from logs.actions import KeyReusedError, issue_source_token, record_events
from logs.answers import DeliveryAnswer
from logs.intake import native_key
from logs.kinds import Format
from logs.models import AccessEvent, Delivery, LogSource
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.database import FreshDatabase
from tests.logs.sources import SSHD_BAD, SSHD_OK, lines, okta, source

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def tenant(fresh_database: FreshDatabase) -> Tenant:
    return make.tenant("northwind")


def made(tenant: Tenant, form: Format) -> LogSource:
    with tenant_scope(tenant):
        return source("Any", form)


def deliver(of: LogSource, body: bytes, key: str = "") -> DeliveryAnswer:
    by = Actor.system("tests", of.tenant_id)
    return record_events(source=of, body=body, door="test", by=by, idempotency_key=key)


@contextmanager
def second(database: FreshDatabase, of: LogSource, body: bytes, key: str = "") -> Iterator[Future[DeliveryAnswer]]:
    """Deliver in another thread; the block begins when that delivery waits for a lock of ours."""

    def work() -> DeliveryAnswer:
        try:
            with tenant_scope(of.tenant):
                return deliver(of, body, key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads, database.connect("readonly") as looker:
        found = threads.submit(work)
        while not (looker.execute(WAITING).fetchone() or (0,))[0] and not found.done():
            looker.execute("SELECT pg_sleep(0.02)")
        assert not found.done()
        yield found


@pytest.mark.parametrize(
    ("form", "body"),
    [(Format.SSHD_SYSLOG, lines(SSHD_OK)), (Format.OKTA, lines(okta(1)))],
    ids=["by body", "by record id"],
)
def test_the_same_body_at_the_same_time_is_stored_once(
    fresh_database: FreshDatabase, tenant: Tenant, form: Format, body: bytes
) -> None:
    of = made(tenant, form)
    with ExitStack() as first_ends:
        first_ends.enter_context(tenant_scope(tenant))
        first = deliver(of, body)
        with second(fresh_database, of, body) as waiting:
            first_ends.close()
            again = waiting.result(30)
    assert (again.replayed, again.batch) == (True, first.batch)
    with tenant_scope(tenant):
        assert (AccessEvent.objects.count(), Delivery.objects.count()) == (1, 1)


def test_a_key_at_the_same_time_with_another_body_is_refused(fresh_database: FreshDatabase, tenant: Tenant) -> None:
    of = made(tenant, Format.SSHD_SYSLOG)
    with ExitStack() as first_ends:
        first_ends.enter_context(tenant_scope(tenant))
        deliver(of, lines(SSHD_OK), "k1")
        with second(fresh_database, of, lines(SSHD_BAD), "k1") as waiting:
            first_ends.close()
            with pytest.raises(KeyReusedError):
                waiting.result(30)
    with tenant_scope(tenant):
        assert Delivery.objects.count() == 1


def test_what_the_first_takes_back_the_second_stores(fresh_database: FreshDatabase, tenant: Tenant) -> None:
    of, body = made(tenant, Format.OKTA), lines(okta(1), okta(2))
    with ExitStack() as first_ends:
        first_ends.enter_context(tenant_scope(tenant))
        deliver(of, body)
        with second(fresh_database, of, body) as waiting:
            transaction.set_rollback(True)
            first_ends.close()
            again = waiting.result(30)
    assert (again.replayed, again.stored, again.duplicates) == (False, 2, 0)


@pytest.mark.parametrize(
    "held",
    [
        "SELECT 1 FROM logs_logsource FOR UPDATE",
        "INSERT INTO logs_recordkey (tenant_id, source_id, key, received_at) SELECT tenant_id, id, %s, now() FROM "
        "logs_logsource",
    ],
)
def test_who_waits_too_long_is_told_to_send_again(
    fresh_database: FreshDatabase, tenant: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    monkeypatch.setattr("logs.actions.record.LOCK_SECONDS", 1)
    of = made(tenant, Format.OKTA)
    with tenant_scope(tenant):
        token = issue_source_token(source=of, by=Actor.system("tests", tenant.pk))
    asked = partial(client.post, f"/api/v1/t/{tenant.slug}/ingest/any", lines(okta(1)), "text/plain")
    with fresh_database.connect("app", autocommit=False) as other:
        other.execute(f"SET LOCAL app.tenant = '{tenant.pk}'")
        other.execute(held, [native_key(of.pk, "event-1")] if "%s" in held else None)  # type: ignore[call-overload]  # ours
        busy = asked(headers={"Authorization": f"Bearer {token}"})
        other.rollback()
    assert (busy.status_code, busy["Retry-After"], busy.json()["code"]) == (503, "5", "busy")
    assert asked(headers={"Authorization": f"Bearer {token}"}).json()["stored"] == 1
