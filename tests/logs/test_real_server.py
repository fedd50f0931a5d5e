"""The door behind the real web server: chunked bodies arrive whole, and one that is cut off is not taken for whole.

tests/flows/test_kill.py kills the same servers in the middle of intake.
"""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from logs.actions import issue_source_token
from logs.kinds import Format
from logs.models import AccessEvent
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.browser.serving import serving
from tests.database import FreshDatabase
from tests.logs.sources import lines, okta, source

pytestmark = [pytest.mark.slow]
DOOR = "/api/v1/t/northwind/ingest/okta"


@dataclass(frozen=True)
class Running:
    """A served portal with one source and its token."""

    port: int
    token: str
    tenant: Tenant

    def post(self, body: Any) -> tuple[int, dict[str, Any]]:
        """Post one body; an iterator is sent chunked."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request("POST", DOOR, body=body, headers=headers, encode_chunked=not isinstance(body, bytes))
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer

    def hang_up(self, body: bytes, size: int, *, chunked: bool) -> None:
        """Send the beginning of a body and hang up; then wait until the server is through with it."""
        head = f"POST {DOOR} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n"
        length = "Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port)) as peer:
            peer.sendall((head + length).encode())
            peer.sendall(b"%x\r\n%s\r\n" % (size, body[:size]) if chunked else body[:size])
        others = [threading.Thread(target=self.post, args=(b"",)) for _ in range(8)]
        for other in others:
            other.start()
        for other in others:
            other.join()

    def stored(self) -> int:
        """Return how many events there are."""
        with tenant_scope(self.tenant):
            return AccessEvent.objects.count()


@pytest.fixture
def running(fresh_database: FreshDatabase, socket_enabled: None, tmp_path: Path) -> Iterator[Running]:
    tenant = make.tenant("northwind")
    by = Actor.system("tests", tenant.pk)
    with tenant_scope(tenant):
        token = issue_source_token(source=source("Okta", Format.OKTA), by=by)
    with serving(fresh_database.name, tmp_path) as (url, _log):
        yield Running(urlsplit(url).port or 0, token, tenant)


def body(start: int, count: int = 200) -> bytes:
    return lines(*(okta(number) for number in range(start, start + count)))


def test_a_chunked_body_is_read_to_its_end(running: Running) -> None:
    sent = body(1000, 500)
    status, answer = running.post(iter([sent[at : at + 1000] for at in range(0, len(sent), 1000)]))
    assert (status, answer["stored"], running.stored()) == (200, 500, 500)
    status, answer = running.post(iter([cut_short(sent)]))
    assert (status, answer["code"]) == (400, "cut_off")


def cut_short(sent: bytes) -> bytes:
    """Return a body that ends within a record."""
    return sent[: len(sent) - 30]


def test_a_body_that_is_cut_off_stores_nothing_or_is_gone_on_with(running: Running) -> None:
    sent = body(2000)
    inside, between = len(sent) // 2 + 40, sent.index(b"\n", len(sent) // 2) + 1
    for chunked in (True, False):
        running.hang_up(sent, inside, chunked=chunked)
        assert running.stored() == 0
    running.hang_up(sent, between, chunked=True)
    status, answer = running.post(iter([sent]))
    assert (status, answer["stored"] + answer["duplicates"]) == (200, 200)
    assert running.stored() == 200
