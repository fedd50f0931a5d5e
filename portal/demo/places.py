"""Approves the places from which the demo's people may come in, as its officer did before the logs begin."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from logs.actions import PlaceFacts, approve_place
from tenants.kinds import Actor
from tenants.models import Tenant

APPROVER: Final = "Dario Conti, deputy compliance officer"
HOME_LINES: Final = "Home lines of the two carriers in the remote work policy, version 4."
PLACES: Final = {
    "harbour": (("192.0.2.0/24", HOME_LINES), ("198.51.100.0/24", HOME_LINES)),
    "acme": (("198.51.100.8/29", "Acme's own offices, as its supervisors use the gateway."),),
}


@transaction.atomic
def approve_places(tenant: Tenant, days: int, by: Actor) -> None:
    """Approve the places of the open tenant, from a day before its logs begin."""
    since = timezone.localdate(timezone=tenant.zone) - timedelta(days=days + 2)
    for place, reason in PLACES.get(tenant.slug, ()):
        approve_place(facts=PlaceFacts(place, None, APPROVER, since, tenant.zone, reason), by=by)
