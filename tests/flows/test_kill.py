"""kill -9 in the middle of intake: what was answered "accepted" stays, once, and a re-send doubles nothing.

Real processes throughout: granian, PostgreSQL and the worker under the supervisor, and a sender for each protocol that
is acknowledged (native, Splunk HEC, OTLP, Elastic bulk), which know one rule only, to send the same body again until it
is accepted.
"""

import base64
import http.client
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.flows.running import Portal

BODIES = 7
LINES = 600
SENDING_SECONDS = 120.0

Request = tuple[str, Mapping[str, str], bytes]


def by_native(lines: list[bytes], token: str) -> Request:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    return "/api/v1/t/northwind/ingest/bastion", headers, b"".join(line + b"\n" for line in lines)


def by_splunk(lines: list[bytes], token: str) -> Request:
    events = b"".join(json.dumps({"event": line.decode()}).encode() for line in lines)
    return "/services/collector/event", {"Authorization": f"Splunk {token}"}, events


def by_otlp(lines: list[bytes], token: str) -> Request:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add().scope_logs.add()
    for line in lines:
        logs.log_records.add().body.string_value = line.decode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-protobuf"}
    return "/v1/logs", headers, request.SerializeToString()


def by_elastic(lines: list[bytes], token: str) -> Request:
    """Return a bulk request with an id for each document, as Beats makes them."""
    pairs = b"".join(
        json.dumps({"create": {"_id": line.decode()}}).encode()
        + b"\n"
        + json.dumps({"message": line.decode()}).encode()
        + b"\n"
        for line in lines
    )
    basic = base64.b64encode(f"any:{token}".encode()).decode()
    return "/elastic/_bulk", {"Authorization": f"Basic {basic}"}, pairs


WAYS = (by_native, by_splunk, by_otlp, by_elastic)
SENDERS = len(WAYS)


def body(sender: int, number: int) -> bytes:
    """Returns distinct failed log-ins of the last hours: no line of one body equals a line of another."""
    began = timezone.now() - timedelta(hours=3)
    first = (sender * BODIES + number) * LINES
    return b"".join(
        f"{began + timedelta(milliseconds=100 * line):%b %d %H:%M:%S} web1 sshd[{100_000 + line}]: "
        f"Failed password for bob from 198.51.100.9 port {20_000 + line % 20_000} ssh2\n".encode()
        for line in range(first, first + LINES)
    )


@dataclass
class Senders:
    """Threads that send their bodies one after another, each until it is accepted."""

    portal: Portal
    token: str
    bodies: dict[tuple[int, int], bytes] = field(default_factory=dict)
    accepted: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    broken: int = 0
    faults: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def connect(self, sender: int, what: bytes) -> http.client.HTTPConnection:
        """Sends one body by the protocol of its sender."""
        path, headers, sent = WAYS[sender](what.splitlines(), self.token)
        connection = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=30)
        try:
            connection.request("POST", path, body=sent, headers={"Host": "localhost", **headers})
        except OSError:
            connection.close()
            raise
        return connection

    def post(self, sender: int, what: bytes) -> dict[str, Any] | None:
        """Sends one body; returns the answer, or None where the connection broke or the door said: later."""
        try:
            with closing(self.connect(sender, what)) as connection:
                response = connection.getresponse()
                said = response.read()
        except (OSError, http.client.HTTPException):
            return None
        if response.status not in (200, 503) or b'"status":400' in said:
            self.faults.append(f"{response.status} {said[:300]!r}")
        if response.status == 503 or b'"status":429' in said:
            return None
        answer: dict[str, Any] = json.loads(said) if WAYS[sender] is by_native else {"accepted": True}
        return answer

    def hang_up(self, sender: int, what: bytes) -> None:
        """Sends one body and leaves before the answer, as a sender does that is killed itself."""
        with suppress(OSError):
            self.connect(sender, what).close()

    def send_all(self, sender: int) -> None:
        for number in range(BODIES):
            what = self.bodies[sender, number]
            if number % SENDERS == sender:
                self.hang_up(sender, what)
            while (answer := self.post(sender, what)) is None:
                with self.changed:
                    self.broken += 1
                    self.changed.wait(0.2)
            with self.changed:
                self.accepted[sender, number] = answer
                self.changed.notify_all()

    def start(self) -> list[threading.Thread]:
        """Starts a thread for each sender."""
        threads = [threading.Thread(target=self.send_all, args=(sender,)) for sender in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def wait_for(self, count: int) -> None:
        with self.changed:
            reached = self.changed.wait_for(lambda: len(self.accepted) >= count, timeout=SENDING_SECONDS)
        assert reached, (len(self.accepted), self.portal.lines[-20:])


def kill(processes: Callable[[], list[int]]) -> None:
    found = processes()
    assert found
    for process in found:
        os.kill(process, signal.SIGKILL)


def look(portal: Portal) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(portal.output("-m", "tests.flows.intake_facts", "look").splitlines()[-1])
    return found


@pytest.mark.slow
def test_killing_any_process_in_mid_intake_loses_and_doubles_nothing(running: Portal) -> None:
    opened = json.loads(running.output("-m", "tests.flows.intake_facts", "open").splitlines()[-1])
    senders = Senders(running, opened["token"])
    senders.bodies = {(s, n): body(s, n) for s in range(SENDERS) for n in range(BODIES)}
    threads = senders.start()

    senders.wait_for(3)
    kill(lambda: running.processes("granian"))
    senders.wait_for(9)
    kill(lambda: [running.postmaster()])
    senders.wait_for(15)
    kill(lambda: running.processes("qcluster"))
    senders.wait_for(20)
    kill(lambda: [*running.processes("granian"), running.postmaster()])
    for thread in threads:
        thread.join(SENDING_SECONDS)

    assert len(senders.accepted) == SENDERS * BODIES
    assert not senders.faults, (senders.faults, running.lines)
    assert senders.broken > 0, "no kill hit a request"
    facts = look(running)
    check(senders, facts)
    again = {key: senders.post(key[0], what) for key, what in senders.bodies.items()}
    assert all(again.values())
    for key, answer in senders.accepted.items():
        if WAYS[key[0]] is by_native:
            assert (again[key]["replayed"], again[key]["batch"]) == (True, answer["batch"])
    check(senders, look(running))


def check(senders: Senders, facts: dict[str, Any]) -> None:
    """Checks that every accepted body is stored once and whole, in rows, roll-ups and the tree alike."""
    total = SENDERS * BODIES * LINES
    native = [answer["batch"] for answer in senders.accepted.values() if "batch" in answer]
    assert len(native) == BODIES
    assert [facts["deliveries"].get(batch) for batch in native] == [LINES] * BODIES
    assert (facts["events"], facts["lines"], facts["rolled_up"]) == (total, total, total)
    assert (facts["contiguous"], facts["root_agrees"], facts["leaves_that_differ"]) == (True, True, 0)
    assert facts["head"] >= total + SENDERS * BODIES
