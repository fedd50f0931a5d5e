"""The events that rules judge, as facts: new ones past the cursor, and those around them in event time.

An access is judged once, as it was read first: a later reading of the same record raises nothing again, and the events
that an alert stands on keep their names. What only leaves quarantine later is read for the first time then.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q, QuerySet

from alerts.kinds import AlertState, Rule
from alerts.models import Alert, AlertEvent, WatchCursor
from alerts.rules.facts import EventKey, Fact, Person
from identities.kinds import AccountKind, IdentityKind
from identities.models import Account, Grant, Identity
from ledger.models import Batch
from logs.kinds import MACHINES, ActorType, LogType, OcsfClass, Status, StatusDetail
from logs.models import AccessEvent
from tenants.models import Tenant

Row = Mapping[str, Any]
"""The columns of one event that rules need, by name."""

BATCHES: Final = 500
"""Batches read ahead at once: many small deliveries are judged in one look."""

LOGON: Final = 1
"""OCSF activity of class 3002: Logon."""

LISTED: Final = 500
"""Most ids that are asked for one by one."""

SKEW: Final = timedelta(seconds=120)
"""How far ahead of its receipt an event may claim to be."""

_COLUMNS: Final = (
    *("received_at", "id", "occurred_at", "actor_key", "system_id", "src_ip", "src_country", "status_id", "log_type"),
    *("privileges", "actor_type", "account_id", "identity_id", "repeat_count", "class_uid", "activity_id"),
    *("status_detail", "batch_id", "ord"),
)
IS_LOGIN: Final = Q(class_uid=OcsfClass.AUTHENTICATION, activity_id=LOGON)
IS_FAILED: Final = Q(class_uid=OcsfClass.AUTHENTICATION, status_id=Status.FAILURE) & ~Q(
    status_detail=StatusDetail.EXPIRED_PASSWORD
)
_NO_SESSION: Final = frozenset({2, 3})
"""Activities of a tunnel that open none: closing and renewing it."""
_ENDINGS: Final = frozenset({(OcsfClass.AUTHENTICATION, 2), (OcsfClass.TUNNEL, 2)})
"""Class and activity of logging off and closing a tunnel: leaving late is no access."""


@dataclass(frozen=True, slots=True)
class Register:
    """What the register says about the accounts of some events."""

    services: frozenset[int]
    privileged: frozenset[int]
    people: dict[int, Person]
    machines: frozenset[int]


@dataclass(frozen=True, slots=True)
class NewRows:
    """The next events of the tenant's log, and the place after them; ``more`` says that others wait already."""

    rows: list[Row]
    epoch: int
    position: int
    more: bool


def new_rows(cursor: WatchCursor, limit: int) -> NewRows:
    """Return up to ``limit`` events after the cursor, in the order of the tenant's log.

    The log's index is the one order that has no gaps to come: an index is given under the lock of the log's head,
    which is held until the commit, so nothing can appear before a place that was read.
    """
    batches = _batches_after(cursor)
    taken, leaves = batches[:1], batches[0].n if batches else 0
    for batch in batches[1:]:
        leaves += batch.n
        if leaves > limit:
            break
        taken.append(batch)
    if not taken:
        return NewRows([], cursor.epoch, cursor.position, more=False)
    if taken[0].n > limit:
        return _part_of(taken[0], cursor, limit)
    last = taken[-1]
    more = len(batches) > len(taken) or len(batches) >= BATCHES
    start = cursor.position - taken[0].first_index if taken[0].epoch == cursor.epoch else 0
    rows = [row for row in _rows_in(taken) if row["batch_id"] != taken[0].id or row["ord"] >= start]
    return NewRows(rows, last.epoch, last.first_index + last.n, more)


def _batches_after(cursor: WatchCursor) -> list[Batch]:
    """Return the next batches: first the one that was judged in part, then those that begin after the cursor."""
    before = Batch.objects.filter(epoch=cursor.epoch, first_index__lt=cursor.position).order_by("-first_index").first()
    begun = [before] if before is not None and before.first_index + before.n > cursor.position else []
    ahead = Q(epoch__gt=cursor.epoch) | Q(epoch=cursor.epoch, first_index__gte=cursor.position)
    return [*begun, *Batch.objects.filter(ahead).order_by("epoch", "first_index")[:BATCHES]]


def _part_of(batch: Batch, cursor: WatchCursor, limit: int) -> NewRows:
    """Return the next part of a batch that is larger than one look."""
    start = max(0, cursor.position - batch.first_index) if batch.epoch == cursor.epoch else 0
    end = min(start + limit, batch.n)
    rows = AccessEvent.firsts.filter(received_at=batch.received_at, batch_id=batch.id, ord__gte=start, ord__lt=end)
    return NewRows(rows_of(rows.order_by("ord")), batch.epoch, batch.first_index + end, more=True)


def _rows_in(batches: list[Batch]) -> list[Row]:
    times, ids = {batch.received_at for batch in batches}, {batch.id for batch in batches}
    return rows_of(AccessEvent.firsts.filter(received_at__in=times, batch_id__in=ids).order_by("received_at", "id"))


def is_login_attempt(row: Row) -> bool:
    """Whether the row is a failed or successful log-in that the failed-log-in rules look at."""
    if row["class_uid"] != OcsfClass.AUTHENTICATION:
        return False
    if row["status_id"] == Status.FAILURE:
        return bool(row["status_detail"] != StatusDetail.EXPIRED_PASSWORD)
    return bool(row["status_id"] == Status.SUCCESS and row["activity_id"] == LOGON)


def is_access(row: Row, register: Register) -> bool:
    """Whether the row is an access of a person, which has its hours."""
    return (
        row["status_id"] == Status.SUCCESS
        and row["log_type"] <= LogType.ADMIN
        and (row["class_uid"], row["activity_id"]) not in _ENDINGS
        and row["actor_key"] != ""
        and row["actor_type"] not in MACHINES
        and row["account_id"] not in register.services
        and row["identity_id"] not in register.machines
    )


def is_remote_session(row: Row) -> bool:
    """Whether the row opens a remote session, of a person or of a machine."""
    opens = row["class_uid"] != OcsfClass.TUNNEL or row["activity_id"] not in _NO_SESSION
    return bool(row["status_id"] == Status.SUCCESS and row["log_type"] == LogType.REMOTE and opens)


def register_of(
    account_ids: Collection[int | None], identity_ids: Collection[int | None], tenant: Tenant | None
) -> Register:
    """Return which accounts are services or hold a privileged right, and the working time of the people."""
    known = {pk for pk in account_ids if pk is not None}
    accounts = Account.objects.filter(pk__in=known)
    services = accounts.filter(Q(kind=AccountKind.SERVICE) | Q(identity__kind=IdentityKind.SERVICE))
    privileged = Grant.objects.filter(account_id__in=known, until=None, entitlement__privileged=True)
    rows = Identity.objects.filter(pk__in={pk for pk in identity_ids if pk is not None}).values_list(
        "pk", "kind", "shift_start", "shift_end", "time_zone"
    )
    zone = tenant.time_zone if tenant else "UTC"
    people = {pk: Person(own or zone, start, end) for pk, _kind, start, end, own in rows}
    return Register(
        frozenset(services.values_list("pk", flat=True)),
        frozenset(privileged.values_list("account_id", flat=True)),
        people,
        frozenset(pk for pk, kind, _start, _end, _own in rows if kind == IdentityKind.SERVICE),
    )


def rows_of(events: QuerySet[AccessEvent]) -> list[Row]:
    """Return the columns that rules need."""
    return list(events.values(*_COLUMNS))


def facts_of(rows: Iterable[Row], register: Register) -> list[Fact]:
    """Return the rows as facts."""
    return [_fact(row, register) for row in rows]


def _fact(row: Row, register: Register) -> Fact:
    privileged = bool(
        row["log_type"] == LogType.ADMIN
        or row["privileges"]
        or row["actor_type"] == ActorType.ADMIN.value
        or row["account_id"] in register.privileged
    )
    return Fact(
        key=EventKey(row["received_at"], row["id"]),
        occurred_at=row["occurred_at"],
        account=row["actor_key"],
        system_id=row["system_id"],
        source_ip=row["src_ip"],
        country=row["src_country"],
        ok=row["status_id"] == Status.SUCCESS,
        privileged=privileged,
        count=max(1, row["repeat_count"] or 1),
        person_id=row["identity_id"],
        log_type=row["log_type"],
    )


def failures_around(
    accounts: Collection[str], addresses: Collection[str], since: datetime, until: datetime
) -> list[Row]:
    """Return the failed log-ins of some accounts or addresses between two event times (both included)."""
    groups = Q(actor_key__in=accounts) | Q(src_ip__in=addresses)
    return rows_of(_between(since, until).filter(IS_FAILED & groups))


def logins_around(accounts: Collection[str], since: datetime, until: datetime) -> list[Row]:
    """Return the successful log-ins of some accounts between two event times (both included)."""
    return rows_of(_between(since, until).filter(IS_LOGIN, status_id=Status.SUCCESS, actor_key__in=accounts))


def _between(since: datetime, until: datetime) -> QuerySet[AccessEvent]:
    """Return the events by event time; the bound on receipt lets months before be skipped."""
    return AccessEvent.firsts.filter(
        occurred_at__gte=since, occurred_at__lte=until, received_at__gte=since - SKEW
    ).order_by(F("occurred_at"), F("id"))


def closed_keys(rule: Rule, since: datetime, until: datetime) -> set[EventKey]:
    """Return the events between two event times (both included) that stand in a closed alert of the rule."""
    closed = Alert.objects.filter(rule=rule, state=AlertState.CLOSED, first_at__lte=until, last_at__gte=since)
    alerts = list(closed.values_list("pk", flat=True))
    if not alerts:
        return set()
    rows = AlertEvent.objects.filter(alert__in=alerts, occurred_at__range=(since, until))
    return {EventKey(*found) for found in rows.values_list("event_received_at", "event_id")}


def evidence_of(rule: Rule, event_ids: Collection[int]) -> QuerySet[AlertEvent]:
    """Return the rule's evidence among the events, and where they are many, all of it between the least and the last.

    A list of 20,000 ids takes the database and the driver longer than the rows between; the caller compares keys.
    """
    rows = AlertEvent.objects.filter(rule=rule)
    if len(event_ids) <= LISTED:
        return rows.filter(event_id__in=event_ids)
    return rows.filter(event_id__range=(min(event_ids), max(event_ids)))
