"""Access out of hours: against the person's own shift, else the tenant's business hours in the person's zone.

Wall-clock hours become moments through the time zone of the day in question, so a shift over midnight, the missing
hour in spring and the doubled hour in autumn are all judged by the clock that the person works by.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerts.kinds import Hours, Rule, RuleSettings, Severity
from alerts.rules.facts import Fact, Hit, Person, in_order

EVERY_DAY = frozenset(range(1, 8))


def judge_hours(
    facts: Iterable[Fact], people: Mapping[int, Person], settings: RuleSettings, *, tenant_zone: str
) -> list[Hit]:
    """Return accesses out of hours, one hit for each person (or unknown account) and working day.

    Args:
        facts: successful accesses and privileged deeds of people, in any order.
        people: working time of the people that ``facts`` name.
        settings: hours and slack of the tenant.
        tenant_zone: IANA name of the zone for accounts that belong to nobody in the register.
    """
    if not settings.hours_on:
        return []
    groups: dict[tuple[str, date], list[Fact]] = defaultdict(list)
    working_time: dict[str, tuple[Hours, str]] = {}
    for fact in facts:
        person = people.get(fact.person_id) if fact.person_id is not None else None
        if person is None and not settings.unknown_on:
            continue
        hours, zone = working_time[fact.who] = hours_of(person, settings, tenant_zone)
        if not within(fact.occurred_at, hours, zone, settings.slack_minutes):
            groups[fact.who, working_day(fact.occurred_at, hours, zone)].append(fact)
    return [_hit(who, day, in_order(group), working_time[who], settings) for (who, day), group in groups.items()]


def hours_of(person: Person | None, settings: RuleSettings, tenant_zone: str) -> tuple[Hours, str]:
    """Return the hours that hold for a person, and the zone by whose clock they run."""
    if person is None:
        return settings.hours, tenant_zone
    if person.shift_start is None or person.shift_end is None:
        return settings.hours, person.zone
    return Hours(person.shift_start, person.shift_end, EVERY_DAY), person.zone


def within(at: datetime, hours: Hours, zone: str, slack_minutes: int) -> bool:
    """Return whether a moment lies in the hours, widened by the slack on both ends (both ends included).

    Looks at the hours that start on the local day itself and its neighbours: a shift over midnight started yesterday,
    and slack may reach over midnight in either direction.
    """
    slack = timedelta(minutes=slack_minutes)
    local_day = at.astimezone(ZoneInfo(zone)).date()
    for offset in (-1, 0, 1):
        day = local_day + timedelta(days=offset)
        if day.isoweekday() in hours.days:
            start, end = moments(day, hours.start, hours.end, zone)
            if start - slack <= at <= end + slack:
                return True
    return False


@lru_cache(maxsize=65_536)
def moments(day: date, start: time, end: time, zone: str) -> tuple[datetime, datetime]:
    """Return when hours that start on a local day begin and end, as UTC moments.

    An end at or before the start is on the next day. In the doubled hour of autumn the start is its first and the end
    its second occurrence, so that nobody on shift is called late by the clock change.
    """
    place = ZoneInfo(zone)
    last_day = day + timedelta(days=1) if end <= start else day
    return (
        datetime.combine(day, start.replace(fold=0), place).astimezone(UTC),
        datetime.combine(last_day, end.replace(fold=1), place).astimezone(UTC),
    )


def working_day(at: datetime, hours: Hours, zone: str) -> date:
    """Return the local day that an access out of hours is counted to: the day on which the last hours ended.

    The free stretch from one end to the next start is one day's, so that midnight does not cut it in two.
    """
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (local - timedelta(hours=hours.end.hour, minutes=hours.end.minute)).date()


def _hit(
    who: str,
    day: date,
    facts: Sequence[Fact],
    working_time: tuple[Hours, str],
    settings: RuleSettings,
) -> Hit:
    hours, zone = working_time
    severity = Severity.HIGH if any(fact.privileged for fact in facts) else Severity.MEDIUM
    numbers: dict[str, int | str | bool] = {
        "start": f"{hours.start:%H:%M}",
        "end": f"{hours.end:%H:%M}",
        "zone": zone,
        "slack_minutes": settings.slack_minutes,
        "own_shift": hours is not settings.hours,
    }
    return Hit(Rule.OUT_OF_HOURS, who, day.isoformat(), severity, tuple(facts), timedelta(0), numbers)
