"""The scope of a client inside of its BPO's transaction: one tenant's rows at a time, each deed in its own ledger."""

import pytest
from django.db import DatabaseError, connection, transaction

from ledger import actions as ledger
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant
from tenants.scope import client_scope, current_tenant_id, tenant_scope
from tests.tenants.test_scope import leaves

pytestmark = pytest.mark.django_db


def named() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_tenant()")
        return str(cursor.fetchone()[0])


def test_a_visit_opens_the_clients_rows_and_closes_them_again(bpo: Tenant, acme: Tenant) -> None:
    with tenant_scope(bpo):
        with client_scope(acme):
            assert {row.tenant_id for row in AuditEntry.objects.all()} == {acme.pk}
            assert (current_tenant_id(), named()) == (acme.pk, str(acme.pk))
        assert (current_tenant_id(), named()) == (bpo.pk, str(bpo.pk))


def test_a_tenant_that_is_no_client_is_not_reached(
    bpo: Tenant, acme: Tenant, zenith: Tenant, strangers: Tenant
) -> None:
    with tenant_scope(bpo), pytest.raises(RuntimeError, match="client"), client_scope(strangers):
        pass
    with tenant_scope(bpo), client_scope(acme), pytest.raises(RuntimeError, match="client"), client_scope(zenith):
        pass


def visit_that_fails(by: Actor) -> None:
    audit("test.dropped", by=by)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_a_visit_that_fails_is_taken_back_and_its_deeds_with_it(bpo: Tenant, acme: Tenant, system: Actor) -> None:
    before = leaves(bpo), leaves(acme)
    with tenant_scope(bpo):
        with pytest.raises(DatabaseError), client_scope(acme):
            visit_that_fails(system)
        assert named() == str(bpo.pk)
        audit("test.kept", by=system)
    assert (leaves(bpo), leaves(acme)) == (before[0] + 1, before[1])


def test_each_deed_goes_to_its_own_ledger_and_the_heads_are_locked_in_one_order(
    bpo: Tenant, acme: Tenant, zenith: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, locked, append = [leaves(one) for one in (bpo, acme, zenith)], [], ledger.append

    def watched(**asked: object) -> object:
        locked.append(asked["log_id"])
        return append(**asked)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(ledger, "append", watched)
    with tenant_scope(bpo):
        audit("test.home", by=system)
        for client in (zenith, acme, zenith):
            with client_scope(client):
                audit("test.visit", by=system)
    assert [leaves(one) for one in (bpo, acme, zenith)] == [before[0] + 1, before[1] + 1, before[2] + 2]
    assert locked == sorted({bpo.uuid, acme.uuid, zenith.uuid})


def test_what_the_host_takes_back_is_taken_back_everywhere(bpo: Tenant, acme: Tenant, system: Actor) -> None:
    before = leaves(bpo), leaves(acme)
    with tenant_scope(bpo):
        with client_scope(acme):
            audit("test.visit", by=system)
        transaction.set_rollback(True)
    assert (leaves(bpo), leaves(acme)) == before
