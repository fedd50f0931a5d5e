"""kill -9 of the web server while collectors of three protocols send: what they sent is stored, once.

Real processes as in `test_kill.py`; each sender knows its protocol's rule only: again, until it is accepted.
"""

import base64
import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.flows.running import Portal
from tests.flows.test_kill import BODIES, LINES, SENDERS, SENDING_SECONDS, Senders, body, kill, look

Request = tuple[str, Mapping[str, str], bytes]


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


WAYS = (by_splunk, by_otlp, by_elastic)


@dataclass
class Collectors(Senders):
    """One sender for each protocol."""

    def connect(self, what: bytes) -> http.client.HTTPConnection:
        """Send one body by the protocol of its sender."""
        lines = what.splitlines()
        sender = next(key[0] for key, sent in self.bodies.items() if sent is what)
        path, headers, sent = WAYS[sender](lines, self.token)
        connection = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=30)
        try:
            connection.request("POST", path, body=sent, headers={"Host": "localhost", **headers})
        except OSError:
            connection.close()
            raise
        return connection

    def post(self, what: bytes) -> dict[str, Any] | None:
        """Send one body; returns the answer, or None where the connection broke or the door said: later."""
        try:
            with closing(self.connect(what)) as connection:
                response = connection.getresponse()
                said = response.read()
        except (OSError, http.client.HTTPException):
            return None
        if response.status not in (200, 503) or b'"status":400' in said:
            self.faults.append(f"{response.status} {said[:300]!r}")
        later = response.status == 503 or b'"status":429' in said
        return None if later else {"accepted": True}

    def hang_up(self, what: bytes) -> None:
        """Send one body and leave before the answer."""
        try:
            self.connect(what).close()
        except OSError:
            return


@pytest.mark.slow
def test_killing_the_server_loses_and_doubles_nothing_of_any_protocol(running: Portal) -> None:
    opened = json.loads(running.output("-m", "tests.flows.intake_facts", "open").splitlines()[-1])
    senders = Collectors(running, opened["token"])
    senders.bodies = {(s, n): body(s, n) for s in range(SENDERS) for n in range(BODIES)}
    threads = senders.start()

    senders.wait_for(3)
    kill(lambda: running.processes("granian"))
    senders.wait_for(9)
    kill(lambda: [running.postmaster()])
    senders.wait_for(15)
    kill(lambda: running.processes("granian"))
    for thread in threads:
        thread.join(SENDING_SECONDS)

    assert len(senders.accepted) == SENDERS * BODIES
    assert not senders.faults, (senders.faults, running.lines)
    assert senders.broken > 0, "no kill hit a request"
    for _again in range(2):
        facts = look(running)
        total = SENDERS * BODIES * LINES
        assert (facts["events"], facts["lines"], facts["rolled_up"]) == (total, total, total)
        assert (facts["contiguous"], facts["root_agrees"], facts["leaves_that_differ"]) == (True, True, 0)
        assert all(senders.post(what) for what in senders.bodies.values())
