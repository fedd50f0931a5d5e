"""The frame of a page: the sidebar, and the auditor's banner with the days that are left."""

from typing import Any

from django import template
from django.template.context import Context
from django.utils import timezone

from portal.navigation import sections
from tenants.kinds import Role
from tenants.models import User
from tenants.queries import current_memberships

register = template.Library()


@register.inclusion_tag("components/_sidebar.html", takes_context=True)
def sidebar(context: Context) -> dict[str, Any]:
    """Draw the sidebar by the actor's permissions; outside a tenant it shows the account pages only."""
    request = context["request"]
    tenant, actor = getattr(request, "tenant", None), getattr(request, "actor", None)
    user = getattr(request, "user", None)
    person = user if isinstance(user, User) else None
    groups = sections(actor, tenant.slug, request.path) if tenant and actor else []
    tenants = {row.tenant_id: row.tenant for row in current_memberships(person)} if person else {}
    return {
        "tenant": tenant,
        "actor": actor,
        "user": person,
        "roles": sorted(Role(role).label for role in actor.roles) if actor else [],
        "groups": groups,
        "tenants": sorted(tenants.values(), key=lambda one: (one.kind, one.name)),
        "path": request.path,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("components/_room_banner.html", takes_context=True)
def room_banner(context: Context) -> dict[str, Any]:
    """Draw the banner that tells an external auditor how long the room is open."""
    request = context["request"]
    actor = getattr(request, "actor", None)
    if actor is None or Role.AUDITOR not in actor.roles:
        return {}
    rows = [row for row in current_memberships(request.user) if row.tenant_id == actor.tenant_id]
    membership = next((row for row in rows if row.role == Role.AUDITOR), None)
    days_left = membership.days_left(timezone.now()) if membership else None
    return {"membership": membership, "days_left": days_left, "tenant": request.tenant}
