"""The HTTP door: what it takes, and what it answers to everything else."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from logs import bodies
from logs.actions import issue_source_token, revoke_source_token, switch_source
from logs.models import AccessEvent, Delivery, LogSource, QuarantinedLine, SourceToken
from logs.parts import parts
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_OK, failures, lines, source

pytestmark = pytest.mark.django_db


@pytest.fixture
def bastion(bpo: Tenant) -> LogSource:
    with tenant_scope(bpo):
        return source()


@pytest.fixture
def token(bastion: LogSource, bpo: Tenant, system: Actor) -> str:
    with tenant_scope(bpo):
        return issue_source_token(source=bastion, by=system)


def post(
    client: Client, token: str, body: bytes, path: str = "northwind/ingest/bastion", **headers: Any
) -> HttpResponse:
    return client.post(  # type: ignore[return-value]  # the test client's answer
        f"/api/v1/t/{path}",
        data=body,
        content_type="text/plain",
        headers={"Authorization": f"Bearer {token}", **headers},
    )


def stored(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return AccessEvent.objects.count()


def test_it_answers_what_became_of_the_body(client: Client, token: str, bpo: Tenant) -> None:
    response = post(client, token, lines(SSHD_OK, b"not a log line at all"))
    assert response.status_code == 200
    answer = response.json()
    assert (answer["received"], answer["stored"], answer["rejected"], answer["duplicates"]) == (2, 1, 1, 0)
    assert answer["errors"][0]["index"] == 1
    with tenant_scope(bpo):
        assert str(Delivery.objects.get().pk) == answer["batch"]
        assert bytes(QuarantinedLine.objects.get().raw) == b"not a log line at all"


def test_it_unpacks_gzip(client: Client, token: str, bpo: Tenant) -> None:
    packed = gzip.compress(lines(*failures(3)))
    response = post(client, token, packed, **{"Content-Encoding": "gzip"})
    assert response.json()["stored"] == 3


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(b"x" * 100)[:-9], {"Content-Encoding": "gzip"}, 400),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"\0" * 40_000_000), {"Content-Encoding": "gzip"}, 413),
        (b"a line", {"Content-Encoding": "br"}, 415),
        (b"a line", {"Idempotency-Key": "with space"}, 400),
        (SSHD_OK.decode().encode("utf-16"), {}, 415),
        (gzip.compress(SSHD_OK), {}, 415),
    ],
    ids=["truncated gzip", "damaged gzip", "gzip bomb", "unknown encoding", "bad key", "UTF-16", "unannounced gzip"],
)
def test_it_refuses_what_it_cannot_read(
    client: Client, token: str, bpo: Tenant, body: bytes, headers: dict[str, str], status: int
) -> None:
    response = post(client, token, body, **headers)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"].endswith(".")
    assert stored(bpo) == 0


def test_it_refuses_a_body_that_is_too_long(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.doors.native.MAX_LONG_BODY_BYTES", 1000)
    response = post(client, token, lines(*failures(50)))
    assert (response.status_code, stored(bpo)) == (413, 0)
    assert "1,000 bytes" in response.json()["detail"]
    assert bodies.MAX_LONG_BODY_BYTES > 2**30


def test_a_long_body_is_stored_in_parts_and_sent_again_stores_nothing(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.doors.native.MAX_BODY_BYTES", 1000)
    monkeypatch.setattr("logs.doors.native.parts", partial(parts, size=800))
    body = lines(*failures(40), b"not a log line", *failures(1))
    first = post(client, token, body).json()
    assert (first["received"], first["stored"], first["rejected"]) == (42, 41, 1)
    assert (len(first["parts"]) > 2, first["errors"][0]["index"], stored(bpo)) == (True, 40, 41)
    again = post(client, token, body).json()
    assert (again["replayed"], again["parts"], stored(bpo)) == (True, first["parts"], 41)


def test_a_long_body_that_stops_in_the_middle_goes_on_where_it_stopped(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.doors.native.MAX_BODY_BYTES", 1000)
    whole = partial(parts, size=800)

    def cut(*given: Any, **named: Any) -> Iterator[bytes]:
        yield from islice(whole(*given, **named), 2)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("logs.doors.native.parts", cut)
    body = lines(*failures(40))
    refused = post(client, token, body, **{"Idempotency-Key": "k"})
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert "2 parts of the body were stored" in refused.json()["detail"]
    monkeypatch.setattr("logs.doors.native.parts", whole)
    assert 0 < stored(bpo) < 40
    assert post(client, token, body, **{"Idempotency-Key": "k"}).json()["stored"] == stored(bpo) == 40


def test_a_full_disk_is_answered_as_busy(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("wb", 0) as full:
        monkeypatch.setattr("logs.bodies.tempfile.SpooledTemporaryFile", lambda **_kwargs: full)
        response = post(client, token, lines(SSHD_OK))
    assert (response.status_code, response["Retry-After"], stored(bpo)) == (503, "5", 0)


def test_it_takes_no_token_of_nobody(client: Client, token: str, bpo: Tenant) -> None:
    for wrong in ("", "nonsense", token[:-1] + ("0" if token[-1] != "0" else "1")):
        assert post(client, wrong, lines(SSHD_OK)).status_code in {401, 404}
    response = client.post("/api/v1/t/northwind/ingest/bastion", data=b"x", content_type="text/plain")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert stored(bpo) == 0


def test_it_answers_404_for_another_tenant_and_another_source(
    client: Client, token: str, bpo: Tenant, acme: Tenant
) -> None:
    with tenant_scope(acme):
        source("Bastion")
    with tenant_scope(bpo):
        source("Other")
    for path in ("acme/ingest/bastion", "nowhere/ingest/bastion", "northwind/ingest/other", "northwind/ingest/none"):
        assert post(client, token, lines(SSHD_OK), path=path).status_code == 404
    assert stored(acme) == stored(bpo) == 0


def test_it_refuses_a_revoked_and_an_expired_token(client: Client, token: str, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        SourceToken.objects.update(created_at=timezone.now() - timedelta(days=9), expires_at=timezone.now())
    assert post(client, token, lines(SSHD_OK)).status_code == 401
    with tenant_scope(bpo):
        SourceToken.objects.update(expires_at=None)
        revoke_source_token(token=SourceToken.objects.get(), by=system)
    assert post(client, token, lines(SSHD_OK)).status_code == 401
    assert stored(bpo) == 0


def test_old_and_new_token_overlap(client: Client, token: str, bastion: LogSource, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        new = issue_source_token(source=bastion, by=system)
    assert post(client, token, lines(*failures(1))).status_code == 200
    assert post(client, new, lines(*failures(1, 1))).status_code == 200


def test_a_source_that_is_off_refuses(
    client: Client, token: str, bastion: LogSource, bpo: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        switch_source(source=bastion, enabled=False, by=system)
    assert post(client, token, lines(SSHD_OK)).status_code == 403


def test_an_idempotency_key_is_held_to_its_body(client: Client, token: str, bpo: Tenant) -> None:
    key = {"Idempotency-Key": "batch-7"}
    first = post(client, token, lines(SSHD_OK), **key).json()
    again = post(client, token, lines(SSHD_OK), **key).json()
    assert (again["batch"], again["replayed"], stored(bpo)) == (first["batch"], True, 1)
    assert post(client, token, lines(*failures(1)), **key).status_code == 409
    assert stored(bpo) == 1


def test_it_asks_for_a_length_where_chunks_cannot_be_read(client: Client, token: str) -> None:
    response = client.generic(
        "POST",
        "/api/v1/t/northwind/ingest/bastion",
        headers={"Authorization": f"Bearer {token}", "Transfer-Encoding": "chunked"},
    )
    assert response.status_code == 411


def test_it_takes_post_only(client: Client, token: str) -> None:
    response = client.get("/api/v1/t/northwind/ingest/bastion", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response["Allow"]) == (405, "POST")
