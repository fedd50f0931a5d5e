"""The tick: hands what fell due by the schedule to the worker, once per tenant and period, and what a dead one left."""

import logging

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from evidence.workshop import sweep
from portal.models import ScheduledRun
from portal.schedule import SCHEDULE, Entry
from tenants.models import Tenant
from tenants.queries import all_tenants
from tenants.scope import tenant_scope
from tenants.work import Silent, take_up_again

_log = logging.getLogger(__name__)


def tick() -> int:
    """Queue what fell due, and clear what killed workers left; returns how many jobs were queued. Safe to run twice."""
    now = timezone.now()
    queued = 0
    for tenant in all_tenants():
        queued += take_up_again(tenant)
        for entry in SCHEDULE:
            queued += _claim(entry, tenant, entry.period(now).isoformat())
    sweep()
    return queued


def _claim(entry: Entry, tenant: Tenant, period: str) -> bool:
    with tenant_scope(tenant):
        if ScheduledRun.objects.filter(name=entry.name, period_at=period).exists():
            return False
        try:
            with transaction.atomic():
                ScheduledRun(name=entry.name, period_at=period).save(force_insert=True)
        except IntegrityError:  # another tick was faster
            return False
        transaction.on_commit(lambda: async_task("portal.jobs.run_entry", entry.name, tenant.pk))
    return True


def run_entry(name: str, tenant_id: int) -> str:
    """Run one entry of the schedule for one tenant."""
    entry = next((entry for entry in SCHEDULE if entry.name == name), None)
    if entry is None:
        _log.warning("The schedule has no entry %r any more.", name)
        return "unknown"
    tenant = Tenant.objects.get(pk=tenant_id)
    return str(import_string(entry.job)(Silent(), tenant))
