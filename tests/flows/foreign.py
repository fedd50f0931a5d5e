"""A tenant full of things of its own, every name marked, so that any leak into another tenant's answers is seen."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from django.utils import timezone

from alerts.models import Alert, AlertNotice
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import System
from logs.actions import record_events
from logs.kinds import Format
from logs.models import AccessEvent, LogSource
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission
from tenants.models import Membership, Tenant, User, Work
from tenants.scope import tenant_scope
from tests.alerts import world

MARK: Final = "zanzibar"
"""Stands in every name of the foreign tenant and nowhere else."""

Objects = Mapping[tuple[str, str], object]
"""The value of each parameter of an address: by the view's room or dotted name, and the parameter's name."""


def furnish(tenant: Tenant, officer: User, by: Actor) -> Objects:
    """Fill the tenant; returns what stands in the addresses of its things."""
    objects: dict[tuple[str, str], object] = {}
    for add in ADDITIONS:
        with tenant_scope(tenant):
            objects |= add(tenant, officer, by)
    return objects


def _tenants(tenant: Tenant, officer: User, by: Actor) -> Objects:
    token, _text = issue_token(name=f"{MARK} token", scopes=[Permission.AUDIT_VIEW], days=9, user=officer, by=by)
    work = Work.objects.create(kind="tests", title=f"{MARK} work", job="none", asked_by=officer.email)
    return {
        ("tenants", "token_id"): token.pk,
        ("tenants", "work_id"): work.pk,
        ("tenants", "membership_id"): Membership.objects.get(tenant=tenant, user=officer).pk,
    }


def _identities(tenant: Tenant, officer: User, by: Actor) -> Objects:
    upsert_identities(body=f"external_id,name\nE1,{MARK} person\n".encode(), by=by)
    system = save_system(facts=SystemFacts(f"{MARK} CRM", f"{MARK}-crm", "admin*\n"), by=by)
    rows = f"account,entitlement,person\n{MARK}1,admin_all,E1\n{MARK}2,agent,\n".encode()
    at = timezone.now() - timedelta(hours=1)
    upload = SnapshotUpload(rows, at, 2, f"{MARK}.csv", "none", "report", f"{MARK} team")
    snapshot = import_snapshot(system=system, upload=upload, by=by)
    return {("identities", "key"): system.key, ("identities", "snapshot_id"): snapshot.pk}


def _logs(tenant: Tenant, officer: User, by: Actor) -> Objects:
    source = LogSource.objects.create(
        name=f"{MARK} log",
        key=f"{MARK}-log",
        system=System.objects.get(),
        format=Format.JSON,
        mapping=world.MAPPING,
    )
    at = timezone.now() - timedelta(minutes=10)
    lines = [world.line(at + timedelta(seconds=n), f"{MARK}1", ok=False) for n in range(12)]
    body = "\n".join([*lines, f"{MARK} cannot be read", ""]).encode()
    record_events(source=source, body=body, door="tests", by=Actor.system("tests", tenant.pk))
    event = AccessEvent.objects.all()[0]
    return {
        ("logs", "source_id"): source.pk,
        ("logs", "source_key"): source.key,
        ("logs.api.Event", "key"): event.key,
        ("logs", "key"): f"{MARK}1",
    }


def _alerts(tenant: Tenant, officer: User, by: Actor) -> Objects:
    world.look(tenant)
    notice = AlertNotice.objects.create(
        alert_count=1, recipients=[f"{MARK}@example.org"], next_try_at=timezone.now(), last_error=MARK, state="failed"
    )
    return {("alerts", "alert_id"): Alert.objects.get().pk, ("alerts", "notice_id"): notice.pk}


ADDITIONS: Final[tuple[Callable[[Tenant, User, Actor], Objects], ...]] = (_tenants, _identities, _logs, _alerts)
"""One function for each room: a room with new addresses adds its things here."""
