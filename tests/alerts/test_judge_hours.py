"""Out of hours: shifts, business hours, zones, midnight and the two clock changes."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.kinds import Hours, Rule, RuleSettings, Severity
from alerts.rules.facts import Fact, Person
from alerts.rules.hours import judge_hours, moments, within
from tests.alerts.facts import fact

SETTINGS = RuleSettings(unknown_on=True)
BERLIN = "Europe/Berlin"
MANILA = "Asia/Manila"


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def access(text: str, zone: str = BERLIN, **fields: Any) -> Fact:
    return fact(at=at(text, zone), ok=True, **fields)


def judged(*facts: Fact, person: Person | None = None, settings: RuleSettings = SETTINGS) -> list[object]:
    people = {1: person} if person else {}
    return list(judge_hours(facts, people, settings, tenant_zone=BERLIN))


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("2026-03-02 07:30:00", True),
        ("2026-03-02 07:29:59", False),
        ("2026-03-02 18:30:00", True),
        ("2026-03-02 18:30:01", False),
        ("2026-03-07 12:00:00", False),
        ("2026-03-08 12:00:00", False),
    ],
)
def test_business_hours_hold_for_unknown_accounts_in_the_tenants_zone(text: str, inside: bool) -> None:
    assert (judged(access(text)) == []) is inside


def test_a_shift_holds_by_the_persons_own_clock_on_every_day() -> None:
    agent = Person(MANILA, time(6), time(15))
    assert judged(access("2026-03-08 06:00", MANILA, person_id=1), person=agent) == []
    (hit,) = judge_hours([access("2026-03-08 16:00", MANILA, person_id=1)], {1: agent}, SETTINGS, tenant_zone=BERLIN)
    assert (hit.rule, hit.group, hit.severity) == (Rule.OUT_OF_HOURS, "person:1", Severity.MEDIUM)
    assert hit.numbers["own_shift"] is True


def test_business_hours_hold_in_the_persons_zone_when_there_is_no_shift() -> None:
    person = Person(MANILA)
    assert judged(access("2026-03-02 09:00", MANILA, person_id=1), person=person) == []
    assert len(judged(access("2026-03-02 21:00", MANILA, person_id=1), person=person)) == 1


@pytest.mark.parametrize(("clock", "inside"), [("21:30", True), ("23:59", True), ("00:00", True), ("06:30", True)])
def test_a_shift_over_midnight_covers_both_days(clock: str, inside: bool) -> None:
    agent = Person(BERLIN, time(22), time(6))
    assert (judged(access(f"2026-03-04 {clock}", person_id=1), person=agent) == []) is inside


def test_a_shift_over_midnight_does_not_cover_noon() -> None:
    agent = Person(BERLIN, time(22), time(6))
    assert len(judged(access("2026-03-04 12:00", person_id=1), person=agent)) == 1


def test_slack_reaches_over_midnight() -> None:
    assert judged(access("2026-03-05 00:20", person_id=1), person=Person(BERLIN, time(15), time(23, 59))) == []
    assert judged(access("2026-03-04 23:40", person_id=1), person=Person(BERLIN, time(0, 5), time(8))) == []


def test_one_night_is_one_hit_though_it_holds_midnight() -> None:
    (hit,) = judged(access("2026-03-03 23:50"), access("2026-03-04 00:10"), access("2026-03-04 05:00"))
    assert len(hit.facts) == 3
    assert len(judged(access("2026-03-03 23:50"), access("2026-03-04 23:50"))) == 2


def test_hours_follow_the_clock_change_in_spring_and_autumn() -> None:
    """Berlin goes to UTC+2 on 2026-03-29 and back to UTC+1 on 2026-10-25; eight o'clock stays eight o'clock."""
    every_day = replace(SETTINGS, hours=Hours(time(8), time(18)))
    for day in ("2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"):
        assert judged(access(f"{day} 07:30"), settings=every_day) == []
        assert len(judged(access(f"{day} 07:29"), settings=every_day)) == 1


def test_a_shift_that_ends_in_the_doubled_hour_ends_at_its_second_occurrence() -> None:
    start, end = moments(datetime(2026, 10, 24).date(), time(18), time(2, 30), BERLIN)  # noqa: DTZ001 -- a local day
    assert end - start == timedelta(hours=9, minutes=30)
    assert end == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_shift_that_starts_in_the_missing_hour_is_not_lost() -> None:
    start, end = moments(datetime(2026, 3, 29).date(), time(2, 30), time(10), BERLIN)  # noqa: DTZ001 -- a local day
    assert (start, end) == (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 8, tzinfo=UTC))


def test_equal_ends_mean_all_day() -> None:
    assert judged(access("2026-03-04 03:00", person_id=1), person=Person(BERLIN, time(0), time(0))) == []


def test_privileged_access_is_rated_high() -> None:
    (hit,) = judged(access("2026-03-04 03:00", privileged=True))
    assert hit.severity is Severity.HIGH


def test_unknown_accounts_and_the_rule_can_be_switched_off() -> None:
    night = access("2026-03-04 03:00")
    assert judged(night, settings=replace(SETTINGS, unknown_on=False)) == []
    assert judged(night, settings=replace(SETTINGS, hours_on=False)) == []


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 -- local times are what is drawn
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from([BERLIN, MANILA, "UTC", "America/New_York", "Australia/Lord_Howe"]),
)
def test_without_a_clock_change_hours_are_minutes_of_the_wall_clock(
    local: datetime, start: time, end: time, zone: str
) -> None:
    moment = local.replace(tzinfo=ZoneInfo(zone))
    nearby = {(moment + timedelta(days=days)).utcoffset() for days in (-2, 0, 2)}
    minute = local.hour * 60 + local.minute + local.second / 60 + local.microsecond / 60e6
    first, last = start.hour * 60 + start.minute, end.hour * 60 + end.minute
    inside = first <= minute <= last if first < last else (minute >= first or minute <= last)
    if len(nearby) == 1:
        assert within(moment.astimezone(UTC), Hours(start, end), zone, 0) is inside
