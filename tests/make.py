"""Factories: plain typed functions that make the rows a test needs, through the product's own actions."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from tenants.actions import open_tenant
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Membership, Tenant, User
from tenants.queries import actor_for

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
    return Membership.objects.create(tenant=where, user=person, role=role, ends_at=ends_at)


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
