"""Notices that the job queue stands still, so that the supervisor can start it afresh.

django-q2 1.11 can stop for good when an idle worker is killed while it holds the queue's lock (django-q2 #23, seen in
two of four tries): the cluster's own guard does not notice. What shows it: a task has been due for minutes, nothing was
finished since, and no long work reports a step.
"""

from datetime import datetime, timedelta
from typing import Final

from django_q.models import OrmQ, Task

from tenants.kinds import WorkState
from tenants.models import Tenant, Work
from tenants.queries import all_tenants
from tenants.scope import tenant_scope

PATIENCE: Final = timedelta(minutes=5)


def queue_stands_still(now: datetime) -> bool:
    """Whether a task has been due for longer than `PATIENCE` while nothing moved."""
    since = now - PATIENCE
    if not OrmQ.objects.filter(lock__lt=since).exists():
        return False
    if Task.objects.filter(stopped__gt=since).exists():
        return False
    return not any(_works(tenant, since) for tenant in all_tenants())


def _works(tenant: Tenant, since: datetime) -> bool:
    with tenant_scope(tenant):
        return Work.objects.filter(state=WorkState.RUNNING, heartbeat_at__gt=since).exists()
