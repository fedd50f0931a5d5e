"""Attendance of people by day: planned shifts from the register, and what their own accounts did, from the events."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import Q, QuerySet
from django.utils import timezone

from identities.kinds import AccountKind, IdentityKind
from identities.models import Account, Identity
from identities.queries import rostered
from logs.answers import SourceCoverage
from logs.attendance import LATE, Outcome, Plan, Seen, Shift, outcome_of, plans, standing_shift, time_in
from logs.kinds import LogType, Status
from logs.queries.coverage import coverage
from logs.queries.search import SKEW
from logs.sessions import REUSED, Deed, sessions_from
from logs.watched import actor_key
from tenants.scope import current_tenant_id

_OWN: Final = """
FROM unnest(%(n)s::int[], %(keys)s::text[], %(systems)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[],
    %(comes)s::timestamptz[], %(starts)s::timestamptz[], %(stops)s::timestamptz[])
    AS w (n, key, system, begins, ends, comes, starts, stops)
CROSS JOIN LATERAL (
    SELECT * FROM logs_accessevent WHERE tenant_id = %(tenant)s AND actor_key = w.key AND system_id = w.system
        AND occurred_at >= w.begins AND occurred_at < w.ends AND received_at >= %(received)s
        AND status_id <> %(failure)s AND (%(sources)s::bigint[] IS NULL OR source_id = ANY(%(sources)s))
    OFFSET 0
) AS e
"""
"""A person's own records, window by window; OFFSET keeps the planner from one join over all events of the tenant."""

_SEEN: Final = f"""
SELECT w.n, min(e.occurred_at), max(e.occurred_at), min(e.occurred_at) FILTER (WHERE e.occurred_at >= w.comes),
    count(*) FILTER (WHERE e.occurred_at >= w.starts AND e.occurred_at <= w.stops), count(*),
    count(DISTINCT date_bin('15 minutes', e.occurred_at, 'epoch')), bool_or(e.log_type = {LogType.REMOTE.value}),
    array_agg(DISTINCT host(e.src_ip)) FILTER (WHERE e.src_ip IS NOT NULL),
    array_agg(DISTINCT e.src_country) FILTER (WHERE e.src_country <> '')
{_OWN} GROUP BY w.n
"""
_DEEDS: Final = f"""
SELECT w.n, e.occurred_at, e.source_id, e.actor_key, e.class_uid, e.activity_id, e.status_id, e.session_uid,
    coalesce(host(e.src_ip), ''), '', '', '', e.duration_ms
{_OWN} WHERE e.class_uid IN (3002, 4014) AND e.activity_id IN (1, 2)
"""


@dataclass(frozen=True, slots=True)
class DayLine:
    """One person's day: the plan, what was seen, how long sessions lasted, and whose silence could explain gaps.

    ``in_sessions`` counts sessions whose begin and end are known; ``open_sessions`` are those that only began.
    """

    plan: Plan
    seen: Seen | None
    outcome: Outcome
    in_sessions: timedelta
    open_sessions: int
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonDays:
    """One person's days, oldest first, by the clock of their zone; ``watched`` is how many sources could show them."""

    person: Identity
    zone: ZoneInfo
    days: Sequence[DayLine]
    accounts: int
    watched: int
    expecting: int

    def count(self, *keys: str) -> int:
        """Return how many days had one of the outcomes."""
        return sum(day.outcome.key in keys for day in self.days)

    @property
    def planned(self) -> int:
        """Days with a shift that has begun."""
        return self.count("seen", LATE, "outside", "no_record", "not_yet")

    @property
    def late(self) -> int:
        """Days on which the first record came late."""
        return self.count(LATE)

    @property
    def unseen(self) -> int:
        """Days with a shift of which there is no record."""
        return self.count("no_record")

    @property
    def unplanned(self) -> int:
        """Days with records and no shift."""
        return self.count("unplanned")

    @property
    def notable(self) -> list[DayLine]:
        """The days on which roster and logs differ."""
        return [day for day in self.days if day.outcome.key in {LATE, "outside", "no_record", "unplanned"}]

    @property
    def gaps(self) -> int:
        """Days on which a source that could have shown the person was silent."""
        return sum(bool(day.silent) for day in self.days)


def attended_people(text: str, first: date, last: date) -> QuerySet[Identity]:
    """Return the people employed in a period whose name, id, programme or site holds a text, in order of name."""
    rows = Identity.objects.filter(kind__in=(IdentityKind.HUMAN, IdentityKind.VENDOR))
    rows = rows.filter(Q(employed_from=None) | Q(employed_from__lte=last))
    rows = rows.filter(Q(employed_until=None) | Q(employed_until__gte=first))
    for word in text.split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(external_id__icontains=word)
            | Q(programme__icontains=word)
            | Q(site__icontains=word)
        )
    return rows.order_by("name", "id")


def attendance(
    people: Sequence[Identity],
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    source_ids: Collection[int] | None = None,
    now: datetime | None = None,
) -> list[PersonDays]:
    """Return each person's days; ten queries whatever the number of people. ``zone`` is of whom the register has none.

    Only accounts of one person count: what a shared or a service account does shows nobody's presence.
    """
    ids = [person.pk for person in people]
    known = Account.objects.filter(identity_id__in=ids, kind=AccountKind.HUMAN)
    accounts: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for owner, name, system in known.values_list("identity_id", "name_key", "system_id"):
        accounts[owner or 0].append((actor_key(name), system))
    zones = {person.pk: ZoneInfo(person.time_zone) if person.time_zone else zone for person in people}
    planned = _plans(people, first, last, zones)
    wanted = [(person, plan) for person in ids for plan in planned[person]]
    found = _Found(wanted, accounts, source_ids)
    answers = _coverage(wanted, source_ids)
    return [
        _person_days(person, zones[person.pk], planned[person.pk], found, answers, now or timezone.now())
        for person in people
    ]


def _plans(people: Sequence[Identity], first: date, last: date, zones: Mapping[int, ZoneInfo]) -> dict[int, list[Plan]]:
    before, after = first - timedelta(days=1), last + timedelta(days=1)
    roster = rostered([person.pk for person in people], before, after)
    found = {}
    for person in people:
        shifts: dict[date, Sequence[Shift]] = {}
        for number in range((after - before).days + 1):
            day = before + timedelta(days=number)
            rows = roster.get((person.pk, day))
            if rows is None:
                shifts[day] = _standing(person, day, zones[person.pk])
            else:
                shifts[day] = [Shift(row.starts_at, row.ends_at, "roster", row.site) for row in rows]
        found[person.pk] = plans(first, last, shifts, zones[person.pk])
    return found


def _standing(person: Identity, day: date, zone: ZoneInfo) -> list[Shift]:
    """Return the shift that the list of people gives a person for every day of their employment."""
    if person.shift_start is None or person.shift_end is None:
        return []
    left = person.employed_until is not None and day > person.employed_until
    if left or (person.employed_from is not None and day < person.employed_from):
        return []
    return [standing_shift(day, person.shift_start, person.shift_end, zone)]


class _Found:
    """What the events hold of each wanted day: two queries."""

    def __init__(
        self,
        wanted: Sequence[tuple[int, Plan]],
        accounts: Mapping[int, Sequence[tuple[str, int]]],
        source_ids: Collection[int] | None,
    ) -> None:
        self.accounts = accounts
        self.seen: dict[tuple[int, date], Seen] = {}
        self.spans: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        self.opened: dict[int, list[datetime]] = defaultdict(list)
        rows = [(n, name, system) for n, (who, _plan) in enumerate(wanted) for name, system in accounts.get(who, ())]
        if rows:
            self._look(wanted, rows, source_ids)

    def _look(
        self,
        wanted: Sequence[tuple[int, Plan]],
        rows: Sequence[tuple[int, str, int]],
        source_ids: Collection[int] | None,
    ) -> None:
        asked = _asked(wanted, rows, source_ids)
        with connections["default"].cursor() as cursor:
            cursor.execute(_SEEN, asked)
            for n, *facts, addresses, countries in cursor.fetchall():
                who, plan = wanted[n]
                self.seen[who, plan.on] = Seen(*(*facts, tuple(addresses or ()), tuple(countries or ())))
            cursor.execute(_DEEDS, asked | {"begins": [begin - REUSED / 2 for begin in asked["begins"]]})
            deeds: dict[int, set[Deed]] = defaultdict(set)
            for n, *facts in cursor.fetchall():
                deeds[wanted[n][0]].add(Deed(*facts))
        for who, own in deeds.items():
            for session in sessions_from(own):
                if session.began_at and session.ended_at:
                    self.spans[who].append((session.began_at, session.ended_at))
                elif session.began_at:
                    self.opened[who].append(session.began_at)


def _asked(
    wanted: Sequence[tuple[int, Plan]], rows: Sequence[tuple[int, str, int]], source_ids: Collection[int] | None
) -> dict[str, Any]:
    windows = [wanted[n][1] for n, _name, _system in rows]
    judged = [plan.judged for plan in windows]
    return {
        "tenant": current_tenant_id(),
        "n": [n for n, _name, _system in rows],
        "keys": [name for _n, name, _system in rows],
        "systems": [system for _n, _name, system in rows],
        "begins": [plan.begin for plan in windows],
        "ends": [plan.end for plan in windows],
        "comes": [one[0] for one in judged],
        "starts": [one[1] for one in judged],
        "stops": [one[2] for one in judged],
        "received": min(plan.begin for plan in windows) - REUSED - SKEW,
        "failure": Status.FAILURE.value,
        "sources": None if source_ids is None else list(source_ids),
    }


def _coverage(wanted: Sequence[tuple[int, Plan]], source_ids: Collection[int] | None) -> list[SourceCoverage]:
    if not wanted:
        return []
    since, until = min(plan.begin for _who, plan in wanted), max(plan.end for _who, plan in wanted)
    return coverage(since=since, until=until, source_ids=source_ids)


def _person_days(
    person: Identity,
    zone: ZoneInfo,
    planned: Sequence[Plan],
    found: _Found,
    answers: Iterable[SourceCoverage],
    now: datetime,
) -> PersonDays:
    accounts = found.accounts.get(person.pk, ())
    systems = {system for _name, system in accounts}
    watching = [answer for answer in answers if answer.system_id in systems]
    days = []
    for plan in planned:
        begin, end = plan.core
        seen = found.seen.get((person.pk, plan.on))
        silent = [one.name for one in watching if any(first < end and begin < last for first, last in one.gaps)]
        days.append(
            DayLine(
                plan=plan,
                seen=seen,
                outcome=outcome_of(plan, seen, now),
                in_sessions=time_in(found.spans[person.pk], plan.begin, plan.end),
                open_sessions=sum(plan.begin <= at < plan.end for at in found.opened[person.pk]),
                silent=tuple(silent),
            )
        )
    expecting = sum(bool(one.expected_hours) for one in watching)
    return PersonDays(person, zone, days, len(accounts), len(watching), expecting)
