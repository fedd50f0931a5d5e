"""Sessions: which log-on goes with which log-off, how long it lasted, and what is said when one of them is missing."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from logs.actions import record_events
from logs.queries import person_of
from logs.queries.sessions import sessions_of
from logs.sessions import Deed, sessions_from
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_OK, lines, source

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
ON, OFF, USE = (3002, 1), (3002, 2), (6003, 2)


def deed(minute: int, what: tuple[int, int], uid: str = "", ip: str = "", **fields: object) -> Deed:
    """Return one successful event of alice on source 1."""
    facts = {
        "source_id": 1,
        "actor_key": "alice",
        "status_id": 1,
        "device": "",
        "app": "",
        "host": "",
        "class_uid": what[0],
        "activity_id": what[1],
        "session_uid": uid,
        "src_ip": ip,
        "duration_ms": None,
        "occurred_at": AT + timedelta(minutes=minute),
    }
    return Deed(**(facts | fields))  # type: ignore[arg-type]  # a test's own fields


def spans(*deeds: Deed) -> list[tuple[float | None, float | None, int]]:
    """Return (begin, end, events) of each session, in minutes after `AT`, newest first."""

    def minutes(at: datetime | None) -> float | None:
        return None if at is None else (at - AT).total_seconds() / 60

    return [(minutes(one.began_at), minutes(one.ended_at), one.events) for one in sessions_from(deeds)]


def test_a_session_id_pairs_what_addresses_would_mix() -> None:
    found = spans(deed(0, ON, "a"), deed(1, ON, "b"), deed(5, OFF, "a"), deed(9, OFF, "b"))
    assert found == [(1, 9, 2), (0, 5, 2)]


def test_without_an_id_account_and_address_pair() -> None:
    found = spans(deed(0, ON, ip="::1"), deed(2, ON, ip="::2"), deed(6, OFF, ip="::1"), deed(7, OFF, ip="::2"))
    assert found == [(2, 7, 2), (0, 6, 2)]
    assert spans(deed(0, ON, ip="::1"), deed(6, OFF, ip="::1", actor_key="bob")) == [(None, 6, 1), (0, None, 1)]


def test_the_longest_pause_is_idle_and_use_fills_what_the_log_on_did_not_say() -> None:
    (one,) = sessions_from(
        [deed(0, ON, "a"), deed(2, USE, "a", "::7", device="phone"), deed(30, USE, "a"), deed(31, OFF, "a")]
    )
    assert (one.idle, one.duration, one.events) == (timedelta(minutes=28), timedelta(minutes=31), 4)
    assert (one.src_ip, one.device) == ("::7", "phone")


def test_a_log_off_without_a_log_on_tells_its_length_or_nothing() -> None:
    (one,) = sessions_from([deed(60, OFF, "a", duration_ms=600_000)])
    assert (one.began_at, one.duration, one.stated) == (AT + timedelta(minutes=50), timedelta(minutes=10), True)
    assert spans(deed(60, OFF, "a")) == [(None, 60, 1)]


def test_a_log_on_that_states_its_length_is_a_whole_session() -> None:
    assert spans(deed(0, ON, ip="::1", duration_ms=60_000), deed(9, USE, ip="::1")) == [(0, 1, 1)]


def test_a_log_off_that_names_nothing_ends_the_only_open_session() -> None:
    assert spans(deed(0, ON, ip="::1"), deed(5, OFF)) == [(0, 5, 2)]
    two = spans(deed(0, ON, ip="::1"), deed(1, ON, ip="::2"), deed(5, OFF))
    assert sorted(two, key=str) == sorted([(0, None, 1), (1, None, 1), (None, 5, 1)], key=str)


def test_a_number_that_is_used_again_is_another_session() -> None:
    assert spans(deed(0, ON, "4242"), deed(10, ON, "4242")) == [(0, None, 2)]
    assert spans(deed(0, ON, "4242"), deed(25 * 60, ON, "4242")) == [(25 * 60, None, 1), (0, None, 1)]
    other = spans(deed(0, ON, "4242"), deed(10, ON, "4242", actor_key="bob"), deed(11, OFF, "4242"))
    assert other == [(10, 11, 2), (0, None, 1)]


@pytest.mark.parametrize("what", [(3002, 7), (3002, 99), (6003, 1)])
def test_other_deeds_and_refused_log_ons_open_nothing(what: tuple[int, int]) -> None:
    assert spans(deed(0, what, "a"), deed(1, ON, "a", status_id=2)) == []


KINDS = st.sampled_from([ON, OFF, USE])
DEEDS = st.builds(deed, st.integers(0, 300), KINDS, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "::1"]))


@given(st.lists(DEEDS, max_size=30))
def test_every_log_on_and_log_off_is_in_exactly_one_session(deeds: list[Deed]) -> None:
    found = sessions_from(deeds)
    assert sum(one.ended_at is not None for one in found) == sum(one.ends for one in deeds)
    assert sum(one.events for one in found) <= len(deeds)
    for one in found:
        assert one.began_at is None or one.began_at <= one.last_at
        assert one.idle >= timedelta(0)
        assert one.duration is None or one.idle <= one.duration


CLOSED = b"Nov 20 09:45:01 web1 sshd[4242]: pam_unix(sshd:session): session closed for user alice"


@pytest.mark.django_db
def test_the_timeline_shows_a_session_of_a_real_log(client: Client, carla: User, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        record_events(source=source(), body=lines(SSHD_OK, CLOSED), door="test", by=system)
        for key in ("name-alice", "ip-203.0.113.7"):
            person = person_of(key)
            assert person is not None
            (line,) = sessions_of(person, since=AT, until=AT + timedelta(hours=2)).lines
            assert line.session.src_ip == "203.0.113.7"
        hidden = sessions_of(person, since=AT, until=AT + timedelta(hours=2), source_ids=())
        assert hidden.lines == []
    client.force_login(carla)
    text = client.get("/t/northwind/people/name-alice/").content.decode()
    assert 'id="sessions"' in text
    assert "30 min" in text
