"""Removing what is past its term, in the ledger's order: announced, signed (and handed over), removed.

Each step commits before the next begins, and each looks at what is there: a run that is killed between two steps is
finished by the next one, and nothing is done twice. The announcing logs in as the app role; the removing as the
retention role, which can do nothing but call the two functions that check everything again in the database.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from django.db import OperationalError
from django.utils import timezone

from logs.actions import announce_prune
from logs.kinds import LogType
from logs.queries.retention import (
    due_events,
    due_quarantine,
    everything_is_held,
    months_past,
    pending_prunes,
    stored_months,
)
from logs.retentionrole import alone, called
from logs.terms import cut
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

LOCK_WAIT: Final = "500ms"
"""How long dropping a month waits for those who read events; new readers wait behind it for as long."""
DROP_TRIES: Final = 24
DROP_PAUSE_SECONDS: Final = 5.0
SHORTEST_MONTHS: Final = 3


class NotSettledError(RuntimeError):
    """What was announced could not be signed, or not be handed over."""


@dataclass(slots=True)
class Outcome:
    """What one run did: removals announced and carried out, events removed, months dropped whole, and what failed."""

    announced: int = 0
    carried_out: int = 0
    events: int = 0
    dropped: list[date] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Planned:
    """What would go of one received month of a tenant."""

    month: date
    kinds: Sequence[LogType]
    events: int
    held: int
    quarantined: int


def planned(tenant: Tenant) -> list[Planned]:
    """Return what is past its term and not announced yet, oldest month first; changes nothing."""
    found = []
    with tenant_scope(tenant):
        if everything_is_held():
            return []
        for month, kinds in months_past(timezone.now()):
            held = [event.held for event in due_events(month, kinds)]
            quarantined = due_quarantine(month) if len(kinds) == len(LogType) else 0
            found.append(Planned(month, kinds, held.count(False), held.count(True), quarantined))
    return [one for one in found if one.events or one.held or one.quarantined]


def retain(
    tenants: Sequence[Tenant],
    *,
    settle: Callable[[Tenant], object],
    say: Callable[[str], object],
    tries: int = DROP_TRIES,
) -> Outcome:
    """Remove what is past its term; finishes first what an earlier run had announced.

    Args:
        tenants: whose events.
        settle: has a checkpoint signed that covers everything committed, and hands it over where that is set up; where
            it raises `NotSettledError`, the tenant's rows stay where they are.
        say: is told what was done, line by line.
        tries: how often dropping a month asks for the table before it is left to the next run.

    Raises:
        BusyError: another program is removing.
    """
    outcome = Outcome()
    with alone():
        months: set[date] = set()
        ready = []
        for tenant in tenants:
            try:
                waiting = _announce(tenant, outcome, say)
                if waiting:
                    settle(tenant)
            except NotSettledError as fault:
                outcome.faults.append(f"{tenant.slug}: nothing was removed: {fault}")
                continue
            months |= {month for _prune, month in waiting}
            ready.append((tenant, waiting))
        _drop(sorted(months), outcome, say, tries)
        for tenant, waiting in ready:
            for prune, month in waiting:
                _remove(tenant, prune, month, outcome, say)
        _drop(_old_months(), outcome, say, tries)
    return outcome


def _announce(tenant: Tenant, outcome: Outcome, say: Callable[[str], object]) -> list[tuple[UUID, date]]:
    """Announce what is past its term, a month in each transaction; return all removals that wait, with their month."""
    by = Actor.system("retention", tenant.pk)
    with tenant_scope(tenant):
        months = [] if everything_is_held() else months_past(timezone.now())
    for month, kinds in months:
        with tenant_scope(tenant):
            prunes = announce_prune(month=month, kinds=kinds, by=by)
        outcome.announced += len(prunes)
        for prune in prunes:
            say(f"{tenant.slug}: {prune.count:,} events received in {month:%Y-%m} are announced, {prune.held:,} held.")
    with tenant_scope(tenant):
        return [(prune.pk, prune.month) for prune in pending_prunes()]


def _old_months() -> list[date]:
    """Return the stored months that the shortest term of all has passed: only such a one can be without rows."""
    return [month for month in stored_months() if month < cut(SHORTEST_MONTHS, timezone.now())]


def _drop(months: Sequence[date], outcome: Outcome, say: Callable[[str], object], tries: int) -> None:
    """Drop the months of which nothing is to stay."""
    for month in months:
        try:
            dropped = _drop_month(month, tries)
        except OperationalError as fault:
            outcome.faults.append(f"{month:%Y-%m} could not be dropped: {str(fault).strip().splitlines()[0]}")
            continue
        if dropped:
            outcome.dropped.append(month)
            say(f"{month:%Y-%m}: the whole month is dropped.")


def _drop_month(month: date, tries: int) -> bool:
    """Drop one month, or return False where something of it is to stay; asks again while the table is in use."""
    for number in range(1, tries + 1):
        try:
            return bool(called("SELECT retention_drop(%s)", [month], lock_wait=LOCK_WAIT))
        except OperationalError:
            if number == tries:
                raise
            time.sleep(DROP_PAUSE_SECONDS)
    return False


def _remove(tenant: Tenant, prune: UUID, month: date, outcome: Outcome, say: Callable[[str], object]) -> None:
    """Carry out one removal, unless the whole month was dropped with it."""
    try:
        gone = called("SELECT retention_remove(%s)", [prune], tenant=tenant)
    except OperationalError as fault:
        outcome.faults.append(f"{tenant.slug}: {month:%Y-%m} waits: {str(fault).strip().splitlines()[0]}")
        return
    if gone is None:
        say(f"{tenant.slug}: {month:%Y-%m} waits: its term was made longer, or its entry is not signed yet.")
        return
    outcome.carried_out += 1
    outcome.events += int(gone)
    say(f"{tenant.slug}: {gone:,} events received in {month:%Y-%m} are removed.")
