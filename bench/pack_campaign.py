"""Makes a register and a campaign of any size by the product's own actions, open or decided."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity
from reviews.actions import PlanFacts, create_campaign, create_plan, decide, open_campaign
from reviews.kinds import Choice, Outcome, Strategy
from reviews.models import Assignment
from tenants.actions import open_tenant
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Membership, Tenant, User
from tenants.queries import actor_for
from tenants.scope import tenant_scope

A_TRANSACTION = 250
ROLES = ("agent", "lead", "report_reader", "exporter", "admin_all")


def open_review(
    items: int, people: int, managers: Sequence[str], slug: str = "bench"
) -> tuple[Tenant, Actor, dict[str, Actor]]:
    """Open a tenant and a campaign over `items` grants of `people` people, who share the managers as reviewers.

    The officer and the reviewers by their addresses come with the tenant.
    """
    tenant = open_tenant(slug=slug, name="Bench BPO", kind=TenantKind.BPO, time_zone="Europe/Madrid", parent=None)
    officer = _member(tenant, "officer", Role.OFFICER)
    reviewers = {f"{name}@example.org": _member(tenant, name, Role.REVIEWER) for name in managers}
    with tenant_scope(tenant):
        upsert_identities(body=_people(people, managers), by=officer)
        facts = SystemFacts("CRM", "crm", "admin*", owner=Identity.objects.get(external_id="M1"))
        system = save_system(facts=facts, by=officer)
        captured = timezone.now() - timedelta(days=1)
        upload = SnapshotUpload(_grants(items, people), captured, items, "crm.csv", "", "report 12", "CRM team")
        import_snapshot(system=system, upload=upload, by=officer)
        plan = create_plan(
            facts=PlanFacts(
                name="Quarterly review",
                systems=[system],
                fallback=Identity.objects.get(external_id="M2"),
                time_zone="Europe/Madrid",
                starts_on=timezone.localdate(),
                strategy=Strategy.MANAGER,
            ),
            by=officer,
        )
        open_campaign(campaign=create_campaign(plan=plan, occurrence_at=timezone.now(), by=officer), by=officer)
    return tenant, officer, reviewers


def decided_campaign(items: int, people: int, slug: str = "bench") -> tuple[Tenant, Actor]:
    """Open a campaign and decide every item of it."""
    tenant, officer, reviewers = open_review(items, people, ("remy", "rosa"), slug)
    for start in range(0, items, A_TRANSACTION):
        with tenant_scope(tenant):
            rows = Assignment.objects.select_related("item__campaign", "reviewer").order_by("item__n")
            for number, row in enumerate(rows[start : start + A_TRANSACTION], start):
                kept = number % 9 != 0
                reason = "Works on the desk every day." if kept else "Left the desk in spring."
                choice = Choice(Outcome.CERTIFY if kept else Outcome.REVOKE, reason, seen_seconds=5 + number % 20)
                decide(item=row.item, choice=choice, by=reviewers[row.reviewer.email])
    return tenant, officer


def _member(tenant: Tenant, name: str, role: Role) -> Actor:
    """Add a person with a role and return them as an actor."""
    user = User.objects.create_user(f"{name}@example.org", None, name=name.title())
    Membership.objects.create(tenant=tenant, user=user, role=role)
    found = actor_for(user, tenant)
    assert found is not None
    return found


def _people(count: int, managers: Sequence[str]) -> bytes:
    """Return the list of people: the managers, and their reports."""
    lines = ["external_id,name,email,manager,programme"]
    lines += [f"M{n},{name.title()},{name}@example.org,,Acme" for n, name in enumerate(managers, start=1)]
    lines += [f"E{n},Agent {n:04d},agent{n}@example.org,M{1 + n % len(managers)},Acme" for n in range(count)]
    return "\n".join(lines).encode() + b"\n"


def _grants(items: int, people: int) -> bytes:
    """Return the system's list of grants."""
    lines = ["account,entitlement,person,kind"]
    lines += [f"agent{n % people},{ROLES[n // people]},E{n % people},human" for n in range(items)]
    return "\n".join(lines).encode() + b"\n"
