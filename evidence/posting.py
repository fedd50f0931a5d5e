"""Sends one request to a holder of checkpoints and returns its answer: no redirects, a deadline, a small answer."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

SECONDS: Final = 15
MAX_ANSWER: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, content type and body."""

    status: int
    kind: str
    body: bytes


def post(url: str, body: bytes, kind: str) -> Answer:
    """Send a body.

    Raises:
        OSError: Nobody answers, or not in time.
        http.client.HTTPException: The answer is no HTTP.
    """
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {"Content-Type": kind, "User-Agent": "countersign"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheader("Content-Type") or "", answer.read(MAX_ANSWER))
    finally:
        connection.close()
