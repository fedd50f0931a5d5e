"""Elastic's bulk protocol: the captured shapes of its clients (ingest.md 3.1), and an answer for each item."""

import base64
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from logs.actions import issue_source_token
from logs.kinds import Format
from logs.models import AccessEvent, QuarantinedLine
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_OK, failures, okta, source

pytestmark = pytest.mark.django_db
VENDOR = "application/vnd.elasticsearch+x-ndjson; compatible-with=9"


@pytest.fixture
def token(bpo: Tenant, system: Actor) -> str:
    with tenant_scope(bpo):
        return issue_source_token(source=source(), by=system)


def send(client: Client, token: str, body: bytes, path: str = "/_bulk", **headers: str) -> HttpResponse:
    verb, kind = headers.pop("verb", "POST"), headers.pop("content_type", "application/x-ndjson")
    headers = {"Authorization": f"ApiKey {token}", **headers}
    return client.generic(verb, f"/elastic{path}", body, content_type=kind, headers=headers)  # type: ignore[return-value]  # the test client's answer


def pairs(*documents: dict[str, Any] | bytes, action: str = "create", ids: str = "", between: str = "\n") -> bytes:
    """Return a bulk body; bytes are a line in `message`."""
    lines = []
    for number, document in enumerate(documents):
        target = {"_index": "logs", **({"_id": f"{ids}{number}"} if ids else {})}
        said = {"message": document.decode()} if isinstance(document, bytes) else document
        lines += [json.dumps({action: target}), json.dumps(said)]
    return (between.join(lines) + "\n").encode()


def stored(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return AccessEvent.objects.count()


def statuses(answer: HttpResponse) -> list[int]:
    return [next(iter(item.values()))["status"] for item in answer.json()["items"]]


def test_elasticsearch_py_puts_a_bulk(client: Client, token: str, bpo: Tenant) -> None:
    accept = "application/vnd.elasticsearch+json; compatible-with=9"
    answer = send(client, token, pairs(*failures(3)), verb="PUT", content_type=VENDOR, Accept=accept)
    assert (answer.status_code, answer.json()["errors"], statuses(answer)) == (200, False, [201] * 3)
    assert answer["X-Elastic-Product"] == "Elasticsearch"
    assert answer["Content-Type"] == "application/vnd.elasticsearch+json;compatible-with=9"
    assert stored(bpo) == 3


def test_omelasticsearch_posts_pairs_with_blank_lines_and_types(client: Client, token: str, bpo: Tenant) -> None:
    basic = base64.b64encode(f"countersign:{token}".encode()).decode()
    body = b"".join(
        b'{"create":{"_index":"syslog","_type":"events","_id":"r-%d"}}\n%s\n\n'
        % (number, json.dumps({"message": line.decode(), "host": "web1"}).encode())
        for number, line in enumerate(failures(4))
    )
    answer = send(client, token, body, Authorization=f"Basic {basic}")
    assert (statuses(answer), stored(bpo)) == ([201] * 4, 4)
    with tenant_scope(bpo):
        assert set(AccessEvent.objects.values_list("native_id", flat=True)) == {"r-0", "r-1", "r-2", "r-3"}


def test_an_id_is_stored_once_and_equal_lines_without_one_are_kept(client: Client, token: str, bpo: Tenant) -> None:
    line = failures(1)[0]
    send(client, token, pairs(line, line, ids="a"))
    send(client, token, pairs(line, line, SSHD_OK, ids="a"), "/logs-1/_bulk")
    assert stored(bpo) == 3
    send(client, token, pairs(line, line, action="index"))
    assert stored(bpo) == 5


def test_each_item_is_answered(client: Client, token: str, bpo: Tenant) -> None:
    body = pairs(SSHD_OK) + b'{"delete":{"_id":"1","_index":"x"}}\n' + pairs(b"no log line", *failures(1))
    body += b'{"update":{"_id":"2","_index":"x"}}\n{"doc":{}}\n'
    answer = send(client, token, body)
    assert (answer.json()["errors"], statuses(answer)) == (True, [201, 400, 400, 201, 400])
    actions = [next(iter(item)) for item in answer.json()["items"]]
    assert actions == ["create", "delete", "create", "create", "update"]
    assert "never changed" in answer.json()["items"][1]["delete"]["error"]["reason"]
    with tenant_scope(bpo):
        assert bytes(QuarantinedLine.objects.get().raw) == b"no log line"
    assert stored(bpo) == 2


def test_a_document_is_read_as_the_sources_format_reads(client: Client, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        token = issue_source_token(source=source("Okta", Format.OKTA), by=system)
    ecs = {"@timestamp": "2026-11-20T10:00:00Z", "event": {"original": okta(3).decode(), "kind": "event"}}
    body = pairs(json.loads(okta(1)), okta(2), ecs, ids="x")
    assert (statuses(send(client, token, body)), stored(bpo)) == ([201] * 3, 3)
    with tenant_scope(bpo):
        assert set(AccessEvent.objects.values_list("native_id", flat=True)) == {"event-1", "event-2", "event-3"}


@pytest.mark.parametrize(
    "body", [b" \n", b"{}\n{}\n", b'{"create":{}}\n', b'{"create":{}}\nno json\n', b'{"drop":{}}\n{}\n', b"[]\n"]
)
def test_a_broken_body_stores_nothing(client: Client, token: str, bpo: Tenant, body: bytes) -> None:
    answer = send(client, token, body if body.isspace() else pairs(SSHD_OK) + body)
    assert (answer.status_code, answer.json()["status"], stored(bpo)) == (400, 400, 0)
    assert answer.json()["error"]["reason"].endswith(".")


def test_what_cannot_be_stored_now_is_429_for_each_item(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_values: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    def away(*_values: object) -> None:
        raise OperationalError("the connection is closed")

    for name, fault in (("logs.doors.entry.record_events", full), ("logs.doors.entry.source_by_token", away)):
        with monkeypatch.context() as patched:
            patched.setattr(name, fault)
            answer = send(client, token, pairs(*failures(2)))
            assert (answer.status_code, answer.json()["errors"], statuses(answer)) == (200, True, [429, 429])
    assert stored(bpo) == 0
    monkeypatch.setattr("logs.doors.elastic.unwrapped", full)
    answer = send(client, token, pairs(*failures(2)))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_clients_may_look_before_they_send(client: Client, token: str) -> None:
    assert send(client, token, b"", "/", verb="GET").json()["version"]["number"] == "9.0.0"
    assert send(client, token, b"", "", verb="HEAD")["X-Elastic-Product"] == "Elasticsearch"
    assert send(client, token, b"", "/_license", verb="GET").json()["license"]["status"] == "active"
    assert send(client, token, b"", verb="GET").status_code == 405


def test_it_opens_to_its_token_only(client: Client, token: str, bpo: Tenant) -> None:
    key = base64.b64encode(f"id:{token}".encode()).decode()
    assert send(client, token, pairs(SSHD_OK), Authorization=f"ApiKey {key}").status_code == 200
    for wrong in ("", "ApiKey x", "Basic eDp5", f"ApiKey {token[:-1]}"):
        for path in ("/", "/_license", "/_bulk"):
            verb = "POST" if path == "/_bulk" else "GET"
            answer = send(client, token, pairs(*failures(1)), path, verb=verb, Authorization=wrong)
            assert (answer.status_code, answer.json()["error"]["type"]) == (401, "security_exception")
    assert stored(bpo) == 1
