"""A tenant full of things of its own, every name marked, so that any leak into another tenant's answers is seen."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from django.utils import timezone

from alerts.models import Alert, AlertNotice
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity, System
from logs.actions import record_events
from logs.kinds import Format
from logs.models import AccessEvent, LogSource
from reviews.actions import PlanFacts, create_campaign, create_plan, open_campaign
from reviews.kinds import Strategy
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission, Role
from tenants.models import Membership, Tenant, User, Work
from tenants.scope import tenant_scope
from tests import make
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
    manager = make.user(f"{MARK}-manager")
    make.member(manager, tenant, Role.REVIEWER)
    people = f"external_id,name,email\nE1,{MARK} person,\nE2,{MARK} manager,{manager.email}\n"
    upsert_identities(body=people.encode(), by=by)
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


def _reviews(tenant: Tenant, officer: User, by: Actor) -> Objects:
    facts = PlanFacts(
        name=f"{MARK} review",
        systems=[System.objects.get()],
        fallback=Identity.objects.get(external_id="E2"),
        time_zone="UTC",
        starts_on=timezone.localdate(),
        strategy=Strategy.MANAGER,
    )
    plan = create_plan(facts=facts, by=by)
    campaign = open_campaign(campaign=create_campaign(plan=plan, occurrence_at=timezone.now(), by=by), by=by)
    ids: dict[str, object] = {"campaign_id": campaign.pk, "plan_id": plan.pk}
    return {(room, name): value for room in ("reviews", "portal") for name, value in ids.items()}


ADDITIONS: Final[tuple[Callable[[Tenant, User, Actor], Objects], ...]] = (
    _tenants,
    _identities,
    _logs,
    _alerts,
    _reviews,
)
"""One function for each room: a room with new addresses adds its things here."""
