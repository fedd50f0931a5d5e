"""Jobs of the tenants room, called by the schedule and by the worker."""

from tenants.actions import beat_ledger
from tenants.engagements import post_invitation as post
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress


def beat(progress: Progress, tenant: Tenant) -> dict[str, bool]:
    """Write a heartbeat where the tenant's ledger was silent; safe to run twice."""
    progress.step(0, 1, "Looking how long the ledger was silent")
    with tenant_scope(tenant):
        return {"written": beat_ledger(by=Actor.system("scheduler", tenant.pk))}


def post_invitation(progress: Progress, tenant: Tenant, engagement_id: int) -> dict[str, str]:
    """Mail an auditor's invitation; run twice it sends a second mail, whose link alone works."""
    progress.step(0, 1, "Mailing the invitation")
    return {"mailed_to": post(tenant, engagement_id)}
