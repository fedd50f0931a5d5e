"""The search page and the timelines of things: what a query finds, what a wrong one says, and where cells lead."""

import contextlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from identities.actions import SystemFacts, save_system, upsert_identities
from logs.actions import record_events
from logs.kinds import Format
from logs.models import AccessEvent, LogSource
from logs.queries import Filters, condition, search_events
from logs.queries.conditions import reads_all
from logs.querylang import QueryError, parse
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.sharing import share
from tests import make
from tests.database import without_triggers
from tests.logs.sources import SSHD_BAD, SSHD_OK, lines, okta, source

pytestmark = pytest.mark.django_db
EVER: Final = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2027, 1, 1, tzinfo=UTC)}


@pytest.fixture
def floor(bpo: Tenant, carla: User, system: Actor) -> LogSource:
    """One log of a server with two log-ins, and one of Okta with three."""
    with tenant_scope(bpo):
        by = make.actor(carla, bpo)
        upsert_identities(body=b"external_id,name,email\nE1,Ana Ruiz,ana@example.org\n", by=by)
        crm = save_system(facts=SystemFacts("Claims CRM", "crm", "admin*"), by=by)
        made = source()
        record_events(source=made, body=lines(SSHD_OK, SSHD_BAD), door="test", by=system)
        sso = source("SSO", Format.OKTA, system=crm)
        record_events(source=sso, body=lines(*(okta(number) for number in range(3))), door="test", by=system)
    return made


def found(q: str) -> list[str]:
    page = search_events(Filters(where=condition(parse(q)), **EVER))
    return sorted(event.actor_name.split("@")[0] for event in page.events)


AGENTS: Final = ["agent0", "agent1", "agent2"]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("user:ALICE", ["alice"]),
        ("user:alice,root", ["alice", "root"]),
        ("user:agent*", AGENTS),
        ("-user:agent* -user:root", ["alice"]),
        ("ip:203.0.113.0/24", [*AGENTS, "alice"]),
        ("-ip:203.0.113.0/24", ["root"]),
        ("type:failed", ["root"]),
        ("outcome:denied", ["root"]),
        ("outcome:allowed -source:sso", ["alice"]),
        ("source:bastion", ["alice", "root"]),
        ("source:SSO", AGENTS),
        ("source:*", [*AGENTS, "alice", "root"]),
        ("system:crm", AGENTS),
        ('system:"claims crm"', AGENTS),
        ("-system:crm", ["alice", "root"]),
        ("device:mozilla*", AGENTS),
        ('device:"MOZILLA/5.0"', AGENTS),
        ("-device:*", ["alice", "root"]),
        ("reason:unknown_user", ["root"]),
        ("who:people web1", ["alice", "root"]),
        ("203.0.113.7", ["alice"]),
        ("-web1", AGENTS),
        ('"mozilla/5"', AGENTS),
        ("person:E1", []),
        ("mfa:yes", []),
        ("100%", []),
        (r'"\\"', []),
    ],
)
def test_each_qualifier_finds_its_events(floor: LogSource, q: str, names: list[str]) -> None:
    with tenant_scope(floor.tenant):
        assert found(q) == names


@pytest.mark.parametrize("name", ["source:nowhere", "system:nowhere", "person:nobody"])
def test_a_name_that_is_not_there_gets_a_sentence(floor: LogSource, name: str) -> None:
    with tenant_scope(floor.tenant), pytest.raises(QueryError, match=r"At character 6 .* none by this name"):
        found(f"web1 {name}")


def test_a_query_tells_nothing_of_sources_that_are_not_shared(floor: LogSource, cleo: User) -> None:
    with tenant_scope(floor.tenant):
        share(floor, user=cleo, by=Actor.system("tests", floor.tenant_id))
        assert condition(parse("source:bastion"), {floor.pk})
        for hidden in ("source:sso", "system:crm"):
            with pytest.raises(QueryError, match="none by this name"):
                condition(parse(hidden), {floor.pk})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.sampled_from(["", "user:", "action:", "session:", "-object:", "ip:", "source:"]))
@example("'; DROP TABLE logs_accessevent; --", "action:")
@example("%(tenant)s %s \\", "user:")
def test_no_text_becomes_sql(floor: LogSource, text: str, name: str) -> None:
    with tenant_scope(floor.tenant):
        for q in (name + text, name + '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'):
            with contextlib.suppress(QueryError):
                found(q)
        assert AccessEvent.objects.count() == 5


def get(client: Client, path: str) -> Any:
    return client.get(f"/t/northwind/{path}")


def test_a_wrong_query_is_told_on_the_page_and_exports_nothing(client: Client, carla: User, floor: LogSource) -> None:
    client.force_login(carla)
    answer = get(client, f"search/?q={quote('user:alice usr:x')}")
    assert "At character 12 stands “usr:”, which is no qualifier; write user:" in answer.content.decode()
    assert answer.context["lines"] == []
    assert 'value="user:alice usr:x"' in answer.content.decode()
    refused = get(client, "search/export.csv?q=usr:x&window=7")
    assert (refused.status_code, refused["Location"]) == (302, "/t/northwind/search/?q=usr%3Ax&window=7")


def test_plain_fields_write_the_query(client: Client, carla: User, floor: LogSource) -> None:
    client.force_login(carla)
    asked = f"search/?q=user:bob,alice&log_type=6&outcome=denied&source={floor.pk}&first_day=2026-11-20"
    answer = get(client, asked)
    text = "user:bob,alice type:failed outcome:denied source:bastion after:2026-11-20 before:2026-11-21"
    assert answer.context["asked"].text == text
    assert f'value="{text}"' in answer.content.decode()
    assert [chip.words for chip in answer.context["chips"]][:2] == ["Account: bob or alice", "Kind: Failed log-in"]


def test_every_cell_leads_to_a_timeline(client: Client, carla: User, floor: LogSource) -> None:
    client.force_login(carla)
    text = get(client, "search/?q=user:alice").content.decode()
    assert "/t/northwind/things/address/203.0.113.7/" in text
    for path in set(re.findall(r"/t/northwind/((?:things|people)/[^\"?]+)", text)):
        answer = get(client, path + "?day=2026-11-20")
        assert answer.status_code == 200
        assert "alice" in {line.event.actor_name for line in answer.context["lines"]}
        assert answer.context["strip"].events >= 1


@pytest.mark.parametrize("path", ["things/address/203.0.113.9/", "people/name-agent1@example.org/"])
def test_a_timeline_zooms_from_days_to_an_hour(client: Client, carla: User, floor: LogSource, path: str) -> None:
    client.force_login(carla)
    (day,) = get(client, f"{path}?days=365").context["strip"].columns
    (hour,) = get(client, f"{path}?day={day.day}").context["strip"].columns
    shown = get(client, f"{path}?day={day.day}&hour={quote(hour.hour)}").context
    assert (day.events, hour.events, len(shown["lines"])) == ((3, 3, 3) if "things" in path else (1, 1, 1))
    assert shown["until"] - shown["since"] == shown["window"].until - shown["window"].since
    assert shown["strip"].events == hour.events
    other = get(client, f"{path}?day={day.day}&hour=2026-11-20T00:00:00%2B00:00").context
    assert (other["lines"], other["strip"].events) == ([], hour.events)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("things/planet/x/", 404),
        ("things/address/nowhere/", 404),
        ("things/object/%20/", 404),
        ("things/object/a/b%25%22%27;--/", 200),
        ("things/object/x/?days=%C2%B2&day=9999-99-99&hour=x", 200),
        ("things/object/x/?day=2200-12-31&cursor=1-1", 200),
        ("things/object/x/?days=3650", 200),
        ("things/object/x/?day=2026-11-20&hour=2026-11-20T10:00", 200),
        ("search/?q=%22", 200),
        ("search/?q=after:9999w", 200),
        ("search/?q=" + "x" * 3000, 200),
        ("search/?address=nowhere", 200),
        ("search/?window=days", 200),
    ],
)
def test_no_address_breaks_a_page(client: Client, carla: User, floor: LogSource, path: str, status: int) -> None:
    client.force_login(carla)
    assert get(client, path).status_code == status


@pytest.mark.parametrize("path", ["search/?q=person:E1,*+source:sso+system:crm", "things/address/203.0.113.9/"])
def test_the_number_of_queries_does_not_grow(
    client: Client, carla: User, floor: LogSource, path: str, system: Actor
) -> None:
    client.force_login(carla)
    get(client, path)
    with CaptureQueriesContext(connection) as few:
        get(client, path)
    with tenant_scope(floor.tenant):
        sso = LogSource.objects.get(key="sso")
        record_events(source=sso, body=lines(*(okta(number) for number in range(10, 60))), door="test", by=system)
    with CaptureQueriesContext(connection) as many:
        get(client, path)
    assert len(many) <= len(few)


@pytest.mark.usefixtures("floor")
def test_a_search_without_an_index_says_how_far_it_looked_and_goes_on_from_there(bpo: Tenant) -> None:
    with tenant_scope(bpo):
        filters = Filters(where=condition(parse("nowhere")), **EVER)
        newest = search_events(replace(filters, where=Q())).events
        assert len(newest) > 4
        first = search_events(filters, at_most=3)
        assert (list(first.events), first.looked_back_to) == ([], newest[2].occurred_at)
        found = search_events(replace(filters, where=Q(id=newest[3].id)), cursor=first.cursor, at_most=1)
        assert [event.pk for event in found.events] == [newest[3].pk]
        last = search_events(filters, cursor=first.cursor, at_most=len(newest))
        assert (last.cursor, last.looked_back_to) == ("", None)


@pytest.mark.parametrize(
    ("q", "reads"),
    [
        *(("", False), ("user:ana report", False), ("ip:192.0.2.7 app:crm", False), ("outcome:denied", False)),
        *(
            ("report", True),
            ("-user:ana", True),
            ("user:an*", True),
            ("ip:10.0.0.0/8", True),
            ("outcome:denied x", True),
        ),
    ],
)
def test_it_knows_which_queries_have_no_index(q: str, reads: bool) -> None:
    assert reads_all(parse(q)) is reads


@pytest.mark.usefixtures("floor")
def test_the_page_says_how_far_it_looked(client: Client, carla: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logs.views.events.LOOKED_AT", 2)
    client.force_login(carla)
    address = "/t/northwind/search/?q=nowhere+after:2026-01-01"
    page = client.get(address).content.decode()
    assert "Looked at as far back as" in page
    assert "reads at most 2 events" in page
    assert page.count("Search further back") == 2
    monkeypatch.setattr("logs.views.events.LOOKED_AT", 100)
    assert "Looked at as far back as" not in client.get(address).content.decode()


def many(system: Actor) -> None:
    """Store 6,000 events of 1,500 sessions, among them three of one, and let the planner know of them."""
    day = {"published": "2026-11-19T08:00:00.000Z"}
    rare, often = ({"authenticationContext": {"externalSessionId": name}} for name in ("rare", "often"))
    body = lines(*(okta(n, **day, **rare) for n in (97, 98, 99)), *(okta(n, **often) for n in range(100, 160)))
    record_events(source=LogSource.objects.get(key="sso"), body=body, door="test", by=system)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = 'logs_accessevent'::regclass"
            " AND attnum > 0 AND attgenerated = '' AND attname NOT IN ('id', 'session_uid', 'occurred_at')"
        )
        same = cursor.fetchone()[0]
        copies = f"""INSERT INTO logs_accessevent (session_uid, occurred_at, {same})
            SELECT concat('s', n % 1500), occurred_at - n * interval '10 s', {same}
            FROM logs_accessevent, generate_series(1, 6000) n WHERE native_id = 'event-99'"""  # noqa: S608 -- names of columns
        cursor.execute(copies)
    without_triggers("ANALYZE logs_accessevent")


def read_index(q: str) -> tuple[int, bool]:
    """Search; give how many events were found, and whether a month's index of sessions was read for them."""
    months = "pg_inherits WHERE inhparent = 'event_by_session'::regclass"
    sums = f"SELECT sum(pg_stat_get_xact_numscans(inhrelid)) FROM {months}"  # noqa: S608 -- a constant
    with connection.cursor() as cursor:
        cursor.execute(sums)
        before = cursor.fetchone()
        events = search_events(Filters(where=condition(parse(q)), **EVER)).events
        cursor.execute(sums)
        after = cursor.fetchone()
        cursor.execute("SELECT current_setting('enable_seqscan'), current_setting('enable_indexscan')")
        assert cursor.fetchone() == ("on", "on")
    return len(events), before != after


@pytest.mark.usefixtures("floor")
def test_a_rare_session_is_found_by_its_index_and_a_frequent_one_among_the_newest(
    bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.queries.search.LOOKED_AT", 58)
    with tenant_scope(bpo):
        many(system)
        asked = ("session:rare", "session:often", "session:rare user:agent99@example.org", "user:agent0@example.org")
        assert [read_index(q) for q in asked] == [(3, True), (50, False), (1, False), (1, False)]
