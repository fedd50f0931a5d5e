"""The scope: nothing of a tenant is read without it, and it seals what happened into the ledger."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import DataError

from ledger.queries import head
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant
from tenants.scope import NoScopeError, tenant_scope

pytestmark = pytest.mark.django_db


def test_the_manager_refuses_without_a_scope(bpo: Tenant) -> None:
    with pytest.raises(NoScopeError):
        AuditEntry.objects.count()


def test_the_database_refuses_without_a_scope(bpo: Tenant) -> None:
    with pytest.raises((ProgrammingError, DataError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_auditentry")


def test_a_scope_sees_only_its_own_tenant(bpo: Tenant, acme: Tenant) -> None:
    with tenant_scope(acme), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM tenants_auditentry")
        assert cursor.fetchall() == [(acme.pk,)]


def test_one_transaction_belongs_to_one_tenant(bpo: Tenant, acme: Tenant) -> None:
    with tenant_scope(bpo), pytest.raises(RuntimeError, match="one tenant"), tenant_scope(acme):
        pass


def leaves(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return head(tenant.uuid).size


def test_a_deed_becomes_a_leaf(bpo: Tenant, system: Actor) -> None:
    before = leaves(bpo)
    with tenant_scope(bpo):
        audit("test.deed", by=system, target="something", detail={"share": 0.5})
    assert leaves(bpo) == before + 1


def test_a_rolled_back_savepoint_leaves_no_leaf(bpo: Tenant, system: Actor) -> None:
    before = leaves(bpo)
    with tenant_scope(bpo):
        audit("test.kept", by=system)
        try:
            with transaction.atomic():
                audit("test.dropped", by=system)
                raise ValueError  # noqa: TRY301 -- rolls the savepoint back
        except ValueError:
            audit("test.after", by=system)
    assert leaves(bpo) == before + 2


def test_the_app_role_cannot_change_the_trail(bpo: Tenant, system: Actor) -> None:
    for statement in (
        "UPDATE tenants_auditentry SET verb = 'x'",
        "DELETE FROM tenants_auditentry",
        "TRUNCATE tenants_auditentry",
    ):
        denied = pytest.raises(ProgrammingError, match="permission denied")
        with tenant_scope(bpo), denied, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
