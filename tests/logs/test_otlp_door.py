"""OTLP/HTTP logs: protobuf and JSON, partial success, ids, and errors as a google.rpc.Status."""

import gzip
import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from logs.actions import issue_source_token
from logs.doors.otlpbody import OtlpError, records_of_json, records_of_protobuf
from logs.kinds import Format
from logs.models import AccessEvent, QuarantinedLine
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_OK, failures, okta, source

pytestmark = pytest.mark.django_db
PROTOBUF, JSON = "application/x-protobuf", "application/json"


@pytest.fixture
def token(bpo: Tenant, system: Actor) -> str:
    with tenant_scope(bpo):
        return issue_source_token(source=source(), by=system)


def post(client: Client, token: str, body: bytes, kind: str = PROTOBUF, **headers: str) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}", **headers}
    return client.post("/v1/logs", data=body, content_type=kind, headers=headers)  # type: ignore[return-value]  # the test client's answer


def protobuf(*bodies: bytes | dict[str, Any] | str, uid: str = "") -> bytes:
    """Return a request whose log records have these bodies; a dict becomes a list of pairs."""
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add().scope_logs.add()
    for number, body in enumerate(bodies):
        record = logs.log_records.add(time_unix_nano=1_763_630_000_000_000_000)
        if isinstance(body, dict):
            for key, value in body.items():
                record.body.kvlist_value.values.add(key=key).value.string_value = value
        elif isinstance(body, bytes):
            record.body.bytes_value = body
        else:
            record.body.string_value = body
        if uid:
            record.attributes.add(key="log.record.uid").value.string_value = f"{uid}-{number}"
    return bytes(request.SerializeToString())


def as_json(*records: dict[str, Any]) -> bytes:
    scope = {"scope": {"name": "x"}, "logRecords": list(records)}
    return json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": [scope], "schemaUrl": ""}]}).encode()


def stored(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return AccessEvent.objects.count()


def test_it_takes_protobuf_plain_and_packed(client: Client, token: str, bpo: Tenant) -> None:
    body = protobuf(*(line.decode() for line in failures(3)))
    answer = post(client, token, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, PROTOBUF, b"")
    assert post(client, token, protobuf(*failures(2, 3))).status_code == 200
    assert stored(bpo) == 5


def test_it_takes_json_with_numbers_as_strings_and_unknown_members(client: Client, token: str, bpo: Tenant) -> None:
    record = {
        "timeUnixNano": "1763630000000000000",
        "severityNumber": 9,
        "body": {"stringValue": SSHD_OK.decode()},
        "attributes": [{"key": "n", "value": {"intValue": "7"}}, {"key": "b", "value": {"bytesValue": "AAE="}}],
        "droppedAttributesCount": 0,
        "tomorrow": {"x": [1]},
    }
    answer = post(client, token, as_json(record), JSON)
    assert (answer.status_code, answer.json(), stored(bpo)) == (200, {}, 1)
    found = next(records_of_json(as_json(record)))
    assert found["attributes"] == {"n": 7, "b": b"\0\1"}


def test_records_that_cannot_be_read_are_told_and_kept(client: Client, token: str, bpo: Tenant) -> None:
    answer = post(client, token, protobuf(SSHD_OK, "no log line", ""))
    said = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, said.rejected_log_records, stored(bpo)) == (200, 2, 1)
    assert "quarantine" in said.error_message
    with tenant_scope(bpo):
        assert QuarantinedLine.objects.count() == 2
    answer = post(client, token, as_json({"body": {"stringValue": "no line either"}}), JSON)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"


def test_a_records_uid_is_its_native_id(client: Client, token: str, bpo: Tenant) -> None:
    one, two = (line.decode() for line in failures(2))
    post(client, token, protobuf(one, one, uid="u"))
    post(client, token, protobuf(one, one, two, uid="u"))
    assert stored(bpo) == 3
    with tenant_scope(bpo):
        assert set(AccessEvent.objects.values_list("native_id", flat=True)) == {"u-0", "u-1", "u-2"}


def test_it_reads_what_the_sources_format_reads(client: Client, bpo: Tenant, system: Actor) -> None:
    mapping = {
        "columns": {"time_unix_nano": "occurred_at", "attributes.user": "actor_name"},
        "time_format": "epoch_ns",
        "log_type": 2,
    }
    with tenant_scope(bpo):
        vendor = issue_source_token(source=source("Okta", Format.OKTA), by=system)
        mapped = issue_source_token(source=source("App", Format.JSON, mapping=mapping), by=system)
    event = {key: value for key, value in json.loads(okta(2)).items() if isinstance(value, str)}
    assert post(client, vendor, protobuf(okta(1).decode(), event)).content == b""
    pair = {"key": "user", "value": {"stringValue": "ana"}}
    record = {"timeUnixNano": 1763630000000000000, "body": {"stringValue": "hello"}, "attributes": [pair]}
    assert post(client, mapped, as_json(record), JSON).json() == {}
    with tenant_scope(bpo):
        assert set(AccessEvent.objects.values_list("actor_name", flat=True)) == {"agent1@example.org", "", "ana"}


def test_an_empty_request_is_a_success(client: Client, token: str, bpo: Tenant) -> None:
    empty = ExportLogsServiceRequest()
    empty.resource_logs.add()
    assert post(client, token, empty.SerializeToString()).status_code == 200
    assert post(client, token, b"{}", JSON).json() == {}
    assert stored(bpo) == 0


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"\xff\xff\xff", PROTOBUF), (b"[1]", JSON), (b"{", JSON), (b'{"resourceLogs": 7}', JSON), (b"x", "text/plain")],
)
def test_a_bad_body_is_a_status(client: Client, token: str, bpo: Tenant, body: bytes, kind: str) -> None:
    answer = post(client, token, body, kind)
    assert (answer.status_code, stored(bpo)) == (415 if kind == "text/plain" else 400, 0)
    if kind == PROTOBUF:
        said = Status.FromString(answer.content)
        assert (answer["Content-Type"], said.code, said.message[-1]) == (PROTOBUF, 3, ".")
    else:
        assert answer.json()["code"] == 3


def test_errors_of_token_and_disk_are_statuses(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_named: object) -> None:
        raise OSError(28, "No space left on device")

    for wrong in ("", "nonsense", token[:-1] + ("0" if token[-1] != "0" else "1")):
        refused = post(client, wrong, protobuf(SSHD_OK))
        assert (refused.status_code, Status.FromString(refused.content).code) == (401, 16)
    monkeypatch.setattr("logs.doors.entry.record_events", full)
    busy = post(client, token, protobuf(SSHD_OK))
    assert (busy.status_code, busy["Retry-After"], Status.FromString(busy.content).code) == (503, "5", 14)
    assert client.get("/v1/logs").status_code == 405


def test_a_deep_body_is_refused_and_no_fault() -> None:
    deep = b'{"arrayValue":{"values":[' * 5000
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + deep
    with pytest.raises(OtlpError):
        next(records_of_json(body))
    with pytest.raises(OtlpError):
        next(records_of_protobuf(b"\x0a\x05abc"))
