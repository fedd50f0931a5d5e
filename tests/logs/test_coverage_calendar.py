"""The coverage page: half a year of hours against the schedule, silence now, clocks, and the grade that is earned."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logs.actions import record_events
from logs.calendars import DayCount, covered_of, draw, expected_in, silent_since, spans, state_of
from logs.coverage import schedule_of
from logs.health import Arrival, way_of
from logs.models import LogSource, SourceHour
from logs.queries.calendars import coverage_overview
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_BAD, SSHD_OK, lines, okta, source

MADRID, HALF = ZoneInfo("Europe/Madrid"), ZoneInfo("Asia/Kolkata")
HOUR = timedelta(hours=1)


def _fill(made: LogSource, hours: list[datetime]) -> None:
    SourceHour.objects.bulk_create(
        SourceHour(tenant_id=made.tenant_id, source_id=made.pk, hour=hour, events=1, quarantined=0, ignored=0)
        for hour in hours
    )


def test_a_day_of_a_clock_change_has_its_own_number_of_hours() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert [len(span.hours) for span in spans(MADRID, spring, spring)] == [23]
    assert [len(span.hours) for span in spans(MADRID, autumn, autumn)] == [25]
    days = spans(HALF, date(2026, 11, 1), date(2026, 11, 3))
    assert [len(span.hours) for span in days] == [24, 24, 24]
    assert days[0].hours.stop == days[1].hours.start


@pytest.mark.parametrize(
    ("count", "state"),
    [
        (DayCount(24, 24, 24), "whole"),
        (DayCount(24, 3, 3), "part"),
        (DayCount(24, 0, 0), "none"),
        (DayCount(0, 0, 2), "extra"),
        (DayCount(0, 0, 0), "quiet"),
    ],
)
def test_a_day_has_one_state(count: DayCount, state: str) -> None:
    assert state_of(count) == state
    calendar = draw(spans(MADRID, date(2026, 11, 30), date(2026, 11, 30)), [count])
    (cell,) = calendar.months[0].cells
    assert (cell.state, calendar.counts[state]) == (state, 1)
    assert bool(calendar.broken) is (state in {"part", "none"})


def test_an_interval_is_covered_by_any_of_its_hours_and_silence_begins_at_the_first_missing_one() -> None:
    schedule = schedule_of({"every_minutes": 240, "hours": list(range(8, 20))}, ZoneInfo("UTC"))
    assert schedule is not None
    expected = expected_in(schedule, range(480000, 480024))
    assert len(expected) == 12
    assert covered_of(expected, {480009}, 4) == {480008, 480009, 480010, 480011}
    assert silent_since(expected, {480008, 480009}) == datetime.fromtimestamp(480010 * 3600, UTC)
    assert silent_since(expected, expected) is None
    assert silent_since((), ()) is None


@pytest.mark.parametrize(
    ("doors", "record", "grade"),
    [
        (["http", "http"], "event-7", "A"),
        (["http", "http"], "record 7", "B"),
        (["http", "syslog-tls"], "event-7", "C"),
        (["http", "file"], "record 7", "D"),
        ([], "", ""),
    ],
)
def test_the_worst_of_the_newest_deliveries_gives_the_grade(doors: list[str], record: str, grade: str) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert way_of([Arrival(door, record, at, at) for door in doors]).grade == grade


def test_the_delay_is_the_median_and_a_clock_ahead_is_told() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    late = way_of([Arrival("http", "", at, at - timedelta(seconds=number)) for number in (3, 5, 900)])
    assert (late.delay, late.ahead) == (timedelta(seconds=5), None)
    assert way_of([Arrival("http", "", at, at + timedelta(seconds=40))]).ahead == timedelta(seconds=40)
    assert way_of([Arrival("http", "", at, None)]).delay is None


@pytest.mark.django_db
def test_a_source_that_stopped_is_silent_since_its_first_missing_hour(in_bpo: Tenant) -> None:
    now = timezone.now().replace(minute=30, second=0, microsecond=0)
    hour = now.replace(minute=0)
    made = source(expected={"every_minutes": 60})
    _fill(made, [hour - HOUR * number for number in range(6, 50) if number != 20])
    (line,) = coverage_overview([made], zone=MADRID, now=now).lines
    assert line.silent_since == hour - 5 * HOUR
    assert (line.expected, line.missing) == (48, 5)
    _fill(made, [hour - HOUR * number for number in range(2, 6)])
    (line,) = coverage_overview([made], zone=MADRID, now=now).lines
    assert (line.silent_since, line.missing) == (None, 1)


@pytest.mark.django_db
def test_the_calendar_counts_the_days_of_all_sources(in_bpo: Tenant) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    first, second = source("One", expected={"every_minutes": 60}), source("Two", expected={"every_minutes": 60})
    LogSource.objects.update(created_at=datetime(2026, 11, 20, tzinfo=UTC))
    _fill(first, [datetime(2026, 11, 20, tzinfo=UTC) + HOUR * number for number in range(59)])
    _fill(second, [datetime(2026, 11, 20, tzinfo=UTC) + HOUR * number for number in range(24)])
    overview = coverage_overview(list(LogSource.objects.order_by("name")), zone=ZoneInfo("UTC"), now=now)
    assert overview.calendar.counts == {"whole": 1, "part": 2, "none": 0, "extra": 0, "quiet": 179}
    assert overview.calendar.broken[-1] == "Sat 21 Nov 2026: 24 of 48 expected hours there"
    assert [line.ratio for line in overview.lines] == [1.0, pytest.approx(24 / 59)]


@pytest.mark.django_db
def test_events_from_the_future_and_unreadable_records_are_counted(in_bpo: Tenant, system: Actor) -> None:
    made = source("Okta", "okta")
    ahead = (timezone.now() + HOUR).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    before = (timezone.now() - HOUR).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = lines(okta(1, published=before), okta(2, published=ahead), b"{", okta(3, published=before))
    record_events(source=made, body=body, door="http", by=system)
    record_events(source=made, body=lines(okta(4, published=ahead)), door="http", by=system)
    (line,) = coverage_overview([made], zone=MADRID).lines
    assert (line.future, line.unreadable, line.way.grade, line.ratio) == (2, 0.2, "A", None)


@pytest.mark.django_db
def test_a_stated_grade_that_is_not_earned_is_shown(client: Client, carla: User, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        made = source(grade="A", expected={"every_minutes": 60})
        record_events(source=made, body=lines(SSHD_OK, SSHD_BAD), door="http", by=system)
    client.force_login(carla)
    for path in ("coverage/", f"sources/{made.pk}/"):
        text = client.get(f"/t/northwind/{path}").content.decode()
        assert "Below what is stated" in text
        assert 'role="img"' in text
        assert "Silent" in text


@pytest.mark.django_db
def test_who_may_not_see_sources_does_not_see_their_coverage(client: Client, axel: User, cleo: User) -> None:
    client.force_login(axel)
    assert client.get("/t/northwind/coverage/").status_code == 403
    client.force_login(cleo)
    assert client.get("/t/northwind/coverage/").status_code == 404


@pytest.mark.django_db
def test_half_a_year_of_ten_sources_takes_three_queries_and_little_time(in_bpo: Tenant) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    made = [source(f"S{number}", expected={"every_minutes": 60}) for number in range(10)]
    for one in made:
        _fill(one, [hour - HOUR * number for number in range(26 * 7 * 24)])
    with CaptureQueriesContext(connection) as taken:
        coverage_overview(made, zone=MADRID)
    assert len(taken) == 3
    best = 9.0
    for _ in range(3):
        begin = time.perf_counter()
        coverage_overview(made, zone=MADRID)
        best = min(best, time.perf_counter() - begin)
    assert best < 0.5
