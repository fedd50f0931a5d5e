"""Long work of the evidence room, run by the worker: safe to run twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from evidence.actions import compute_controls
from evidence.anchoring import HOURLY, anchor
from evidence.building import build_pack as build
from evidence.kinds import Period
from evidence.signoffs.issuing import issue_signed
from evidence.verification import verify_tenant
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress


def build_pack(progress: Progress, tenant: Tenant, pack_id: int) -> dict[str, Any]:
    """Build a requested pack; returns its id and hash."""
    pack = build(tenant, pack_id, progress)
    return {"pack": pack.pk, "sha256": pack.sha256}


def issue_pack(progress: Progress, tenant: Tenant, pack_id: int) -> dict[str, Any]:
    """Issue a draft that everybody has signed; returns its id and hash."""
    pack = issue_signed(tenant, pack_id, progress)
    return {"pack": pack.pk, "sha256": pack.sha256}


def verify_ledger(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Verify everything that the tenant's ledger covers; returns the report, and leaves its outcome in the trail."""
    report = verify_tenant(tenant, progress=progress)
    detail = {"size": report.size, "signed": report.signed_size, "failures": dict(report.findings.counts)}
    with tenant_scope(tenant):
        audit("ledger.verified", by=Actor.system("evidence", tenant.pk), target=report.origin, detail=detail)
    return report.as_json()


def evaluate_controls(
    progress: Progress, tenant: Tenant, start: str, end: str, zone: str, asked_by: str
) -> dict[str, Any]:
    """Evaluate the catalogue over a period given as RFC 3339 texts; returns the run's id."""
    period = Period(datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC), zone)
    by = Actor.system(f"evidence for {asked_by}", tenant.pk)
    with tenant_scope(tenant):
        computed = compute_controls(tenant=tenant, period=period, by=by, progress=progress)
    return {"run": computed.run.pk}


def evaluate_lately(progress: Progress, tenant: Tenant) -> dict[str, Any]:
    """Evaluate the catalogue over the last 90 days; the schedule runs it weekly, so that no month is without one."""
    by, now = Actor.system("scheduler", tenant.pk), timezone.now()
    with tenant_scope(tenant):
        period = Period(now - timedelta(days=90), now, tenant.time_zone)
        computed = compute_controls(tenant=tenant, period=period, by=by, progress=progress)
    return {"run": computed.run.pk}


def anchor_ledger(progress: Progress, tenant: Tenant) -> dict[str, int]:
    """Hand the day's checkpoint over to whoever is to hold it; returns to how many places."""
    progress.step(0, 1, "Handing the checkpoint over")
    return {"places": anchor(tenant)}


def cosign_ledger(progress: Progress, tenant: Tenant) -> dict[str, int]:
    """Have the tenant's witnesses cosign what the log has become; returns how many did."""
    progress.step(0, 1, "Asking the witnesses")
    return {"cosigned": anchor(tenant, HOURLY)}
