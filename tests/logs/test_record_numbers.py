"""Numbers of records: what is missing between those that came, what late records fill, and a count that restarts."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from logs.actions import record_events
from logs.actions.prune import prune_streams
from logs.kinds import Format
from logs.models import LogSource, SourceStream
from logs.queries.calendars import gapped_streams
from logs.sequences import KEPT_RUNS, NUMBERED, Place, Seen, Track, follow, joined
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import lines, source

POSTGRES = NUMBERED[Format.POSTGRES_JSONLOG]
WINDOWS = NUMBERED[Format.WINDOWS]


def pg(number: int, session: str = "6562c4e4.37a6") -> bytes:
    """Return a jsonlog line of a session; its message tries to look like a place."""
    return (
        b'{"timestamp":"2026-11-20 10:00:00.%03d GMT","user":"app","dbname":"crm","pid":14246,'
        b'"remote_host":"10.0.0.7","session_id":"%s","line_num":%d,"error_severity":"LOG",'
        b'"message":"x \\"session_id\\":\\"1.1\\",\\"line_num\\":99","backend_type":"client backend"}'
    ) % (number % 1000, session.encode(), number)


@pytest.mark.parametrize(
    "raw",
    [
        b"<EventRecordID>7</EventRecordID><Channel>Security</Channel><Computer>DC1.bpo.test</Computer>",
        b'{"winlog":{"record_id":7,"channel":"Security","computer_name":"dc1.bpo.test"}}',
        b'{"Event":{"System":{"EventRecordID": "7","Channel":"Security","Computer":"dc1.bpo.test"}}}',
    ],
)
def test_a_windows_record_stands_in_the_channel_of_its_computer(raw: bytes) -> None:
    assert WINDOWS(raw) == ("Security on dc1.bpo.test", 7)


def test_a_postgres_line_stands_in_its_session_and_others_nowhere() -> None:
    assert POSTGRES(pg(12)) == ("session 6562c4e4.37a6", 12)
    assert (POSTGRES(b"not json"), WINDOWS(b'{"record_id":7}')) == (None, None)


def test_a_place_is_looked_for_at_the_beginning_of_a_long_record() -> None:
    assert POSTGRES(b" " * 70_000 + pg(12)) is None
    assert WINDOWS(b'"' * 70_000 + b'{"record_id":7,"channel":"a","computer":"b"}') is None


def test_a_gap_is_missing_until_late_records_fill_it() -> None:
    track = follow(None, [(5, 9), (12, 12)])
    assert (track.first, track.gaps, track.missing) == (5, [(10, 11)], 2)
    track = follow(track, [(13, 20), (25, 25)])
    assert (track.gaps, track.missing) == ([(10, 11), (21, 24)], 6)
    track = follow(track, [(11, 11), (21, 24)])
    assert (track.gaps, track.missing) == ([(10, 10)], 1)
    assert follow(track, [(5, 25)]).missing == 0


def test_a_count_that_begins_again_loses_nothing_new() -> None:
    track = follow(follow(None, [(1000, 1001), (1005, 1005)]), [(1, 4)])
    assert (track.first, track.restarts, track.missing, track.gaps) == (1, 1, 3, [])


def test_old_gaps_are_kept_as_a_sum() -> None:
    track = follow(None, [(number, number) for number in range(0, 400, 2)])
    assert (len(track.runs), track.missing) == (KEPT_RUNS, 199)
    assert follow(track, [(0, 100)]).missing == 199
    assert follow(track, [(0, 400)]).missing == track.lost == 150


NUMBERS = st.lists(st.integers(1, 120), min_size=1, max_size=40)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_what_is_missing_is_what_never_came(deliveries: list[list[int]]) -> None:
    track, came = None, set[int]()
    first = deliveries[0]
    for numbers in [[min(first)], *deliveries]:
        within = [number for number in numbers if number >= min(first)] or [min(first)]
        seen = Seen(lambda raw: Place("s", int(raw)))
        for number in within:
            seen.add(str(number).encode())
        track = follow(track, seen.streams["s"]) if seen.streams else track
        came |= set(within)
    assert track is not None
    if track.lost == 0:
        assert {n for a, b in track.gaps for n in range(a, b + 1)} == set(range(min(came), max(came))) - came
    assert track.missing == max(came) - min(came) + 1 - len(came) or track.lost
    assert joined(track.runs) == list(track.runs)


@pytest.fixture
def database(bpo: Tenant) -> LogSource:
    """A source of PostgreSQL's log."""
    with tenant_scope(bpo):
        return source("Database", Format.POSTGRES_JSONLOG)


@pytest.mark.django_db
def test_deliveries_are_followed_over_their_borders(database: LogSource, bpo: Tenant, system: Actor) -> None:
    for numbers in ([1, 2, 3], [6, 7], [5, 9]):
        with tenant_scope(bpo):
            body = lines(*(pg(number) for number in numbers), pg(numbers[0], "6562c4e5.1"))
            answer = record_events(source=database, body=body, door="http", by=system)
            assert answer.received == len(numbers) + 1
    with tenant_scope(bpo):
        (one, other) = gapped_streams(database)
        assert (one.name, one.missing, one.gaps) == ("session 6562c4e4.37a6", 2, [(4, 4), (8, 8)])
        assert (other.name, other.gaps) == ("session 6562c4e5.1", [(2, 4)])
        assert prune_streams(before=timezone.now() - timedelta(days=1), by=system) == 0
        assert prune_streams(before=timezone.now(), by=system) == 2


@pytest.mark.django_db
def test_a_resend_of_the_same_body_changes_nothing(database: LogSource, bpo: Tenant, system: Actor) -> None:
    body = lines(pg(1), pg(3))
    for replayed in (False, True):
        with tenant_scope(bpo):
            assert record_events(source=database, body=body, door="http", by=system).replayed is replayed
            assert SourceStream.objects.get().missing == 1


@pytest.mark.django_db
def test_the_pages_name_the_missing_numbers(
    client: Client, carla: User, database: LogSource, bpo: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        record_events(source=database, body=lines(pg(1), pg(2000)), door="http", by=system)
        source("Bastion")
    client.force_login(carla)
    text = client.get(f"/t/northwind/sources/{database.pk}/").content.decode()
    assert "2 to 1999" in text
    text = client.get("/t/northwind/coverage/").content.decode()
    assert "Not numbered" in text
    assert "1\u202f998" in text


def test_a_body_of_scattered_numbers_is_followed_up_to_a_limit() -> None:
    seen = Seen(lambda raw: Place(raw.decode(), 1))
    for number in range(20_010):
        seen.add(b"%d" % number)
    assert len(seen.streams) == 20_000
    assert Track(1, [(1, 1)]).missing == 0
