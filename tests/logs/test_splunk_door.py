"""Splunk's HTTP Event Collector: each captured shape of a client (ingest.md 3.1), its codes, and all or nothing."""

import base64
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from logs.actions import issue_source_token, revoke_source_token, switch_source
from logs.kinds import Format
from logs.models import AccessEvent, Delivery, DeliveryAck, LogSource, SourceToken
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.tokens import make_token
from tests.logs.sources import SSHD_OK, failures, lines, okta, source

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def bastion(bpo: Tenant) -> LogSource:
    with tenant_scope(bpo):
        return source()


@pytest.fixture
def token(bastion: LogSource, bpo: Tenant, system: Actor) -> str:
    with tenant_scope(bpo):
        return issue_source_token(source=bastion, by=system)


def post(client: Client, token: str, body: bytes, path: str = "/event", **headers: str) -> HttpResponse:
    base = headers.pop("base", "/services/collector")
    kind = headers.pop("content_type", "application/json")
    headers = {"Authorization": f"Splunk {token}", **headers}
    return client.post(f"{base}{path}", data=body, content_type=kind, headers=headers)  # type: ignore[return-value]  # the test client's answer


def event(line: bytes | dict[str, Any], **members: Any) -> bytes:
    said = line.decode() if isinstance(line, bytes) else line
    return json.dumps({"event": said, "sourcetype": "linux_secure", **members}).encode()


def stored(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return AccessEvent.objects.count()


OK = {"text": "Success", "code": 0}


@pytest.mark.parametrize("path", ["", "/event", "/event/1.0"])
@pytest.mark.parametrize("between", [b"", b"\n", b" \r\n\t "])
def test_it_takes_events_with_any_white_space_between(
    client: Client, token: str, bpo: Tenant, path: str, between: bytes
) -> None:
    body = between.join(event(line, time="1763630000.123") for line in failures(5))
    answer = post(client, token, body, path, content_type=FORM)
    assert (answer.status_code, answer.json(), stored(bpo)) == (200, OK, 5)
    with tenant_scope(bpo):
        assert {bytes(raw) for raw in AccessEvent.objects.values_list("raw", flat=True)} == set(failures(5))


def test_it_takes_pretty_printed_objects_and_gzip(client: Client, token: str, bpo: Tenant) -> None:
    body = b"".join(json.dumps(json.loads(event(line, time=1763630000)), indent=2).encode() for line in failures(3))
    answer = post(client, token, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert (answer.json(), stored(bpo)) == (OK, 3)


def test_it_takes_raw_lines(client: Client, token: str, bpo: Tenant) -> None:
    for path in ("/raw", "/raw/1.0"):
        assert post(client, token, lines(*failures(3)), path).json() == OK
    assert stored(bpo) == 3


def test_it_reads_the_event_that_the_sources_format_reads(client: Client, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        token = issue_source_token(source=source("Okta", Format.OKTA), by=system)
    inner = json.loads(okta(1))
    wrapped = {"message": json.loads(okta(2)), "severity": "info"}
    body = event(inner) + event(okta(3)) + event(wrapped)
    assert (post(client, token, body).json(), stored(bpo)) == (OK, 3)
    with tenant_scope(bpo):
        assert set(AccessEvent.objects.values_list("native_id", flat=True)) == {"event-1", "event-2", "event-3"}


def test_a_mapping_may_read_the_whole_object(client: Client, bpo: Tenant, system: Actor) -> None:
    mapping = {"columns": {"time": "occurred_at", "event.who": "actor_name"}, "time_format": "epoch", "log_type": 2}
    with tenant_scope(bpo):
        token = issue_source_token(source=source("App", Format.JSON, mapping=mapping), by=system)
    assert post(client, token, event({"who": "ana"}, time=1763630000)).json() == OK
    with tenant_scope(bpo):
        found = AccessEvent.objects.get()
        assert (found.actor_name, found.occurred_at.timestamp()) == ("ana", 1763630000)


@pytest.mark.parametrize(
    ("body", "code", "number"),
    [
        (b" \n", 5, None),
        (b'{"event": "x"', 6, 1),
        (b"not json", 6, 1),
        (b'{"event": "x", "time": "soon"}', 6, 1),
        (b"[1]", 6, 1),
        (b'{"fields": {}}', 12, 1),
        (b'{"event": ""}', 13, 1),
        (b'{"event": "\\n "}', 13, 1),
    ],
)
def test_a_bad_event_stores_none(
    client: Client, token: str, bpo: Tenant, body: bytes, code: int, number: int | None
) -> None:
    answer = post(client, token, body if number is None else event(SSHD_OK) + body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json().get("invalid-event-number") == number
    assert stored(bpo) == 0


def test_equal_events_of_other_times_are_two_and_a_resend_is_none(client: Client, token: str, bpo: Tenant) -> None:
    for time in (1, 1, 2):
        assert post(client, token, event(SSHD_OK, time=time)).json() == OK
    assert stored(bpo) == 2


def test_the_token_alone_decides_the_tenant(client: Client, token: str, bpo: Tenant, acme: Tenant) -> None:
    with tenant_scope(acme):
        source()
    by_slug = post(client, token, event(failures(1)[0]), base="/api/v1/t/northwind/services/collector")
    elsewhere = post(client, token, event(SSHD_OK), base="/api/v1/t/acme/services/collector")
    assert (by_slug.json(), elsewhere.status_code, elsewhere.json()["code"]) == (OK, 403, 4)
    forged = make_token("src", acme.uuid).text
    assert post(client, forged, event(SSHD_OK)).json()["code"] == 4
    assert post(client, make_token("src").text, event(SSHD_OK)).json()["code"] == 4
    assert (stored(bpo), stored(acme)) == (1, 0)


def test_it_knows_the_token_however_it_is_sent(client: Client, token: str, bpo: Tenant) -> None:
    basic = base64.b64encode(f"x:{token}".encode()).decode()
    for header in (f"Splunk {token}", f"Bearer {token}", f"Basic {basic}"):
        assert post(client, token, event(SSHD_OK), Authorization=header).json() == OK
    for header, status, code in (("", 401, 2), ("Digest x", 401, 3), ("Basic ?", 401, 3), ("Splunk nonsense", 403, 4)):
        answer = post(client, token, event(SSHD_OK), Authorization=header)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    asked = client.post(f"/services/collector?token={token}", data=b"x", content_type=FORM)
    assert (asked.status_code, asked.json()["code"]) == (400, 16)


def test_it_refuses_an_ended_token_and_a_source_that_is_off(
    client: Client, token: str, bastion: LogSource, bpo: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        switch_source(source=bastion, enabled=False, by=system)
    answer = post(client, token, event(SSHD_OK))
    assert (answer.status_code, answer.json()["code"]) == (403, 1)
    with tenant_scope(bpo):
        revoke_source_token(token=SourceToken.objects.get(), by=system)
    assert post(client, token, event(SSHD_OK)).json()["code"] == 4


def test_a_channel_is_given_ids_that_are_true_for_a_day(client: Client, token: str, bpo: Tenant) -> None:
    first = post(client, token, event(SSHD_OK), **{"X-Splunk-Request-Channel": "c-1"}).json()["ackId"]
    second = post(client, token, event(SSHD_OK), "/raw?channel=c-1").json()["ackId"]
    asked = json.dumps({"acks": [first, second, second + 9]}).encode()
    answer = post(client, token, asked, "/ack?channel=c-1")
    assert answer.json() == {"acks": {str(first): True, str(second): True, str(second + 9): False}}
    other = post(client, token, asked, "/ack?channel=c-2").json()["acks"]
    assert set(other.values()) == {False}
    with tenant_scope(bpo):
        DeliveryAck.objects.get(pk=first).delete()
        old = DeliveryAck.objects.create(
            source=LogSource.objects.get(), channel="c-1", given_at=timezone.now() - timedelta(hours=25)
        )
    assert post(client, token, f'{{"acks": [{old.pk}]}}'.encode(), "/ack?channel=c-1").json() == {
        "acks": {str(old.pk): False}
    }
    for path, body, code in (("/ack", asked, 10), ("/ack?channel=c-1", b"x", 6), ("/ack?channel=%00", asked, 11)):
        assert post(client, token, body, path).json()["code"] == code


def test_a_full_database_is_busy(client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("logs.doors.entry.record_events", full)
    answer = post(client, token, event(SSHD_OK))
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "5", 9)
    assert stored(bpo) == 0


def test_it_says_that_it_is_healthy(client: Client, db: None) -> None:
    for base in ("/services/collector", "/api/v1/t/nowhere/services/collector"):
        for path in ("/health", "/health/1.0"):
            assert client.get(base + path).json() == {"text": "HEC is healthy", "code": 17}
    assert client.get("/services/collector").status_code == 405


def test_the_delivery_seals_the_body_as_it_came(client: Client, token: str, bpo: Tenant) -> None:
    body = event(SSHD_OK)
    post(client, token, body)
    with tenant_scope(bpo):
        found = Delivery.objects.get()
        assert (found.door, found.body_bytes, found.received) == ("hec", len(body), 1)
