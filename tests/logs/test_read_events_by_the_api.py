"""Sources and events by the API: what is answered, to whom, and what it leaves behind."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from logs.models import LogSource
from tenants.actions import issue_token
from tenants.kinds import Permission
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world

pytestmark = pytest.mark.django_db
BASE = "/api/v1/t/northwind/"
START = timezone.now().replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture
def token(carla: User, bpo: Tenant) -> str:
    with tenant_scope(bpo):
        scopes = [Permission.SOURCE_VIEW, Permission.EVENT_VIEW]
        return issue_token(name="siem", scopes=scopes, days=1, user=carla, by=make.actor(carla, bpo))[1]


@pytest.fixture
def source(bpo: Tenant) -> LogSource:
    source = world.source(bpo, world.system(bpo))
    lines = [world.line(START + timedelta(seconds=n), f"user{n % 3}", ok=n % 2 == 0) for n in range(20)]
    world.deliver(source, lines)
    return source


def read(path: str, token: str) -> Any:
    answer = Client().get(BASE + path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_events_are_listed_filtered_and_paged(source: LogSource, token: str) -> None:
    body = read("events/?limit=15", token)
    assert len(body["items"]) == 15
    rest = read(f"events/?limit=15&cursor={body['next_cursor']}", token)
    times = [item["occurred_at"] for item in body["items"] + rest["items"]]
    assert times == sorted(times, reverse=True)
    assert (len(times), rest["next_cursor"]) == (20, None)
    assert len(read("events/?actor=USER1", token)["items"]) == 7
    assert {item["status_id"] for item in read("events/?outcome=denied", token)["items"]} == {2}
    assert read("events/?since=2001-01-01T00:00:00Z&until=2001-02-01T00:00:00Z", token)["items"] == []


def test_one_event_is_read_by_its_key(source: LogSource, token: str) -> None:
    first = read("events/?limit=1", token)["items"][0]
    reading = {"first_received_at": None, "supersedes": "", "superseded_by": ""}
    assert read(f"events/{first['key']}/", token) == {**first, **reading}


def test_reading_events_is_a_deed(source: LogSource, token: str, bpo: Tenant) -> None:
    read("events/?actor=user1", token)
    with tenant_scope(bpo):
        entry = AuditEntry.objects.get(verb="event.look")
    assert (entry.actor_name, entry.detail["actor"], entry.leaf_kind) == ("token:siem", "user1", 0x0B)


def test_a_source_says_how_fresh_and_how_whole_it_is(source: LogSource, token: str) -> None:
    (listed,) = read("sources/", token)["items"]
    assert (listed["key"], listed["format"]) == ("payments", "json")
    assert read(f"sources/{source.pk}/", token)["coverage"]["ratio"] is None


@pytest.mark.parametrize("query", ["since=x", "address=x", "log_type=8", "outcome=maybe", "source=0", "limit=0"])
def test_wrong_filters_are_named(source: LogSource, token: str, query: str) -> None:
    answer = Client().get(f"{BASE}events/?{query}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"#/{query.split('=', maxsplit=1)[0]}")


def test_hostile_text_is_only_text(source: LogSource, token: str) -> None:
    for text in ("%00", "'%3B DROP TABLE x--", "%25%25", "%F0%9F%92%A5"):
        answer = Client().get(f"{BASE}events/?text={text}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in {200, 400}


def test_a_window_from_the_beginning_to_the_end_of_time_is_a_window(source: LogSource, token: str) -> None:
    for window in ("since=0001-01-01T00:00:00Z", "since=0001-01-01T00:00:00%2B14:00&until=9999-12-31T23:59:59-14:00"):
        answer = Client().get(f"{BASE}events/?{window}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in {200, 400}
