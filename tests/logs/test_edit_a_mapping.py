"""The mapping editor: tried on a sample before it is saved, every save a version, older ones taken up again."""

from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from logs.actions import record_events, save_mapping
from logs.kinds import Format
from logs.models import AccessEvent, LogSource, MappingVersion
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import lines

pytestmark = pytest.mark.django_db

HELD: Final[dict[str, Any]] = {"columns": {"at": "occurred_at", "who": "actor_name"}, "log_type": 2}
SAMPLE: Final = (
    '{"at": "20/11/2026 10:00:00", "user": {"login": "ana"}, "res": "yes"}\n'
    '{"at": "20/11/2026 10:01:00", "user": {"login": "bo"}, "res": "no"}\n'
    '{"at": "yesterday", "user": {"login": "cy"}, "res": "no"}\n'
)
TYPED: Final = {
    "sample": SAMPLE,
    "name_0": "at",
    "column_0": "occurred_at",
    "name_1": "user.login",
    "column_1": "actor_name",
    "name_2": "res",
    "column_2": "outcome",
    "time_format": "pattern",
    "pattern": "%d/%m/%Y %H:%M:%S",
    "time_zone": "Europe/Madrid",
    "log_type": "1",
    "outcomes": "yes = success\nno = bad_password",
    "why": "The export has changed.",
}


@pytest.fixture
def source(bpo: Tenant) -> LogSource:
    with tenant_scope(bpo):
        return LogSource.objects.create(name="Desk", key="desk", format=Format.JSON, mapping=HELD, log_types=[2])


@pytest.fixture
def client(carla: User) -> Client:
    made = Client()
    made.force_login(carla)
    return made


def path(source: LogSource, end: str = "") -> str:
    return f"/t/northwind/sources/{source.pk}/mapping/{end}"


def kept(tenant: Tenant) -> list[MappingVersion]:
    with tenant_scope(tenant):
        return list(MappingVersion.objects.order_by("version"))


def test_a_preview_says_what_each_record_becomes_and_saves_nothing(source: LogSource, client: Client) -> None:
    answer = client.post(path(source), {**TYPED, "preview": "1"})
    rows = answer.context["preview"].lines
    assert [row["draft"].status_id for row in rows[:2]] == [1, 2]
    assert rows[0]["draft"].occurred_at.isoformat() == "2026-11-20T09:00:00+00:00"
    assert "The time &#x27;yesterday&#x27; cannot be read" in answer.content.decode()
    assert 'In the sample: <span class="mono">no, yes</span>' in answer.content.decode()
    assert kept(source.tenant) == []


def test_each_save_is_a_version_that_says_who_and_why(source: LogSource, client: Client) -> None:
    assert client.post(path(source), {**TYPED, "save": "1"}).status_code == 302
    first, second = kept(source.tenant)
    assert (first.version, first.mapping, second.version) == (1, HELD, 2)
    assert (second.by, second.why) == ("carla@example.org", "The export has changed.")
    with tenant_scope(source.tenant):
        source.refresh_from_db()
        assert (source.mapping, source.mapping_version) == (second.mapping, 2)
        entry = AuditEntry.objects.get(verb="mapping.save")
        assert entry.detail["digest"] == second.sha256
        record_events(source=source, body=SAMPLE.encode(), door="test", by=Actor.system("tests", source.tenant_id))
        event = AccessEvent.objects.get(actor_name="bo")
        assert (event.parser, event.status_detail) == ("json/1 mapping 2", "bad_password")
    answer = client.post(path(source), {**TYPED, "save": "1"})
    assert answer.status_code == 422
    assert "nothing would change" in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"column_0": ""}, "No column is mapped to the time (occurred_at)."),
        ({"column_1": ""}, "No column is mapped to the actor (actor_name)."),
        ({"why": " "}, "Say in a few words why the mapping changes"),
        ({"outcomes": "yes success"}, "is no pair: write value = meaning."),
        ({"time_zone": "Mars/Olympus"}, "This is no IANA time zone."),
        ({"activities": "export = much"}, "is no class and activity"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    source: LogSource, client: Client, typed: dict[str, str], said: str
) -> None:
    answer = client.post(path(source), {**TYPED, **typed, "save": "1"})
    assert answer.status_code == 422
    assert answer.content.decode().count(said) >= 1
    assert kept(source.tenant) == []


def test_an_older_version_is_compared_and_taken_up_again(source: LogSource, client: Client) -> None:
    client.post(path(source), {**TYPED, "save": "1"})
    shown = client.get(path(source), {"compare": "1"}).content.decode()
    assert "columns: user.login" in shown
    assert client.post(path(source, "take-up/"), {"version": "1", "reason": ""}).status_code == 302
    assert len(kept(source.tenant)) == 2
    client.post(path(source, "take-up/"), {"version": "1", "reason": "The change was taken back."})
    third = kept(source.tenant)[2]
    assert (third.version, third.mapping, third.taken_from) == (3, HELD, 1)
    assert client.post(path(source, "take-up/"), {"version": "9", "reason": "x"}).status_code == 404


def test_the_sample_is_a_file_the_newest_records_or_those_in_quarantine(source: LogSource, client: Client) -> None:
    good, bad = b'{"at": "2026-11-20T10:00:00Z", "who": "ana"}', b'{"at": "2026-11-20T10:00:00Z", "login": "bo"}'
    with tenant_scope(source.tenant):
        record_events(source=source, body=lines(good, bad), door="test", by=Actor.system("tests", source.tenant_id))
    for take, raw in (("newest", good), ("quarantine", bad)):
        answer = client.post(path(source), {"take": take})
        assert answer.context["form"].data["sample"] == raw.decode()
    assert {"at", "who", "login"} <= set(answer.context["form"].columns)
    with tenant_scope(source.tenant):
        assert set(AuditEntry.objects.values_list("verb", flat=True)) >= {"event.look", "quarantine.look"}
    file = SimpleUploadedFile("sample.json", SAMPLE.encode())
    answer = client.post(path(source), {**TYPED, "sample": "", "file": file, "preview": "1"})
    assert len(answer.context["preview"].lines) == 3


def test_versions_are_append_only_and_of_their_tenant(
    source: LogSource, client: Client, strangers: Tenant, remy: User
) -> None:
    client.post(path(source), {**TYPED, "save": "1"})
    with tenant_scope(strangers):
        assert not MappingVersion.objects.exists()
    with tenant_scope(source.tenant), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE logs_mappingversion SET why = 'x'")
    client.force_login(remy)
    assert client.post(path(source), {**TYPED, "save": "1"}).status_code == 403


def test_the_mapping_that_holds_already_is_no_new_version(source: LogSource, system: Actor) -> None:
    with tenant_scope(source.tenant):
        made = save_mapping(source=source, mapping={**HELD, "app": "Desk"}, why="It is the desk.", by=system)
        assert (made.version, source.mapping_version) == (2, 2)
