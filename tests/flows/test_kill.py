"""kill -9 in the middle of intake: what was answered "accepted" stays, once, and a re-send doubles nothing.

Real processes throughout: granian, PostgreSQL and the worker under the supervisor, and senders that know one rule only,
to send the same body again until it is accepted.
"""

import http.client
import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.flows.running import Portal

SENDERS = 3
BODIES = 8
LINES = 600
SENDING_SECONDS = 120.0


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

    def post(self, what: bytes) -> dict[str, Any] | None:
        """Sends one body; returns the answer, or None where the connection broke or the door said: later."""
        connection = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=30)
        headers = {"Host": "localhost", "Authorization": f"Bearer {self.token}", "Content-Type": "text/plain"}
        try:
            connection.request("POST", "/api/v1/t/northwind/ingest/bastion", body=what, headers=headers)
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if response.status not in (200, 503):
            self.faults.append(f"{response.status} {said!r}")
        answer: dict[str, Any] | None = json.loads(said) if response.status == 200 else None
        return answer

    def hang_up(self, what: bytes) -> None:
        """Sends one body and leaves before the answer, as a sender does that is killed itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=30)
        headers = {"Host": "localhost", "Authorization": f"Bearer {self.token}", "Content-Type": "text/plain"}
        with suppress(OSError):
            connection.request("POST", "/api/v1/t/northwind/ingest/bastion", body=what, headers=headers)
        connection.close()

    def send_all(self, sender: int) -> None:
        for number in range(BODIES):
            what = self.bodies[sender, number]
            if number % 3 == sender:
                self.hang_up(what)
            while (answer := self.post(what)) is None:
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
    senders.wait_for(8)
    kill(lambda: [running.postmaster()])
    senders.wait_for(13)
    kill(lambda: running.processes("qcluster"))
    senders.wait_for(17)
    kill(lambda: [*running.processes("granian"), running.postmaster()])
    for thread in threads:
        thread.join(SENDING_SECONDS)

    assert len(senders.accepted) == SENDERS * BODIES
    assert not senders.faults, (senders.faults, running.lines)
    assert senders.broken > 0, "no kill hit a request"
    facts = look(running)
    check(senders, facts)
    again = {key: senders.post(what) for key, what in senders.bodies.items()}
    assert all(answer and answer["replayed"] for answer in again.values())
    assert {key: answer and answer["batch"] for key, answer in again.items()} == {
        key: answer["batch"] for key, answer in senders.accepted.items()
    }
    check(senders, look(running))


def check(senders: Senders, facts: dict[str, Any]) -> None:
    """Checks that every accepted body is stored once and whole, in rows, roll-ups and the tree alike."""
    total = SENDERS * BODIES * LINES
    assert facts["deliveries"] == {answer["batch"]: LINES for answer in senders.accepted.values()}
    assert (facts["events"], facts["lines"], facts["rolled_up"]) == (total, total, total)
    assert facts["contiguous"]
    assert facts["root_agrees"]
    assert facts["leaves_that_differ"] == 0
    assert facts["head"] >= total + SENDERS * BODIES
