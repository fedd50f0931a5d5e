"""The purpose that somebody states for their looks at logs: kept in their session for the day, carried by the actor.

It is asked for once: the first look of a session's day shows the question instead, and goes on afterwards. A machine
says it with each request. An external auditor is not asked: the engagement says what they look for.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.kinds import Actor, Purpose
from tenants.models import Engagement, Tenant

KEPT: Final = "purposes"
"""The key of the session: by tenant, the purpose, its reference and the day (of the tenant's zone)."""
AUDIT: Final = "External audit"
HEADER: Final = "Purpose"
LONGEST: Final = 100


def with_purpose(actor: Actor, request: HttpRequest, tenant: Tenant, engagement: Engagement | None) -> Actor:
    """Return the actor with the purpose that they stated today, or that their engagement is."""
    if engagement is not None:
        return replace(actor, purpose=Purpose(AUDIT, engagement.firm))
    kept = request.session.get(KEPT, {}).get(tenant.slug)
    stated = Purpose(kept["name"], kept["reference"]) if kept and kept["on"] == _today(tenant) else None
    return replace(actor, purpose=stated, asked=True)


def said_by_machine(actor: Actor, headers: Mapping[str, str]) -> Actor:
    """Return the actor of a request to the API with the purpose that its headers say, where they say one."""
    name, reference = (headers.get(header, "").strip()[:LONGEST] for header in (HEADER, f"{HEADER}-Reference"))
    return replace(actor, purpose=Purpose(name, reference)) if name else actor


def state(purpose: Purpose, request: HttpRequest, tenant: Tenant) -> None:
    """Keep a stated purpose in the session for the rest of the day."""
    kept = {"name": purpose.name, "reference": purpose.reference, "on": _today(tenant)}
    request.session[KEPT] = {**request.session.get(KEPT, {}), tenant.slug: kept}


def way_on(request: HttpRequest, address: str, otherwise: str) -> str:
    """Return the address within the portal that the question was asked on the way to."""
    return address if url_has_allowed_host_and_scheme(address, {request.get_host()}) else otherwise


def _today(tenant: Tenant) -> str:
    return timezone.localdate(timezone=tenant.zone).isoformat()
