"""Attendance: days that follow each other over midnight and clock changes, what logs show of them, and the export."""

import csv
import hashlib
import io
import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from identities.actions import claim_account, import_roster, upsert_identities
from identities.csvtable import BadFile
from identities.kinds import AccountKind
from identities.models import Identity, RosterFeed, System
from identities.queries import rostered
from logs.actions import record_events
from logs.attendance import Plan, Seen, Shift, outcome_of, plans, standing_shift, time_in
from logs.models import EventExport, SourceHour
from logs.queries.attendance import PersonDays, attendance
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import lines, source

MANILA, BERLIN = ZoneInfo("Asia/Manila"), ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
MONDAY = date(2026, 11, 16)
NIGHT = (time(22), time(6))


def at(text: str, zone: ZoneInfo = MANILA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def every_day(first: date, days: int, zone: ZoneInfo, hours: tuple[time, time] = NIGHT) -> dict[date, list[Shift]]:
    around = (first + timedelta(days=number) for number in range(-1, days + 1))
    return {day: [standing_shift(day, *hours, zone)] for day in around}


def test_a_night_shift_is_one_days_and_days_follow_each_other() -> None:
    one, two = plans(MONDAY, MONDAY + timedelta(days=1), every_day(MONDAY, 2, MANILA), MANILA)
    assert (one.begin, one.end) == (at("2026-11-16T14:00"), at("2026-11-17T14:00"))
    assert (one.starts_at, one.ends_at) == (at("2026-11-16T22:00"), at("2026-11-17T06:00"))
    assert two.begin == one.end


def test_a_shift_over_a_clock_change_is_as_long_as_the_night_is() -> None:
    spring, autumn = date(2026, 3, 28), date(2026, 10, 24)
    for day, hours in ((spring, 7), (autumn, 9), (autumn + timedelta(days=7), 8)):
        shift = standing_shift(day, *NIGHT, BERLIN)
        assert shift.ends_at - shift.starts_at == hours * HOUR
    doubled = standing_shift(autumn, time(18), time(2, 30), BERLIN)
    assert doubled.ends_at - doubled.starts_at == 9.5 * HOUR
    (plan,) = plans(spring, spring, every_day(spring, 1, BERLIN), BERLIN)
    assert plan.begin == at("2026-03-28T14:00", BERLIN)
    assert plan.end == at("2026-03-29T14:00", BERLIN)
    assert plan.end - plan.begin == 23 * HOUR


def test_beside_a_day_off_a_day_reaches_four_hours_beyond_the_shift() -> None:
    shifts = {MONDAY: [standing_shift(MONDAY, *NIGHT, MANILA)]}
    before, on, after = plans(MONDAY - timedelta(days=1), MONDAY + timedelta(days=1), shifts, MANILA)
    assert (before.end, on.end) == (at("2026-11-16T00:00"), at("2026-11-17T10:00"))
    assert (after.begin, after.shifts) == (on.end, ())
    early = {MONDAY: [standing_shift(MONDAY, time(2), time(10), MANILA)]}
    assert plans(MONDAY, MONDAY, early, MANILA)[0].begin == at("2026-11-15T22:00")


@given(st.lists(st.one_of(st.none(), st.tuples(st.times(), st.times())), min_size=9, max_size=9))
def test_every_moment_belongs_to_one_day(hours: list[tuple[time, time] | None]) -> None:
    first = date(2026, 10, 22)
    days = [first + timedelta(days=number) for number in range(-1, 8)]
    shifts = {day: [standing_shift(day, *one, BERLIN)] for day, one in zip(days, hours, strict=True) if one}
    found = plans(first, days[-2], shifts, BERLIN)
    assert [plan.end for plan in found[:-1]] == [plan.begin for plan in found[1:]]
    assert all(plan.begin <= plan.end for plan in found)


PLAN = Plan(MONDAY, at("2026-11-16T14:00"), at("2026-11-17T14:00"), (standing_shift(MONDAY, *NIGHT, MANILA),))
FREE = Plan(MONDAY, at("2026-11-16T00:00"), at("2026-11-17T00:00"), ())


def seen(first: str, last: str, *, inside: int = 1) -> Seen:
    return Seen(at(first), at(last), at(first), inside, 2, 2, remote=False, addresses=(), countries=())


@pytest.mark.parametrize(
    ("plan", "what", "now", "key"),
    [
        (PLAN, seen("2026-11-16T22:10", "2026-11-17T06:02"), "2026-11-18T00:00", "seen"),
        (PLAN, seen("2026-11-16T22:11", "2026-11-17T06:02"), "2026-11-18T00:00", "late"),
        (PLAN, seen("2026-11-16T15:00", "2026-11-16T16:00", inside=0), "2026-11-18T00:00", "outside"),
        (PLAN, None, "2026-11-18T00:00", "no_record"),
        (PLAN, None, "2026-11-17T01:00", "not_yet"),
        (PLAN, None, "2026-11-16T20:00", "ahead"),
        (FREE, None, "2026-11-18T00:00", "off"),
        (FREE, seen("2026-11-16T15:00", "2026-11-16T16:00"), "2026-11-18T00:00", "unplanned"),
    ],
)
def test_a_day_has_one_outcome(plan: Plan, what: Seen | None, now: str, key: str) -> None:
    assert outcome_of(plan, what, at(now)).key == key


def test_lateness_is_said_exactly_and_time_in_sessions_counts_once() -> None:
    late = outcome_of(PLAN, seen("2026-11-16T23:25", "2026-11-17T06:02"), at("2026-11-18T00:00"))
    assert (late.words, late.late) == ("Late by 1 h 25 min", timedelta(minutes=85))
    begin, end = at("2026-11-16T22:00"), at("2026-11-17T06:00")
    spans = [(begin - HOUR, begin + HOUR), (begin, begin + 2 * HOUR), (end - HOUR, end + HOUR)]
    assert time_in(spans, begin, end) == 3 * HOUR


PEOPLE = (
    b"external_id,name,programme,shift_start,shift_end,time_zone\n"
    b"E1,Ana Cruz,Claims,22:00,06:00,Asia/Manila\nE2,Ben Diaz,Cards,09:00,17:00,Asia/Manila\n"
)
ROSTER = (
    b"external_id,since,until,site,remote\n"
    b"E1,2026-11-16T22:00,2026-11-17T06:00,cebu,no\nE1,2026-11-18T22:00+08:00,2026-11-19T06:00+08:00,cebu,yes\n"
)


def sshd(local: str, what: str, pid: int) -> bytes:
    moment = at(local)
    said = {
        "on": f"Accepted password for ana from 112.198.0.1 port {pid} ssh2",
        "off": "pam_unix(sshd:session): session closed for user ana",
        "bad": f"Failed password for ana from 112.198.0.1 port {pid} ssh2",
    }[what]
    return f"{moment:%b %d %H:%M:%S} web1 sshd[{pid}]: {said}".encode()


@pytest.fixture
def floor(bpo: Tenant, system: Actor) -> None:
    """Two people; one's account on a server whose log holds a night, a refused try, and a morning without a shift."""
    with tenant_scope(bpo):
        upsert_identities(body=PEOPLE, by=system)
        import_roster(body=ROSTER, tenant=bpo, by=system)
        servers = System.objects.create(name="Servers", key="servers", privileged_rule="root")
        claim_account(system=servers, name="ana", owner=Identity.objects.get(external_id="E1"), kind=AccountKind.HUMAN,
                      by=system)  # fmt: skip
        made = source(time_zone="UTC", system=servers, expected={"every_minutes": 60})
        body = lines(
            sshd("2026-11-16T20:30", "bad", 1),
            sshd("2026-11-16T22:42", "on", 2),
            sshd("2026-11-17T05:42", "off", 2),
            sshd("2026-11-17T15:00", "on", 3),
        )
        record_events(source=made, body=body, door="test", by=system)
        hours = {at("2026-11-16T00:00") + number * HOUR for number in range(72)} - {at("2026-11-17T01:00")}
        known = set(SourceHour.objects.filter(source_id=made.pk).values_list("hour", flat=True))
        SourceHour.objects.bulk_create(
            SourceHour(tenant_id=bpo.pk, source_id=made.pk, hour=hour, events=1, quarantined=0, ignored=0)
            for hour in hours - known
        )


def days(bpo: Tenant, first: date = MONDAY, count: int = 3) -> list[PersonDays]:
    people = list(Identity.objects.order_by("external_id"))
    return attendance(people, first, first + timedelta(days=count - 1), zone=bpo.zone, now=at("2026-11-18T20:00"))


@pytest.mark.django_db
def test_a_persons_days_are_told_from_roster_and_logs(bpo: Tenant, floor: None) -> None:
    with tenant_scope(bpo):
        ana, ben = days(bpo)
    monday, tuesday, wednesday = ana.days
    assert [day.outcome.words for day in ana.days] == ["Late by 42 min", "Seen without a shift", "Not begun"]
    assert monday.seen is not None
    assert (monday.seen.first_at, monday.seen.last_at) == (at("2026-11-16T22:42"), at("2026-11-17T05:42"))
    assert (monday.in_sessions, monday.open_sessions, tuesday.open_sessions) == (7 * HOUR, 0, 1)
    assert (monday.seen.addresses, monday.seen.countries, monday.seen.remote) == (("112.198.0.1",), ("PH",), False)
    assert (monday.plan.shifts[0].site, wednesday.plan.shifts[0].site) == ("cebu", "home")
    assert (monday.silent, tuesday.silent) == (("Bastion",), ())
    assert (ana.accounts, ana.expecting, ben.accounts, ben.watched) == (1, 1, 0, 0)
    assert [day.plan.shifts[0].by for day in ben.days] == ["register"] * 3
    assert [day.outcome.key for day in ben.days] == ["no_record"] * 3


@pytest.mark.django_db
def test_the_newest_roster_that_names_a_person_counts(bpo: Tenant, floor: None, system: Actor) -> None:
    with tenant_scope(bpo):
        import_roster(body=ROSTER.replace(b"11-18T22:00", b"11-18T21:00"), tenant=bpo, by=system)
        other = b"external_id,since,until\nE2,2026-11-17T09:00,2026-11-17T17:00\n"
        import_roster(body=other, tenant=bpo, by=system)
        ids = list(Identity.objects.order_by("external_id").values_list("pk", flat=True))
        found = rostered(ids, MONDAY, MONDAY + timedelta(days=2))
    assert {day: len(shifts) for (who, day), shifts in found.items() if who == ids[0]} == {
        MONDAY: 1,
        MONDAY + timedelta(days=1): 0,
        MONDAY + timedelta(days=2): 1,
    }
    assert found[ids[0], MONDAY + timedelta(days=2)][0].starts_at == at("2026-11-18T21:00")
    assert [day for who, day in found if who == ids[1]] == [MONDAY + timedelta(days=1)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"E9,2026-11-16T22:00,2026-11-17T06:00", "Line 2 names 'E9', whom the register does not know"),
        (b"E1,2026-11-16T22:00,2026-11-16T06:00", "must end after it begins"),
        (b"E1,2026-11-16T22:00,2026-11-18T06:00", "within 24 hours"),
        (b"E1,2026-11-16,2026-11-17T06:00", "which is no time of a shift"),
        (b"E1,2026-11-16T22:00Z,2026-11-17T06:00", "both or none"),
        (b"E1,2026-11-16T22:00,2026-11-17T06:00\nE1,2026-11-16T14:00Z,2026-11-17T06:00Z", "the same shift"),
        (b"", "holds no shift"),
    ],
)
def test_a_wrong_roster_is_refused_as_a_whole(rows: bytes, said: str, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        upsert_identities(body=PEOPLE, by=system)
        with pytest.raises(BadFile, match=said):
            import_roster(body=b"external_id,since,until\n" + rows + b"\n", tenant=bpo, by=system)
        assert not RosterFeed.objects.exists()


URL = "/t/northwind/attendance/"
ASKED = {"first": "2026-11-16", "last": "2026-11-18"}


@pytest.mark.django_db
def test_the_page_is_a_deed_and_costs_the_same_for_more_people(bpo: Tenant, floor: None, ana: User) -> None:
    client = Client()
    client.force_login(ana)
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        text = client.get(URL, {**ASKED, "q": "claims"}).content.decode()
    assert "Late by 42 min" in text
    assert "Ben Diaz" not in text
    with CaptureQueriesContext(connection) as more:
        text = client.get(URL, ASKED).content.decode()
    assert "The register knows no account of this person" in text
    assert "Absent" not in text
    assert len(more) == len(few)
    with tenant_scope(bpo):
        looked = AuditEntry.objects.filter(verb="event.look", target="Attendance").count()
        key = f"identity-{Identity.objects.get(external_id='E1').pk}"
    assert looked == 3
    timeline = client.get(f"/t/northwind/people/{key}/", {"day": "2026-11-16"}).content.decode()
    assert 'id="attendance"' in timeline


@pytest.mark.django_db
def test_the_export_has_a_row_a_day_and_a_manifest(bpo: Tenant, floor: None, ana: User) -> None:
    client = Client()
    client.force_login(ana)
    body = b"".join(client.get(f"{URL}export.csv", ASKED).streaming_content)  # type: ignore[attr-defined]  # streamed
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(body.decode())))
    assert [(row["external_id"], row["day"]) for row in rows[:2]] == [("E1", "2026-11-16"), ("E1", "2026-11-17")]
    assert (rows[0]["outcome"], rows[0]["late_minutes"], rows[0]["session_minutes"]) == ("late", "42", "420")
    assert (rows[0]["first_seen_at"], rows[0]["silent_sources"]) == ("2026-11-16T22:42:00+08:00", "Bastion")
    with tenant_scope(bpo):
        made = EventExport.objects.get(form="attendance")
    assert (made.rows, bytes(made.sha256)) == (6, hashlib.sha256(body).digest())
    manifest = json.loads(client.get(f"/t/northwind/search/exports/{made.pk}/manifest.json").content)
    assert (manifest["form"], manifest["rows"]) == ("attendance", 6)


@pytest.mark.django_db
def test_a_roster_is_uploaded_by_who_keeps_the_register(bpo: Tenant, floor: None, carla: User, ana: User) -> None:
    client = Client()
    client.force_login(carla)
    page = "/t/northwind/register/rosters/upload/"
    answer = client.post(page, {"file": SimpleUploadedFile("r.csv", ROSTER)}, follow=True)
    assert "2 shifts" in answer.content.decode()
    bad = client.post(page, {"file": SimpleUploadedFile("r.csv", b"external_id,since,until\nE9,x,y\n")})
    assert (bad.status_code, "which" in bad.content.decode() or "write a time" in bad.content.decode()) == (422, True)
    client.force_login(ana)
    assert client.post(page, {"file": SimpleUploadedFile("r.csv", ROSTER)}).status_code == 403
    with tenant_scope(bpo):
        assert RosterFeed.objects.count() == 2
