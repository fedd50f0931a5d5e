"""Runs the identity provider, tells it what to say, and goes to it and back as a browser does."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.test import Client

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 20
CLIENT, SECRET, NAME = "countersign", "secret-of-the-tests", "Example ID"


@dataclass(frozen=True)
class Running:
    """The provider that listens on a port of this machine."""

    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        return {"ISSUER": self.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "NAME": NAME}

    def says(self, **claims: Any) -> None:
        """Settle what its next tokens say, over what the protocol would."""
        self._send("PUT", "/says", json.dumps(claims), {"Content-Type": "application/json"})

    def sends_back(self, address: str) -> str:
        """Let the person in at the provider; return the page of ours to which it sends the browser."""
        there = urlsplit(address)
        back = urlsplit(self._send("GET", f"{there.path}?{there.query}"))
        return f"{back.path}?{back.query}"

    def walk(self, client: Client, begin: str) -> Any:
        """Go from a page of ours to the provider and back; return our answer there."""
        return client.get(self.sends_back(client.get(begin)["Location"]), secure=True)

    def _send(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            told = answer.read().decode()
            assert answer.status < 400, told
            return answer.headers.get("Location", "")
        finally:
            connection.close()


@contextmanager
def running_provider(port: int) -> Iterator[Running]:
    """Run the provider until the end of the block."""
    told = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}  # this machine only, without TLS
    command = [sys.executable, "-m", "tests.openid.provider", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"Listening\n", "The identity provider did not start."
        yield Running(port)
    finally:
        process.kill()
        process.communicate()
