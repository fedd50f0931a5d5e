"""Mails of the auditor's room, sent by the worker; run twice they send twice."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from evidence.room.letters import turn_letter
from evidence.room.models import RequestEntry
from evidence.states import Turn
from tenants.kinds import Role
from tenants.models import Tenant
from tenants.queries import members_with_role
from tenants.scope import tenant_scope
from tenants.work import Progress


def post_turn(progress: Progress, tenant: Tenant, entry_id: int) -> dict[str, int]:
    """Mail a turn to the other side: the auditor's to the compliance officers, the officers' to the auditor."""
    progress.step(0, 1, "Mailing the other side")
    with tenant_scope(tenant):
        rows = RequestEntry.objects.select_related("request", "engagement__user").defer("document")
        entry = rows.get(pk=entry_id)
        officers = [user.email for user in members_with_role(tenant, Role.OFFICER)]
    addresses = officers if entry.by_auditor else [entry.engagement.email]
    path = reverse("evidence:request", args=[tenant.slug, entry.request_id])
    letter = turn_letter(
        tenant=tenant.name,
        firm=entry.engagement.firm,
        number=entry.request.n,
        turn=Turn(entry.turn),
        link=f"{settings.PORTAL_URL}{path}",
    )
    for address in addresses:
        EmailMessage(letter.subject, letter.body, settings.DEFAULT_FROM_EMAIL, [address]).send()
    return {"mails": len(addresses)}
