"""Long work: asked for by a person, done in the background, with progress, an end and a way to cancel it.

A job is ``def job(progress: Progress, tenant: Tenant, *arguments) -> dict``: it opens its own scope, calls one action
and hands ``progress`` down. It must be safe to run twice, since the queue delivers at least once.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol

from django.db import connections, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from tenants.audit import audit
from tenants.kinds import Actor, Cancelled, Permission, Verdict, WorkState, denied, enforce, permit
from tenants.models import Tenant, Work
from tenants.scope import tenant_scope

_log = logging.getLogger(__name__)
STALE: Final = timedelta(seconds=120)
"""A running job without a heartbeat for this long is taken for dead and may be run again."""
ABANDONED: Final = timedelta(seconds=300)
"""After this long without a heartbeat the work is queued again: its worker was killed, or its machine went down."""
GIVEN_UP: Final = timedelta(days=1)
"""Work that was asked for longer ago is not queued again: it may be what kills the worker."""


class Progress(Protocol):
    """Where a job says how far it is."""

    def step(self, done: int, total: int, message: str = "") -> None:
        """Report; raises `Cancelled` when the person no longer wants the work."""


class Silent:
    """Reports to nobody: for actions that finish at once and for tests."""

    def step(self, done: int, total: int, message: str = "") -> None:
        """Report to nobody."""


class Writes(Protocol):
    """What a step can be written to: a file, or a command's output."""

    def write(self, text: str, /) -> object:
        """Write the text."""


class Printed:
    """Reports on a terminal or in a log, one line a step."""

    def __init__(self, out: Writes) -> None:
        self.out = out
        self._last = ""

    def step(self, done: int, total: int, message: str = "") -> None:
        """Print the step, unless it repeats the one before."""
        if message and message == self._last:
            return
        self._last = message
        self.out.write(f"  [{done:,}/{total:,}] {message}\n" if total else f"  [{done:,}] {message}\n")


class Tracked:
    """Reports in the Work row over a connection of its own, so that it is seen while the job's transaction runs."""

    def __init__(self, work_id: int, tenant: Tenant) -> None:
        self.work_id, self.tenant = work_id, tenant

    def step(self, done: int, total: int, message: str = "") -> None:
        """Store the step; raises `Cancelled` when cancelling was asked for."""
        values = {"done": done, "total": total, "message": message[:300], "heartbeat_at": timezone.now()}
        _set(self.work_id, self.tenant, **values)
        with tenant_scope(self.tenant, using="progress"):
            asked = Work.objects.using("progress").filter(pk=self.work_id, cancel_requested=True).exists()
        if asked:
            raise Cancelled


def _set(work_id: int, tenant: Tenant, **values: Any) -> None:
    with tenant_scope(tenant, using="progress"):
        Work.objects.using("progress").filter(pk=work_id).update(**values)


def enqueue(kind: str, job: str, *arguments: Any, title: str, by: Actor) -> Work:
    """Store a piece of long work and hand it to the worker after the commit.

    Args:
        kind: what it is, such as ``evidence.pack``.
        job: dotted name of the job in the caller's own room.
        arguments: ids and other JSON values.
        title: what the person reads, such as ``Evidence pack for Acme, October 2026``.
        by: who asked.
    """
    work = Work(kind=kind, job=job, arguments=list(arguments), title=title[:200], asked_by=by.name)
    work.asked_by_user_id = by.user_id
    work.save(force_insert=True)
    work_id, tenant_id = work.pk, work.tenant_id
    transaction.on_commit(lambda: async_task("tenants.work.run_work", work_id, tenant_id))
    return work


def run_work(work_id: int, tenant_id: int) -> str:
    """Run one piece of long work; returns the state it ended in. Called by the worker, safe to call twice."""
    tenant = Tenant.objects.get(pk=tenant_id)
    work = _claim(work_id, tenant)
    if work is None:
        return "nothing to do"
    try:
        result = import_string(work.job)(Tracked(work_id, tenant), tenant, *work.arguments)
    except Cancelled as stop:
        message = str(stop) or "Cancelled; nothing of it was kept."
        return _finish(work_id, tenant, WorkState.CANCELLED, message=message)
    except Exception as fault:
        _log.exception("Work %s (%s) failed", work_id, work.job)
        _finish(work_id, tenant, WorkState.FAILED, error=_sentence(fault))
        raise
    return _finish(work_id, tenant, WorkState.DONE, result=result or {})


def take_up_again(tenant: Tenant) -> int:
    """Queue the tenant's work again whose worker died in the middle of it; returns how many. Safe to run twice."""
    now, again = timezone.now(), 0
    with tenant_scope(tenant):
        left = Work.objects.filter(state=WorkState.RUNNING, heartbeat_at__lt=now - ABANDONED)
        for work in left.order_by("id"):
            if work.created_at < now - GIVEN_UP:
                error = "The worker ended in the middle of it, again and again for a day: ask for it anew."
                left.filter(pk=work.pk).update(state=WorkState.FAILED, finished_at=now, error=error)
                continue
            said = "Taken up again: its worker had ended in the middle of it."
            if left.filter(pk=work.pk).update(state=WorkState.QUEUED, heartbeat_at=None, message=said):
                transaction.on_commit(partial(async_task, "tenants.work.run_work", work.pk, tenant.pk))
                again += 1
    return again


def run_now(job: Callable[..., Mapping[str, Any] | None], tenant: Tenant, *arguments: Any, out: Writes) -> Any:
    """Run a job in this process, for the command line: the same job, its steps printed."""
    return job(Printed(out), tenant, *arguments)


def _claim(work_id: int, tenant: Tenant) -> Work | None:
    now = timezone.now()
    with tenant_scope(tenant):
        work = Work.objects.select_for_update().filter(pk=work_id).first()
        if work is None or work.is_over:
            return None
        if work.state == WorkState.RUNNING and work.heartbeat_at and now - work.heartbeat_at < STALE:
            return None
        work.state, work.heartbeat_at = WorkState.RUNNING, now
        work.save(update_fields=["state", "heartbeat_at"])
        return work


def _finish(work_id: int, tenant: Tenant, state: WorkState, **values: Any) -> str:
    _set(work_id, tenant, state=state, finished_at=timezone.now(), **values)
    connections["progress"].close_if_unusable_or_obsolete()
    return str(state)


def _sentence(fault: Exception) -> str:
    text = str(fault).strip()
    return text if text.endswith(".") else f"{type(fault).__name__}: {text or 'no further word'}."


def can_cancel_work(by: Actor, work: Work) -> Verdict:
    """Whether the actor may cancel: whoever asked for it, or who manages the tenant."""
    if work.is_over:
        return denied(f"This work is over already: {work.get_state_display().lower()}.")
    if work.asked_by_user_id is not None and work.asked_by_user_id == by.user_id:
        return Verdict(allowed=True)
    return permit(by, Permission.TENANT_MANAGE, to="cancel work that somebody else asked for")


@transaction.atomic
def cancel_work(*, work: Work, by: Actor) -> None:
    """Ask a piece of long work to stop at its next step."""
    enforce(can_cancel_work(by, work))
    rows = Work.objects.filter(pk=work.pk)
    # Asked of the row as it is now: the worker may have begun since it was read.
    if not rows.filter(state=WorkState.QUEUED).update(
        cancel_requested=True, state=WorkState.CANCELLED, finished_at=timezone.now()
    ):
        rows.update(cancel_requested=True)
    audit("work.cancel", by=by, target=work.title)
