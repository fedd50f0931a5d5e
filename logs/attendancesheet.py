"""Attendance as CSV: one row for each person and day, people by people, so that neither number is a limit."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from logs.exporting import Rows
from logs.exports import cells_line
from logs.queries.attendance import DayLine, PersonDays, attendance, attended_people
from tenants.models import Tenant
from tenants.scope import tenant_scope

COLUMNS: Final = (
    *("external_id", "name", "programme", "site", "day", "zone", "shift_begins_at", "shift_ends_at", "planned_by"),
    *("planned_site", "outcome", "late_minutes", "first_seen_at", "last_seen_at", "session_minutes", "open_sessions"),
    *("active_minutes", "records", "by_vpn", "addresses", "countries", "sources_that_could_show", "silent_sources"),
)
PEOPLE: Final = 25


def sheet(tenant: Tenant, text: str, first: date, last: date, source_ids: Collection[int] | None) -> Rows:
    """Return the sheet's rows; each 25 people are read in a scope of their own."""
    return Rows(lambda rows: _lines(rows, tenant, text, (first, last), source_ids))


def _lines(
    rows: Rows, tenant: Tenant, text: str, days: tuple[date, date], source_ids: Collection[int] | None
) -> Iterator[str]:
    yield cells_line(COLUMNS)
    first, last = days
    with tenant_scope(tenant):
        ids = list(attended_people(text, first, last).values_list("pk", flat=True))
    for start in range(0, len(ids), PEOPLE):
        with tenant_scope(tenant):
            part = list(attended_people(text, first, last).filter(pk__in=ids[start : start + PEOPLE]))
            found = attendance(part, first, last, zone=tenant.zone, source_ids=source_ids)
        for person in found:
            for day in person.days:
                rows.count += 1
                yield cells_line(_cells(person, day))


def _cells(person: PersonDays, day: DayLine) -> list[object]:
    one, plan, seen = person.person, day.plan, day.seen
    shift = plan.shifts[0] if plan.shifts else None
    planned = (_moment(plan.starts_at, person), _moment(plan.ends_at, person))
    who = (one.external_id, one.name, one.programme, one.site, plan.on.isoformat(), person.zone.key, *planned)
    what = (*((shift.by, shift.site) if shift else ("", "")), day.outcome.key, _minutes(day.outcome.late))
    lengths = (_minutes(day.in_sessions), day.open_sessions)
    silence = (person.watched, "; ".join(day.silent))
    if seen is None:
        return [*who, *what, "", "", *lengths, 0, 0, "", "", "", *silence]
    span = (_moment(seen.first_at, person), _moment(seen.last_at, person))
    where = ("yes" if seen.remote else "no", " ".join(seen.addresses), " ".join(seen.countries))
    return [*who, *what, *span, *lengths, _minutes(seen.active), seen.events, *where, *silence]


def _moment(at: datetime | None, person: PersonDays) -> str:
    return at.astimezone(person.zone).isoformat(timespec="seconds") if at else ""


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // 60
