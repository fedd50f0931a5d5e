"""Notes when and from where each session was last used, for the page that shows people their sessions."""

import time
from collections.abc import Callable
from typing import Final

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.http.response import HttpResponseBase

EVERY_SECONDS: Final = 60.0
MOST_KEPT: Final = 10_000
"""Sessions that a process remembers; then it forgets all and notes each once more."""


class SessionSeenMiddleware:
    """Does what allauth's ``UserSessionsMiddleware`` does, once a minute for a session instead of at each request.

    A session that comes from another address or browser is noted at once. Every note is a transaction of its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._noted: dict[tuple[str, str, str], float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Note the session where that is due, and answer."""
        key = request.session.session_key
        if key and request.user.is_authenticated:
            self._note(request, (key, request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", "")))
        return self.get_response(request)

    def _note(self, request: HttpRequest, client: tuple[str, str, str]) -> None:
        now = time.monotonic()
        if now - self._noted.get(client, -EVERY_SECONDS) < EVERY_SECONDS:
            return
        UserSession.objects.create_from_request(request)
        if len(self._noted) >= MOST_KEPT:
            self._noted.clear()
        self._noted[client] = now
