"""Real servers: chunked bodies arrive whole, and what was answered survives kill -9 and is not doubled by a resend."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_socket import enable_socket

from tests.logs.sources import lines, okta
from tests.logs.webserver import Installation, installation

pytestmark = [pytest.mark.slow]
EVENTS = "SELECT count(*) FROM logs_accessevent"
LEAVES = "SELECT sum(n) FROM ledger_batch b JOIN logs_delivery d ON d.id = b.id"
HEAD = "SELECT size FROM ledger_head ORDER BY epoch DESC LIMIT 1"
IN_BATCHES = "SELECT sum(n) FROM ledger_batch"
USED = "SELECT sum(events) FROM logs_usageday"
DELIVERIES = "SELECT count(*) FROM logs_delivery"


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    enable_socket()
    with installation() as made:
        yield made


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let these tests talk to their own servers on this machine."""


def body(start: int, count: int = 200) -> bytes:
    return lines(*(okta(number) for number in range(start, start + count)))


def test_a_chunked_body_is_read_to_its_end(running: Installation) -> None:
    before = running.number(EVENTS)
    sent = body(1_000_000, 500)
    status, answer = running.post(iter([sent[at : at + 1000] for at in range(0, len(sent), 1000)]))
    assert (status, json.loads(answer)["stored"]) == (200, 500)
    assert running.number(EVENTS) == before + 500


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_cut_off_in_a_line_stores_nothing(running: Installation, chunked: bool) -> None:
    begin = 2_000_000 if chunked else 2_100_000
    before, sent = running.number(EVENTS), body(begin)
    send_half(running, sent, len(sent) // 2 + 40, chunked=chunked)
    settle(running, begin + 50_000)
    assert running.number(EVENTS) == before + 1


def test_a_body_that_is_cut_off_between_lines_is_stored_once(running: Installation) -> None:
    before, sent = running.number(EVENTS), body(2_200_000)
    send_half(running, sent, sent.index(b"\n", len(sent) // 2) + 1, chunked=True)
    settle(running, 2_250_000)
    status, answer = running.post(iter([sent]))
    told = json.loads(answer)
    assert (status, told["stored"] + told["duplicates"]) == (200, 200)
    assert running.number(EVENTS) == before + 201


def send_half(running: Installation, sent: bytes, size: int, *, chunked: bool) -> None:
    """Send the beginning of a body and hang up."""
    head = f"POST /api/v1/t/bench/ingest/okta HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {running.token}\r\n"
    length = "Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {len(sent)}\r\n\r\n"
    first = sent[:size]
    with socket.create_connection(("127.0.0.1", running.port)) as peer:
        peer.sendall((head + length).encode())
        peer.sendall(b"%x\r\n%s\r\n" % (len(first), first) if chunked else first)


def settle(running: Installation, number: int) -> None:
    """Let the server finish with what hung up: four requests fill all of its threads, and one event is stored."""
    peers = [threading.Thread(target=running.post, args=(b"",)) for _ in range(8)]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.join()
    status, _answer = running.post(body(number, 1))
    assert status == 200


@pytest.mark.parametrize("what", ["web", "database"])
def test_a_kill_loses_and_doubles_nothing(running: Installation, what: str) -> None:
    before, begin = running.number(EVENTS), 3_000_000 if what == "web" else 4_000_000
    bodies = [body(begin + 200 * n) for n in range(60)]
    accepted = send_until_killed(running, bodies, what)
    assert accepted
    revive(running, what)
    assert running.number(EVENTS) >= before + 200 * len(accepted)
    for number, one in enumerate(bodies):
        status, answer = send_again(running, one)
        told = json.loads(answer)
        assert status == 200
        assert told["stored"] == 200
        assert told["replayed"] or number not in accepted
    assert running.number(EVENTS) == before + 200 * len(bodies)
    assert running.number(USED) == running.number(EVENTS)
    assert running.number(LEAVES) == running.number(EVENTS) + running.number(DELIVERIES)
    assert running.number(HEAD) == running.number(IN_BATCHES)


def send_until_killed(running: Installation, bodies: list[bytes], what: str) -> set[int]:
    """Post from two senders, and kill in the middle; return the numbers of the bodies that were answered 200."""
    accepted: set[int] = set()

    def sender(first: int) -> None:
        for number in range(first, len(bodies), 2):
            try:
                status, _answer = running.post(bodies[number])
            except OSError:
                return
            if status != 200:
                return
            accepted.add(number)

    senders = [threading.Thread(target=sender, args=(first,)) for first in (0, 1)]
    for thread in senders:
        thread.start()
    deadline = time.monotonic() + 60
    while len(accepted) < 6 and time.monotonic() < deadline:
        senders[0].join(0.01)
    (running.kill_web if what == "web" else running.kill_database)()
    for thread in senders:
        thread.join()
    return accepted


def revive(running: Installation, what: str) -> None:
    """Start again what was killed."""
    if what == "web":
        running.start_web()
    else:
        running.server.start()


def send_again(running: Installation, one: bytes) -> tuple[int, bytes]:
    """Post as a sender does that honours 503 and Retry-After."""
    deadline = time.monotonic() + 60
    while True:
        status, answer = running.post(one)
        if status != 503 or time.monotonic() > deadline:
            return status, answer
