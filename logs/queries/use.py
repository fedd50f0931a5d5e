"""How accounts were used: the evidence beside a grant, read from the roll-ups alone."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import connections

from logs.answers import Use
from tenants.scope import current_tenant_id

WEEKS: Final = 26
ACTIONS: Final = 10

_JOIN: Final = """
FROM identities_account a JOIN logs_usageday u
    ON u.tenant_id = a.tenant_id AND u.system_id = a.system_id AND u.actor_key = a.name_key
WHERE a.tenant_id = %(tenant)s AND u.tenant_id = %(tenant)s AND a.id = ANY(%(ids)s)
"""
_TOTALS: Final = f"""
SELECT a.id, max(u.day) FILTER (WHERE u.ok_count > 0), count(DISTINCT u.day) FILTER (WHERE u.ok_count > 0),
    sum(u.ok_count), sum(u.denied_count), sum(u.out_of_hours_count)
{_JOIN} AND u.day BETWEEN %(first)s AND %(last)s GROUP BY a.id
"""
_WEEKLY: Final = f"""
SELECT a.id, (%(last)s::date - u.day) / 7, sum(u.ok_count)
{_JOIN} AND u.day > %(last)s::date - {WEEKS * 7} AND u.day <= %(last)s GROUP BY a.id, 2
"""
_ACTIONS: Final = f"""
SELECT id, action, events FROM (
    SELECT a.id, u.action, sum(u.ok_count) AS events,
        row_number() OVER (PARTITION BY a.id ORDER BY sum(u.ok_count) DESC, u.action) AS place
    {_JOIN} AND u.day BETWEEN %(first)s AND %(last)s AND u.ok_count > 0 AND u.action <> '' GROUP BY a.id, u.action
) AS ranked WHERE place <= {ACTIONS} ORDER BY id, place
"""  # noqa: S608 -- constant text
_LAST: Final = """
SELECT a.id, l.last_ok_at FROM identities_account a JOIN logs_lastuse l
    ON l.tenant_id = a.tenant_id AND l.system_id = a.system_id AND l.actor_key = a.name_key
WHERE a.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND a.id = ANY(%(ids)s)
"""


def use_of_accounts(account_ids: Collection[int], *, since: datetime, until: datetime) -> dict[int, Use]:
    """Return how each account was used between two moments (whole UTC days, both ends within); four queries.

    Every account asked for is in the answer, with zeros where nothing was seen. ``last_used_at`` looks back beyond
    ``since``; an access that was denied is no use.
    """
    ids = list(account_ids)
    asked = {"tenant": current_tenant_id(), "ids": ids, "first": _day(since), "last": _day(until)}
    last = {row[0]: row[1] for row in _rows(_LAST, asked)}
    weeks: dict[int, list[int]] = defaultdict(lambda: [0] * WEEKS)
    for account, back, count in _rows(_WEEKLY, asked):
        weeks[account][WEEKS - 1 - back] = int(count)
    actions: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for account, action, count in _rows(_ACTIONS, asked):
        actions[account].append((action, int(count)))
    totals = {row[0]: row[1:] for row in _rows(_TOTALS, asked)}
    found = {}
    for account in ids:
        day, days, ok, denied, outside = totals.get(account, (None, 0, 0, 0, 0))
        found[account] = Use(
            last_used_at=_last_use(last.get(account), day, until),
            days_used=days,
            ok_count=int(ok),
            denied_count=int(denied),
            out_of_hours_count=int(outside),
            weeks=tuple(weeks[account]),
            actions=tuple(actions[account]),
        )
    return found


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _last_use(last_ok: datetime | None, day: date | None, until: datetime) -> datetime | None:
    """Return the last use up to a moment: exact where the newest use is not later, else the start of its UTC day."""
    if last_ok is None or last_ok <= until:
        return last_ok
    return datetime.combine(day, time.min, UTC) if day else None


def weeks_before(until: datetime) -> list[date]:
    """Return the first day of each of the 26 weeks that ``Use.weeks`` counts, oldest first."""
    last = _day(until)
    return [last - timedelta(days=7 * (WEEKS - number) - 1) for number in range(WEEKS)]
