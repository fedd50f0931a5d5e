"""Which tenants a person may enter."""

from dataclasses import dataclass, field

from tenants.kinds import Role, TenantKind
from tenants.models import Tenant, User
from tenants.queries import current_memberships


@dataclass(slots=True)
class Entry:
    """One tenant that a person may enter, and as what."""

    tenant: Tenant
    roles: list[str] = field(default_factory=list)


def tenants_of(user: User) -> list[Entry]:
    """Return the tenants that a person may enter now: the BPO before its clients, then by name."""
    entries: dict[int, Entry] = {}
    for membership in current_memberships(user):
        entry = entries.setdefault(membership.tenant_id, Entry(membership.tenant))
        entry.roles.append(Role(membership.role).label)
    return sorted(entries.values(), key=lambda entry: (entry.tenant.kind != TenantKind.BPO, entry.tenant.name))
