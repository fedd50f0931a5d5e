"""The tenant that bench/intake.py delivers to: a BPO with 300 accounts on one system and one source."""

from collections.abc import Mapping
from typing import Any

from identities.models import Account, Identity, System
from logs.actions import RoutingPlan, SourcePlan, add_source, issue_source_token, record_events, route_source
from logs.kinds import Format
from logs.models import LogSource
from logs.routing import Condition, Rule
from tenants.actions import open_tenant
from tenants.kinds import Actor, TenantKind
from tenants.models import Tenant
from tenants.scope import tenant_scope


def open_source(mapping: Mapping[str, Any]) -> tuple[str, str]:
    """Open the tenant and the source; return the path of its door and its token."""
    tenant, source = make_source(mapping, log_type=2)
    with tenant_scope(tenant):
        token = issue_source_token(source=source, by=Actor.system("bench", tenant.pk))
    return f"/api/v1/t/bench/ingest/{source.key}", token


def open_shared_source(mapping: Mapping[str, Any]) -> tuple[str, str]:
    """Open a shared source at the tenant, whose rules send two thirds of the people to two clients; path and token."""
    tenant = Tenant.objects.get(slug="bench")
    by = Actor.system("bench", tenant.pk)
    rules = []
    for number in range(2):
        facts = {"slug": f"client{number}", "name": f"Client {number}", "time_zone": "Europe/Madrid"}
        client = open_tenant(kind=TenantKind.CLIENT, parent=tenant, **facts)
        rules.append(Rule(str(client.uuid), (Condition("user", (f"agent{number}*",)),)))
    with tenant_scope(tenant):
        system = System.objects.get()
        plan = SourcePlan(name="Shared", format=Format.JSON, system=system, mapping=mapping, log_types=(2,))
        source = add_source(plan=plan, by=by)
        route_source(
            source=source, plan=RoutingPlan(rules=tuple(rules), reason="Two clients share it.", after=0), by=by
        )
        return f"/api/v1/t/bench/ingest/{source.key}", issue_source_token(source=source, by=by)


def make_source(mapping: Mapping[str, Any], log_type: int, people: int = 300) -> tuple[Tenant, LogSource]:
    """Open a tenant with people, a system and a source of one kind of log."""
    tenant: Tenant = open_tenant(
        slug="bench", name="Bench", kind=TenantKind.BPO, time_zone="Europe/Madrid", parent=None
    )
    by = Actor.system("bench", tenant.pk)
    with tenant_scope(tenant):
        system = System.objects.create(name="Helpdesk", key="helpdesk", privileged_rule="admin*")
        for number in range(people):
            add_account(system, f"agent{number:03d}")
        types = (log_type,)
        plan = SourcePlan(name="Helpdesk access", format=Format.JSON, system=system, mapping=mapping, log_types=types)
        return tenant, add_source(plan=plan, by=by)


def add_account(system: System, name: str) -> None:
    """Add a person with one account."""
    person = Identity.objects.create(external_id=name, name=name.title())
    Account.objects.create(
        system=system, name=name, name_key=name, identity=person, salt=b"0" * 16, ref=name.rjust(64, "0")
    )


def deliver(tenant: Tenant, body: bytes) -> None:
    """Record one body without the way over HTTP."""
    with tenant_scope(tenant):
        source = LogSource.objects.get()
        record_events(source=source, body=body, door="http", by=Actor.system("bench", tenant.pk))
