"""A tenant's SCIM service, spoken to as a directory does: with a token over the whole WSGI application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tenants.actions import issue_token
from tenants.kinds import Permission
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make


def scim_token(person: User, where: Tenant, *scopes: Permission) -> str:
    """Return the text of a token for provisioning, or with other scopes."""
    with tenant_scope(where):
        by = make.actor(person, where)
        wanted = scopes or (Permission.PEOPLE_PROVISION,)
        return issue_token(name="directory", scopes=wanted, days=30, user=person, by=by)[1]


@dataclass(frozen=True)
class Directory:
    """What speaks SCIM to one tenant."""

    slug: str
    token: str

    def ask(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """Send a request; returns the answer."""
        sent: Mapping[str, Any] = {} if body is None else {"data": body, "content_type": "application/scim+json"}
        return getattr(Client(raise_request_exception=True), method)(
            f"/api/v1/t/{self.slug}/scim/v2{path}",
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/scim+json"},
            query_params=query or None,
            **sent,
        )

    def user(self, name: str, /, **said: object) -> dict[str, Any]:
        """Take a user in; returns the resource."""
        answer = self.ask("post", "/Users", {"schemas": [USER], "userName": name, **said})
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    def patch(self, path: str, *operations: dict[str, object]) -> Any:
        """Send the operations of a PATCH; returns the answer."""
        return self.ask("patch", path, {"schemas": [PATCH], "Operations": list(operations)})


USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def directory(carla: User, bpo: Tenant) -> Directory:
    """The BPO's directory."""
    return Directory(bpo.slug, scim_token(carla, bpo))


@pytest.fixture
def elsewhere(stella: User, strangers: Tenant) -> Directory:
    """The strangers' directory."""
    return Directory(strangers.slug, scim_token(stella, strangers))
