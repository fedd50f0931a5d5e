"""The watchdog: a queue that stands still is noticed, a busy or an idle one is left alone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Task

from portal.watchdog import PATIENCE, queue_stands_still
from tenants.kinds import Actor, WorkState
from tenants.models import Tenant, Work
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(minutes=1) + PATIENCE


def _due(ago: timedelta) -> None:
    OrmQ.objects.create(key="countersign", payload="x", lock=timezone.now() - ago)


def test_an_empty_or_fresh_queue_is_left_alone(bpo: Tenant) -> None:
    assert not queue_stands_still(timezone.now())
    _due(timedelta(seconds=5))
    assert not queue_stands_still(timezone.now())


def test_a_task_due_for_minutes_is_noticed(bpo: Tenant) -> None:
    _due(LONG_AGO)
    assert queue_stands_still(timezone.now())


def test_a_queue_that_finishes_tasks_is_only_busy(bpo: Tenant) -> None:
    _due(LONG_AGO)
    now = timezone.now()
    Task.objects.create(id="a" * 32, name="t", func="f", started=now, stopped=now, success=True)
    assert not queue_stands_still(now)


def test_long_work_that_reports_is_only_long(bpo: Tenant, system: Actor) -> None:
    _due(LONG_AGO)
    with tenant_scope(bpo):
        Work(kind="t", title="t", job="j", asked_by="x", state=WorkState.RUNNING, heartbeat_at=timezone.now()).save()
    assert not queue_stands_still(timezone.now())
