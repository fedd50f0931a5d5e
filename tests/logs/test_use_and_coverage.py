"""Answers for other rooms: use of accounts, coverage, events in ledger order, sealed entries."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from identities.models import Account, Identity, System
from ledger import queries as ledger
from ledger.entries import canonical, leaf_hash, parse_canonical, seal
from ledger.kinds import LeafKind
from logs.actions import record_events
from logs.coverage import cover, schedule_of
from logs.hours import Hours
from logs.models import AccessEvent, LogSource, UsageDay
from logs.partitions import make_partitions, months, partition_name
from logs.queries import (
    coverage,
    coverage_days,
    events_after,
    place_of,
    sealed_entries,
    system_coverage,
    use_of_accounts,
)
from logs.strips import week
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_BAD, SSHD_OK, failures, lines, source

pytestmark = pytest.mark.django_db
SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)


def account(system: System, name: str, identity: Identity | None = None) -> Account:
    return Account.objects.create(
        system=system, name=name, name_key=name.lower(), identity=identity, salt=b"0" * 16, ref=f"{system.pk}-{name}"
    )


def a_system() -> System:
    return System.objects.create(name="Bastion", key="bastion", privileged_rule="none: test")


def test_use_is_counted_for_the_account_and_found_by_a_later_one(in_bpo: Tenant, system: Actor) -> None:
    bastion = a_system()
    early = account(bastion, "Alice")
    body = lines(SSHD_OK, SSHD_OK.replace(b"Nov 20", b"Nov 19"), *failures(3), SSHD_OK.replace(b"alice", b"zoe"))
    record_events(source=source(system=bastion), body=body, door="test", by=system)
    late = account(bastion, "zoe")
    bob, idle = account(bastion, "bob"), account(bastion, "idle")
    use = use_of_accounts([early.pk, late.pk, bob.pk, idle.pk], since=SINCE, until=UNTIL)
    assert (use[early.pk].ok_count, use[early.pk].days_used, sum(use[early.pk].weeks)) == (2, 2, 2)
    assert use[early.pk].last_used_at == datetime(2026, 11, 20, 9, 15, 1, tzinfo=UTC)
    assert use[early.pk].actions[0][1] == 2
    assert use[late.pk].ok_count == 1
    assert (use[bob.pk].denied_count, use[bob.pk].days_used, use[bob.pk].last_used_at) == (3, 0, None)
    assert (use[idle.pk].ok_count, use[idle.pk].weeks) == (0, (0,) * 26)
    assert set(AccessEvent.objects.filter(actor_name="alice").values_list("account_id", flat=True)) == {early.pk}


def test_hours_are_judged_by_the_shift_of_the_person(in_bpo: Tenant, system: Actor) -> None:
    bastion = a_system()
    night = Identity.objects.create(external_id="7", name="Alice", shift_start=time(22), shift_end=time(6))
    account(bastion, "alice", night)
    body = lines(SSHD_OK, SSHD_OK.replace(b"09:15:01", b"23:30:00"), SSHD_OK.replace(b"alice", b"bob"))
    record_events(source=source(system=bastion), body=body, door="test", by=system)
    judged = dict(AccessEvent.objects.values_list("ord", "out_of_hours"))
    assert judged == {0: True, 1: False, 2: False}
    assert AccessEvent.objects.get(ord=0).identity_id == night.pk
    assert sum(UsageDay.objects.values_list("out_of_hours_count", flat=True)) == 1


@pytest.mark.parametrize(
    ("at", "outside"),
    [("2026-11-20T07:31", False), ("2026-11-20T07:29", True), ("2026-11-20T18:29", False), ("2026-11-22T12:00", True)],
)
def test_business_hours_have_half_an_hour_of_grace(at: str, outside: bool) -> None:
    hours = Hours(ZoneInfo("Europe/Madrid"), time(8), time(18), frozenset({1, 2, 3, 4, 5}))
    assert hours.outside(datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Madrid"))) is outside


def test_silence_is_no_coverage_and_nothing_expected_is_no_answer(in_bpo: Tenant, system: Actor) -> None:
    bastion = a_system()
    expected = source("Expected", system=bastion, expected={"every_minutes": 60})
    source("Quiet", system=None)
    LogSource.objects.update(created_at=datetime(2026, 11, 20, tzinfo=UTC))
    record_events(source=expected, body=lines(SSHD_OK, SSHD_BAD), door="test", by=system)
    since, until = datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
    first, quiet = coverage(since=since, until=until)
    assert (first.expected_hours, first.received_hours, first.ratio) == (4, 1, 0.25)
    assert first.gaps == ((since, since + timedelta(hours=1)), (since + timedelta(hours=2), until))
    assert (quiet.expected_hours, quiet.ratio, quiet.gaps) == (0, None, ())
    (_, by_day), (_, nothing) = coverage_days(since=since, until=until, zone=ZoneInfo("Asia/Tokyo"))
    assert by_day == {date(2026, 11, 20): (4, 1)}, "until nine in the evening there"
    assert nothing == {}
    (_, by_day), _quiet = coverage_days(since=since, until=until, zone=ZoneInfo("Etc/GMT-14"))
    assert by_day == {date(2026, 11, 20): (2, 1), date(2026, 11, 21): (2, 0)}, "the day ends at ten in UTC"
    assert system_coverage([bastion.pk], since, until) == {bastion.pk: 0.25}
    assert system_coverage([], since, until) == {}


def test_a_daily_source_is_covered_by_one_delivery_a_day() -> None:
    schedule = schedule_of({"every_minutes": 1440, "hours": [9, 10]}, ZoneInfo("UTC"))
    assert schedule is not None
    begin = datetime(2026, 11, 16, tzinfo=UTC)
    found = cover(schedule, {begin + timedelta(hours=9)}, begin, begin + timedelta(days=2))
    assert (found.expected, found.received) == (4, 2)
    assert schedule_of({}, ZoneInfo("UTC")) is None


def test_events_come_in_the_order_of_the_ledger(bpo: Tenant, system: Actor) -> None:
    seen, cursor = [], 0
    with tenant_scope(bpo):
        bastion = source()
        for start in (0, 5):
            record_events(source=bastion, body=lines(*failures(5, start)), door="test", by=system)
    with tenant_scope(bpo):
        for _ in range(10):
            page = events_after(cursor, limit=3)
            assert len(page.events) <= 3
            seen += [ledger.batch(bpo.uuid, event.batch_id).first_index + event.ord for event in page.events]
            cursor = page.cursor
        assert (len(seen), seen, cursor) == (10, sorted(set(seen)), ledger.head(bpo.uuid).size)


def test_sealed_entries_hash_to_the_leaves(bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        answer = record_events(source=source(), body=lines(SSHD_OK, SSHD_BAD, b"bad"), door="test", by=system)
    with tenant_scope(bpo):
        entries, place = list(sealed_entries([answer.batch])), ledger.batch(bpo.uuid, answer.batch)
        assert [entry.kind for entry in entries] == [LeafKind.EVENT, LeafKind.EVENT, LeafKind.MANIFEST]
        assert place.n == 3
        for entry in entries:
            assert canonical(parse_canonical(entry.core)) == entry.core
            sealed = seal(LeafKind(entry.kind), entry.core, subj=entry.subj, raw=entry.raw, salts=entry.salts or b"")
            assert leaf_hash(sealed) == ledger.leaf(bpo.uuid, place.first_index + entry.ord)
        assert all(place_of(event).matches for event in AccessEvent.objects.all())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE logs_accessevent SET actor_name = 'nobody'",
        "DELETE FROM logs_accessevent",
        "TRUNCATE logs_accessevent",
        "UPDATE logs_delivery SET stored = 0",
        "DELETE FROM logs_quarantinedline",
        "SELECT count(*) FROM " + partition_name(timezone.now().date()),  # noqa: S608 -- a constant name
    ],
)
def test_the_database_refuses_to_change_evidence_and_to_show_a_bare_month(in_bpo: Tenant, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_months_are_made_ahead_and_only_by_the_owner(in_bpo: Tenant) -> None:
    assert [begin.isoformat() for begin, _end in months(timezone.now().date().replace(month=11, day=30), 3)][1:] == [
        f"{timezone.now().year}-12-01",
        f"{timezone.now().year + 1}-01-01",
    ]
    assert make_partitions(connection, now=timezone.now()) == []
    with pytest.raises(ProgrammingError), transaction.atomic():
        make_partitions(connection, now=timezone.now(), ahead=6)


def test_each_month_indexes_sessions_for_as_many_as_its_pages_hold(in_bpo: Tenant) -> None:
    query = "SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%% brin %%'"
    with connection.cursor() as cursor:
        cursor.execute(query, [partition_name(timezone.now().date())])
        ((index,),) = cursor.fetchall()
    assert "(n_distinct_per_range='600')" in index
    assert "pages_per_range='64'" in index


def test_the_strip_shows_a_daily_source_as_covered_by_one_hour() -> None:
    schedule = schedule_of({"every_minutes": 1440}, ZoneInfo("UTC"))
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    strip = week({datetime(2026, 11, 20, 15, tzinfo=UTC): 3}, schedule, ZoneInfo("UTC"), now)
    assert strip.counts == {"there": 1, "within": 23, "missing": 5 * 24 + 12, "extra": 0, "quiet": 0}
    silent = week({datetime(2026, 11, 20, 15, tzinfo=UTC): 3}, None, ZoneInfo("UTC"), now)
    assert (silent.counts["extra"], silent.counts["quiet"]) == (1, 6 * 24 + 11)
