"""One look at a tenant's new events: read past the cursor, judge, raise, move the cursor, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from alerts.actions.raising import Raised, raise_alerts
from alerts.kinds import Rule, RuleSettings
from alerts.models import WatchCursor
from alerts.policies import can_look_for_alerts
from alerts.queries.pages import current_settings
from alerts.queries.watched import (
    Register,
    Row,
    closed_keys,
    facts_of,
    failures_around,
    is_access,
    is_login_attempt,
    is_remote_session,
    logins_around,
    new_rows,
    register_of,
)
from alerts.rules.elsewhere import judge_places
from alerts.rules.facts import Fact, Hit
from alerts.rules.failed_logins import GROUPING, judge_bursts
from alerts.rules.hours import judge_hours
from logs.queries.approvals import approvals
from tenants.kinds import Actor, enforce
from tenants.models import Tenant

LOOK: Final = 5000
"""Events judged in one transaction: about 0.3 s, so that handling an alert never waits long for the cursor."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw and raised; ``more`` says that further events wait already."""

    seen: int
    raised: Raised
    more: bool


@transaction.atomic
def look_for_alerts(*, tenant: Tenant, by: Actor, limit: int = LOOK) -> Look:
    """Judge the tenant's next events by their event time and raise what the rules find.

    Reading, raising and moving the cursor are one transaction: a process that dies has changed nothing, and nothing
    is judged twice. The audit trail holds what was raised; looking itself leaves an entry only when it raised.
    """
    enforce(can_look_for_alerts(by))
    cursor = _locked_cursor()
    new = new_rows(cursor, limit)
    if not new.rows:
        _move(cursor, new.epoch, new.position, 0)
        return Look(0, Raised(), new.more)
    settings, version = current_settings(tenant)
    hits = [judge(new.rows, settings, tenant) for judge in (_hours, _elsewhere, _bursts)]
    raised = raise_alerts(hits=[hit for found in hits for hit in found], settings=settings, version=version, by=by)
    _move(cursor, new.epoch, new.position, len(new.rows))
    return Look(len(new.rows), raised, new.more)


def _locked_cursor() -> WatchCursor:
    WatchCursor.objects.bulk_create([WatchCursor()], ignore_conflicts=True)
    return WatchCursor.objects.select_for_update().get()


def _move(cursor: WatchCursor, epoch: int, position: int, seen: int) -> None:
    if (cursor.epoch, cursor.position) == (epoch, position):
        return
    cursor.epoch, cursor.position, cursor.seen_events = epoch, position, cursor.seen_events + seen
    cursor.moved_at = timezone.now()
    cursor.save(update_fields=["epoch", "position", "seen_events", "moved_at"])


def _register(rows: Sequence[Row], tenant: Tenant) -> Register:
    accounts = {row["account_id"] for row in rows if row["account_id"] is not None}
    people = {row["identity_id"] for row in rows if row["identity_id"] is not None}
    return register_of(accounts, people, tenant)


def _hours(rows: Sequence[Row], settings: RuleSettings, tenant: Tenant) -> list[Hit]:
    if not settings.hours_on:
        return []
    register = _register(rows, tenant)
    facts = facts_of((row for row in rows if is_access(row, register)), register)
    return judge_hours(facts, register.people, settings, tenant_zone=tenant.time_zone)


def _elsewhere(rows: Sequence[Row], settings: RuleSettings, tenant: Tenant) -> list[Hit]:
    opened = [row for row in rows if is_remote_session(row)]
    if not opened or not settings.places_on:
        return []
    return judge_places(facts_of(opened, _register(opened, tenant)), approvals())


def _bursts(rows: Sequence[Row], settings: RuleSettings, tenant: Tenant) -> list[Hit]:
    """Judge the bursts that the new log-ins take part in, together with what happened around them."""
    attempts = [row for row in rows if is_login_attempt(row)]
    if not attempts or not settings.failed_on:
        return []
    window, grace = timedelta(minutes=settings.window_minutes), timedelta(minutes=settings.success_minutes)
    since = min(row["occurred_at"] for row in attempts) - window - grace
    until = max(row["occurred_at"] for row in attempts) + max(window, grace)
    accounts = {row["actor_key"] for row in attempts} - {""}
    addresses = {row["src_ip"] for row in attempts} - {None}
    failed = failures_around(accounts, addresses, since, until)
    if not failed:
        return []
    entered = logins_around({row["actor_key"] for row in failed} - {""}, since, until)
    register = _register([*failed, *entered], tenant)
    failures, successes = facts_of(failed, register), facts_of(entered, register)
    hits = [judge_bursts(rule, _not_closed(rule, failures), successes, settings) for rule in GROUPING]
    return [hit for found in hits for hit in found]


def _not_closed(rule: Rule, facts: Sequence[Fact]) -> list[Fact]:
    """Leave out what a closed alert stands on: a person has judged it, and it must not count towards the next."""
    closed = closed_keys(rule, facts[0].occurred_at, facts[-1].occurred_at)
    return [fact for fact in facts if fact.key not in closed]
