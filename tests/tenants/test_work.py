"""Long work: its steps are seen while it runs, it can be cancelled, it runs once, and a fault is said."""

import pytest
from django_q.models import OrmQ

from tenants.kinds import Actor, Refused, WorkState
from tenants.models import Tenant, User, Work
from tenants.scope import tenant_scope
from tenants.work import Progress, Tracked, cancel_work, enqueue, run_work
from tests import make
from tests.database import FreshDatabase


def count_to(progress: Progress, tenant: Tenant, limit: int) -> dict[str, int]:
    """Counts inside a scope and says each number."""
    with tenant_scope(tenant):
        for number in range(1, limit + 1):
            progress.step(number, limit, f"Number {number}")
    return {"counted": limit}


def break_down(progress: Progress, tenant: Tenant) -> dict[str, int]:
    """Fails."""
    message = "The file is empty."
    raise ValueError(message)


def _ask(tenant: Tenant, job: str, *arguments: int) -> Work:
    with tenant_scope(tenant):
        return enqueue(
            "test", f"tests.tenants.test_work.{job}", *arguments, title="A test", by=Actor.system("x", tenant.pk)
        )


def _look(tenant: Tenant, work: Work) -> Work:
    with tenant_scope(tenant):
        return Work.objects.get(pk=work.pk)


def test_work_runs_once_and_keeps_its_result(fresh_database: FreshDatabase) -> None:
    tenant = make.tenant("northwind")
    work = _ask(tenant, "count_to", 3)
    assert OrmQ.objects.count() == 1
    assert run_work(work.pk, tenant.pk) == WorkState.DONE
    assert run_work(work.pk, tenant.pk) == "nothing to do"
    done = _look(tenant, work)
    assert (done.result, done.percent, done.message, done.is_over) == ({"counted": 3}, 100, "Number 3", True)


def test_a_step_is_seen_while_the_work_runs(fresh_database: FreshDatabase) -> None:
    tenant = make.tenant("northwind")
    work = _ask(tenant, "count_to", 3)
    with tenant_scope(tenant):
        Tracked(work.pk, tenant).step(1, 3, "Number 1")
        with fresh_database.connect("readonly") as other:
            row = other.execute("SELECT done, total FROM tenants_work WHERE id = %s", [work.pk]).fetchone()
    assert row == (1, 3)


def test_cancelled_work_stops_at_its_next_step(fresh_database: FreshDatabase) -> None:
    tenant = make.tenant("northwind")
    work = _ask(tenant, "count_to", 3)
    with tenant_scope(tenant):
        Work.objects.filter(pk=work.pk).update(cancel_requested=True)
    assert run_work(work.pk, tenant.pk) == WorkState.CANCELLED


def test_a_fault_is_kept_as_a_sentence(fresh_database: FreshDatabase) -> None:
    tenant = make.tenant("northwind")
    work = _ask(tenant, "break_down")
    with pytest.raises(ValueError, match="empty"):
        run_work(work.pk, tenant.pk)
    assert (_look(tenant, work).state, _look(tenant, work).error) == (WorkState.FAILED, "The file is empty.")


@pytest.mark.django_db
def test_only_who_asked_or_manages_cancels(in_bpo: Tenant, carla: User, ana: User, remy: User) -> None:
    work = enqueue("test", "tests.tenants.test_work.count_to", 3, title="A test", by=make.actor(ana, in_bpo))
    with pytest.raises(Refused):
        cancel_work(work=work, by=make.actor(remy, in_bpo))
    cancel_work(work=work, by=make.actor(carla, in_bpo))
    work.refresh_from_db()
    assert (work.state, work.finished_at is None) == (WorkState.CANCELLED, False)


@pytest.mark.django_db
def test_a_work_that_began_meanwhile_is_not_taken_for_over(in_bpo: Tenant, ana: User) -> None:
    by = make.actor(ana, in_bpo)
    work = enqueue("test", "tests.tenants.test_work.count_to", 3, title="A test", by=by)
    Work.objects.update(state=WorkState.RUNNING)
    cancel_work(work=work, by=by)
    work.refresh_from_db()
    assert (work.state, work.cancel_requested, work.finished_at) == (WorkState.RUNNING, True, None)
