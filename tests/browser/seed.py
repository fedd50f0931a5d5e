"""What the browsers find: a BPO with a client and one person of each role, made by the product's own actions."""

from dataclasses import dataclass
from typing import Final

from tenants.actions import grant_role, issue_token
from tenants.kinds import Permission, Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make

ROLES: Final = {
    "olga": Role.OPERATOR,
    "carla": Role.OFFICER,
    "ana": Role.ANALYST,
    "remy": Role.REVIEWER,
    "axel": Role.AUDITOR,
    "cleo": Role.CLIENT,
}


@dataclass(frozen=True)
class Cast:
    """The tenants and the people by first name."""

    bpo: Tenant
    acme: Tenant
    people: dict[str, User]

    def home(self, name: str) -> Tenant:
        """Return the tenant in which the person works."""
        return self.acme if name == "cleo" else self.bpo


def everything() -> Cast:
    """Fill the database; returns who is in it."""
    bpo = make.tenant("northwind", "Northwind Services")
    acme = make.tenant("acme", "Acme Insurance", parent=bpo, time_zone="America/New_York")
    people = {name: make.user(name) for name in ROLES}
    for name, role in ROLES.items():
        make.member(people[name], acme if name == "cleo" else bpo, role, days=30 if role == Role.AUDITOR else None)
    make.member(people["carla"], acme, Role.OFFICER)
    cast = Cast(bpo, acme, people)
    _deeds(cast)
    return cast


def _deeds(cast: Cast) -> None:
    carla = make.actor(cast.people["carla"], cast.bpo)
    with tenant_scope(cast.bpo):
        issue_token(name="SIEM export", scopes=[Permission.AUDIT_VIEW], days=90, user=cast.people["carla"], by=carla)
        grant_role(tenant=cast.bpo, user=make.user("rosa"), role=Role.REVIEWER, by=carla)
