"""Lets two requests of people be worked on at a time in one web process; others wait for their turn.

The threads of a process share one interpreter: four that compute at once keep each other waiting, and all four answer
later than two after two would (bench/RESULTS.md). Who sends a token waits for nobody: log senders, whose bodies come as
slowly as they like, have places of their own (`logs.doors.entry`). Neither does who uploads a file.
"""

from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication

TURNS: Final = 2
SMALL_BYTES: Final = 64 * 1024
"""A form; what is longer is a file, and may take long to arrive."""


class TakingTurns:
    """A WSGI application that calls another; what an answer streams is outside of its turn."""

    def __init__(self, application: WSGIApplication, turns: int = TURNS) -> None:
        self._application = application
        self._free = BoundedSemaphore(turns)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Call the application, in turn where it is a person's page or form."""
        length = environ.get("CONTENT_LENGTH") or "0"
        if "HTTP_AUTHORIZATION" in environ or not length.isdigit() or int(length) > SMALL_BYTES:
            return self._application(environ, start_response)
        with self._free:
            return self._application(environ, start_response)
