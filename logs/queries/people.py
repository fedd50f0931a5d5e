"""A person's timeline: everything that one identity, account, name or address did, over all kinds of log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import Q, Sum

from identities.models import Account, Identity
from logs.kinds import MACHINES
from logs.models import AccessEvent, LastUse, UsageDay, event_key, read_event_key
from logs.queries.search import EARLIEST, HEAVY, PAGE, SKEW, Filters, SearchPage
from logs.queries.things import Counts, event_counts
from logs.querylang import address_of
from logs.watched import actor_key
from tenants.scope import current_tenant_id

MOST_NAMES: Final = 200
_NEWEST: Final = """
SELECT received_at, id FROM (
    SELECT e.received_at, e.id, e.occurred_at
    FROM unnest(%(keys)s::text[], %(systems)s::bigint[]) AS who (key, system)
    CROSS JOIN LATERAL (
        SELECT received_at, id, occurred_at FROM logs_currentevent
        WHERE tenant_id = %(tenant)s AND actor_key = who.key AND (who.system IS NULL OR system_id = who.system)
            AND occurred_at >= %(since)s AND received_at >= %(received)s
            AND (occurred_at, id) < (%(until)s, %(last)s)
            AND (%(sources)s::bigint[] IS NULL OR source_id = ANY(%(sources)s))
        ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
    ) AS e
    UNION
    SELECT received_at, id, occurred_at FROM (
        SELECT received_at, id, occurred_at FROM logs_currentevent
        WHERE tenant_id = %(tenant)s AND log_type = 5 AND target_key = ANY(%(keys)s)
            AND occurred_at >= %(since)s AND received_at >= %(received)s
            AND (occurred_at, id) < (%(until)s, %(last)s)
            AND (%(sources)s::bigint[] IS NULL OR source_id = ANY(%(sources)s))
        ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
    ) AS done_to
) AS found ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
"""

_COUNTS: Final = """
SELECT date_trunc(%(unit)s, occurred_at, %(zone)s) AS begin, log_type, count(*) FROM (
    SELECT e.received_at, e.id, e.occurred_at, e.log_type
    FROM unnest(%(keys)s::text[], %(systems)s::bigint[]) AS who (key, system)
    CROSS JOIN LATERAL (
        SELECT received_at, id, occurred_at, log_type FROM logs_currentevent
        WHERE tenant_id = %(tenant)s AND actor_key = who.key AND (who.system IS NULL OR system_id = who.system)
            AND occurred_at >= %(since)s AND occurred_at < %(until)s AND received_at >= %(received)s
            AND (%(sources)s::bigint[] IS NULL OR source_id = ANY(%(sources)s))
    ) AS e
    UNION
    SELECT received_at, id, occurred_at, log_type FROM logs_currentevent
    WHERE tenant_id = %(tenant)s AND log_type = 5 AND target_key = ANY(%(keys)s)
        AND occurred_at >= %(since)s AND occurred_at < %(until)s AND received_at >= %(received)s
        AND (%(sources)s::bigint[] IS NULL OR source_id = ANY(%(sources)s))
) AS found GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose timeline it is: a title, what is known, and the (name, system id) pairs that events go by."""

    key: str
    title: str
    kind: str
    identity: Identity | None
    accounts: Sequence[Account]
    names: Sequence[tuple[str, int | None]]
    address: str = ""


def person_of(key: str) -> Person | None:
    """Return whose timeline a key names: ``identity-7``, ``account-7``, ``ip-192.0.2.1``, ``name-x`` or any name."""
    kind, _dash, rest = key.partition("-")
    if kind == "identity" and rest.isdecimal():
        identity = Identity.objects.filter(pk=int(rest)).first()
        return _of_identity(key, identity) if identity else None
    if kind == "account" and rest.isdecimal():
        account = Account.objects.select_related("system", "identity").filter(pk=int(rest)).first()
        return _of_account(key, account) if account else None
    if kind == "ip" and (address := address_of(rest)):
        return Person(key, address, "Network address", None, (), (), address)
    return _of_name(key, rest if kind == "name" and rest else key)


def person_key(event: AccessEvent) -> str:
    """Return the key of the timeline that an event belongs to, "" when it names nobody."""
    if event.identity_id:
        return f"identity-{event.identity_id}"
    return f"name-{event.actor_key}" if event.actor_key else ""


def _of_identity(key: str, identity: Identity) -> Person:
    accounts = list(identity.accounts.select_related("system").order_by("system__name", "name_key")[:MOST_NAMES])
    names = tuple((actor_key(account.name_key), account.system_id) for account in accounts)
    return Person(key, identity.name, identity.get_kind_display(), identity, accounts, names)


def _of_name(key: str, name: str) -> Person:
    """Return who goes by a name that the register does not know; the newest event says whether a service does."""
    newest = AccessEvent.objects.filter(actor_key=actor_key(name)).order_by("-occurred_at", "-id")
    machine = newest.values_list("actor_type", flat=True).first() in MACHINES
    return Person(key, name, f"{'Service' if machine else 'Name'} in the logs", None, (), ((actor_key(name), None),))


def _of_account(key: str, account: Account) -> Person:
    title = f"{account.name} on {account.system.name}"
    names = ((actor_key(account.name_key), account.system_id),)
    return Person(key, title, "Account", account.identity, (account,), names)


def person_timeline(
    person: Person,
    *,
    since: datetime,
    until: datetime,
    cursor: str = "",
    limit: int = PAGE,
    source_ids: Collection[int] | None = None,
) -> SearchPage:
    """Return a page of what a person did and what was done to their rights, newest first."""
    begin, last = read_event_key(cursor) or (until, 0)
    if person.address:
        events = _from_address(person.address, since, (begin, last), limit + 1, source_ids)
    else:
        asked = _asked(person, since, source_ids) | {"until": begin, "last": last, "limit": limit + 1}
        with connections["default"].cursor() as database:
            database.execute(_NEWEST, asked)
            keys = [(asked["tenant"], received_at, number) for received_at, number in database.fetchall()]
        rows = AccessEvent.objects.filter(pk__in=keys) if keys else AccessEvent.objects.none()
        events = list(rows.order_by("-occurred_at", "-id").defer(*HEAVY))
    more, events = len(events) > limit, events[:limit]
    return SearchPage(events, event_key(events[-1].occurred_at, events[-1].id) if more else "")


def person_counts(person: Person, filters: Filters, *, by_hour: bool, zone: ZoneInfo) -> Counts:
    """Return how many events of a person's timeline occurred in each day, or hour, of the zone, by kind; one query."""
    if person.address:
        return event_counts(replace(filters, where=Q(src_ip=person.address)), by_hour=by_hour, zone=zone)
    asked = _asked(person, filters.since, filters.source_ids)
    asked |= {"until": filters.until, "unit": "hour" if by_hour else "day", "zone": zone.key}
    with connections["default"].cursor() as database:
        database.execute(_COUNTS, asked)
        return {(begin, kind): number for begin, kind, number in database.fetchall()}


def _asked(person: Person, since: datetime, source_ids: Collection[int] | None) -> dict[str, Any]:
    since = max(since, EARLIEST)
    return {
        "tenant": current_tenant_id(),
        "keys": [name for name, _system in person.names],
        "systems": [system for _name, system in person.names],
        "since": since,
        "received": since - SKEW,
        "sources": None if source_ids is None else list(source_ids),
    }


def _from_address(
    address: str, since: datetime, before: tuple[datetime, int], limit: int, source_ids: Collection[int] | None
) -> list[AccessEvent]:
    at, last = before
    rows = AccessEvent.objects.filter(src_ip=address, occurred_at__gte=since, received_at__gte=since - SKEW)
    rows = rows.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, id__lt=last))
    if source_ids is not None:
        rows = rows.filter(source_id__in=list(source_ids))
    return list(rows.order_by("-occurred_at", "-id").defer(*HEAVY)[:limit])


@dataclass(frozen=True, slots=True)
class Seen:
    """When a person was first and last seen, and their totals in the roll-ups."""

    first_at: datetime | None
    last_at: datetime | None
    events: int
    denied: int
    out_of_hours: int


def seen(person: Person) -> Seen:
    """Return a person's totals over all time; two queries."""
    wanted = Q(pk__in=[])
    for name, system in person.names:
        wanted |= Q(actor_key=name) if system is None else Q(actor_key=name, system_id=system)
    if not person.names:
        return Seen(None, None, 0, 0, 0)
    uses = list(LastUse.objects.filter(wanted))
    sums = UsageDay.objects.filter(wanted).aggregate(
        events_sum=Sum("events"), denied_sum=Sum("denied_count"), outside_sum=Sum("out_of_hours_count")
    )
    return Seen(
        first_at=min((use.first_at for use in uses), default=None),
        last_at=max((use.last_at for use in uses), default=None),
        events=sums["events_sum"] or 0,
        denied=sums["denied_sum"] or 0,
        out_of_hours=sums["outside_sum"] or 0,
    )
