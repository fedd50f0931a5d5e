"""systemd's journal upload: the export format in any pieces, parts, cursors, and what is cut off."""

import base64
import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from logs.actions import issue_source_token
from logs.doors import journal
from logs.doors.journalbody import Entry, JournalError, JournalReader
from logs.kinds import Format
from logs.models import AccessEvent, Delivery
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import source

pytestmark = pytest.mark.django_db


def entry(number: int, message: bytes = b"", **more: bytes) -> bytes:
    """Return an entry of sshd in the export format; a value with a line feed is sent as a binary field."""
    fields = {
        "__CURSOR": b"s=1;i=%d" % number,
        "__REALTIME_TIMESTAMP": b"%d" % (1_763_630_000_000_000 + number),
        "_HOSTNAME": b"web1",
        "SYSLOG_IDENTIFIER": b"sshd",
        "_PID": b"%d" % (4000 + number),
        "MESSAGE": message or b"Failed password for bob from 198.51.100.9 port %d ssh2" % (20000 + number),
        **more,
    }
    return b"".join(_field(name, value) for name, value in fields.items()) + b"\n"


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value or b"\xff" in value:
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name.encode() + b"=" + value + b"\n"


@pytest.fixture
def token(bpo: Tenant, system: Actor) -> str:
    with tenant_scope(bpo):
        return issue_source_token(source=source(), by=system)


def send(client: Client, token: str, body: bytes, **headers: str) -> HttpResponse:
    kind = headers.pop("content_type", journal.KIND)
    basic = base64.b64encode(f"journal:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", **headers}
    return client.post("/journal/upload", data=body, content_type=kind, headers=headers)  # type: ignore[return-value]  # the test client's answer


def stored(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return AccessEvent.objects.count()


def read(*pieces: bytes) -> list[Entry]:
    reader = JournalReader()
    found = [one for piece in pieces for one in reader.feed(piece)]
    assert reader.between
    return found


def test_it_stores_entries_once_by_their_cursor(client: Client, token: str, bpo: Tenant) -> None:
    answer = send(client, token, b"".join(entry(number) for number in range(5)))
    assert (answer.status_code, answer.content) == (200, b"OK: 5 entries are stored.\n")
    assert send(client, token, b"".join(entry(number) for number in range(3, 8))).status_code == 200
    assert stored(bpo) == 8
    with tenant_scope(bpo):
        assert AccessEvent.objects.filter(native_id="s=1;i=7", actor_name="bob").count() == 1


def test_a_long_stream_is_stored_in_parts(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.doors.journal.PART_BYTES", 2000)
    monkeypatch.setattr("logs.doors.entry._READ", 700)
    assert send(client, token, b"".join(entry(number) for number in range(40))).status_code == 200
    assert stored(bpo) == 40
    with tenant_scope(bpo):
        assert Delivery.objects.count() >= 4


def test_a_cut_entry_is_told_and_what_stands_before_it_is_kept(client: Client, token: str, bpo: Tenant) -> None:
    body = b"".join(entry(number) for number in range(4))
    answer = send(client, token, body[:-20])
    assert (answer.status_code, stored(bpo)) == (400, 3)
    assert send(client, token, body).status_code == 200
    assert stored(bpo) == 4


def test_formats_that_read_text_get_the_message(client: Client, bpo: Tenant, system: Actor) -> None:
    event = {"id": "1", "at": "2026-08-04T10:00:00+00:00", "kind": "login", "user": "ana@example.test"}
    with tenant_scope(bpo):
        token = issue_source_token(source=source("Portal", Format.PORTAL), by=system)
    body = b"".join(entry(number, json.dumps(event | {"id": str(number)}).encode()) for number in range(3))
    assert (send(client, token, body).status_code, stored(bpo)) == (200, 3)


def test_binary_fields_and_repeated_ones_read_as_journalctl_prints_them() -> None:
    found = read(entry(1, b"two\nlines", RAW=b"\xff\x00") + b"A=1\nA=2\n\n")
    first, second = (json.loads(one.line) for one in found)
    assert (first["MESSAGE"], first["RAW"], found[0].cursor) == ("two\nlines", [255, 0], "s=1;i=1")
    assert second == {"A": ["1", "2"]}


def test_any_pieces_give_the_same_entries() -> None:
    body = entry(1, b"a\nb=c\n\n") + entry(2, RAW=b"\xff\n") + b"\n" + entry(3)
    whole = [one.line for one in read(body)]
    assert len(whole) == 3
    for size in range(1, len(body)):
        assert [one.line for one in read(*(body[at : at + size] for at in range(0, len(body), size)))] == whole


@pytest.mark.parametrize("body", [b"=x\n", b"A\n" + b"\xff" * 8 + b"x", b"A\n\x01\0\0\0\0\0\0\0xy\n", b"\xff=1\n"])
def test_no_journal_is_refused(client: Client, token: str, body: bytes) -> None:
    with pytest.raises(JournalError):
        list(JournalReader().feed(body))
    assert send(client, token, body).status_code == 400


def test_it_refuses_other_bodies_tokens_and_methods(
    client: Client, token: str, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(client, token, entry(1), content_type="text/plain").status_code == 415
    assert send(client, token, entry(1), **{"Content-Encoding": "gzip"}).status_code == 415
    for wrong in ("", "Basic eDp5", "Bearer nonsense"):
        assert send(client, token, entry(1), Authorization=wrong).status_code == 401
    assert client.get("/journal/upload").status_code == 405

    def full(**_named: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("logs.doors.entry.record_events", full)
    busy = send(client, token, entry(1))
    assert (busy.status_code, busy["Retry-After"], stored(bpo)) == (503, "5", 0)
