"""Factories: plain typed functions that make the rows a test needs, through the product's own actions."""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from evidence.catalogue import load
from tenants.actions import open_tenant
from tenants.kinds import Actor, Columns, Role, TenantKind
from tenants.models import Engagement, Membership, Tenant, User
from tenants.queries import actor_for, has_second_factor
from tenants.scope import tenant_scope

PASSWORD = "correct horse battery staple"


def tenant(slug: str, name: str = "", parent: Tenant | None = None, time_zone: str = "Europe/Madrid") -> Tenant:
    """Open a tenant with its ledger: a BPO without a parent, a client with one."""
    kind = TenantKind.CLIENT if parent else TenantKind.BPO
    return open_tenant(slug=slug, name=name or slug.title(), kind=kind, time_zone=time_zone, parent=parent)


def user(name: str, **fields: object) -> User:
    """Create a person ``<name>@example.org`` with the tests' password."""
    return User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.title(), **fields)


def member(person: User, where: Tenant, role: Role, days: int | None = None) -> Membership:
    """Give a person a role; ``days`` limits its term."""
    ends_at = timezone.now() + timedelta(days=days) if days is not None else None
    if role == Role.AUDITOR:
        engage(person, where, days or 30)
    return Membership.objects.create(tenant=where, user=person, role=role, ends_at=ends_at)


def engage(person: User, where: Tenant, days: int = 30, **scope: object) -> Engagement:
    """Engage an auditor who has accepted and holds a second factor: last year to tomorrow, all frameworks, full."""
    now = timezone.now()
    told = {
        "period_start": now - timedelta(days=365),
        "period_end": now + timedelta(days=1),
        "frameworks": list(load().frameworks),
        "columns": Columns.FULL,
        "starts_at": now,
        "ends_at": now + timedelta(days=days),
        "open_until": now + timedelta(days=7),
    }
    with tenant_scope(where):
        made = Engagement(
            email=person.email, firm="Brandt Assurance", user=person, invited_at=now, accepted_at=now, **told | scope
        )
        made.invited_by = "carla@example.org"
        made.save(force_insert=True)
    if not has_second_factor(person):
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DPEHPK3PXP"})
    return made


def actor(person: User, where: Tenant) -> Actor:
    """Return the person as an actor; they must have a role there."""
    found = actor_for(person, where)
    assert found is not None, f"{person} has no role in {where}"
    return found


def login(person: User) -> Client:
    """Return a browser in which the person has logged in."""
    client = Client()
    client.force_login(person)
    return client
