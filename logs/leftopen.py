"""What a parser that remembers left open at the end of a body, between the deliveries of one source. Pure."""

from datetime import datetime
from typing import Final

from django.db import DatabaseError

from logs.parsers.twins import PATIENCE

MOST: Final = 512
"""Attempts and sessions that are remembered of one source, the latest of them."""
_SIGHTING: Final = 2
"""Length of a stored story that only says when something was last seen."""

Stories = dict[str, list[float]]
"""By a hash of host, program and process, or of these two and an address; stored after the seconds of their delivery.

A story of one fact only says when something was last seen: two deliveries may say so, and the later one counts.
"""


class UsedMeanwhileError(DatabaseError):
    """Another delivery used what this one remembered: it has to come again, or a line would be taken for its twin."""


class LeftOpen:
    """The memory of one delivery: `now` is the parser's, which takes out what it uses and puts in what is left."""

    def __init__(self) -> None:
        self.now: Stories = {}
        self._before: Stories = {}

    def recall(self, stored: Stories) -> None:
        """Begin with what is stored of the source."""
        self._before = stored
        self.now.update({key: facts[1:] for key, facts in stored.items()})

    def joined(self, stored: Stories, at: datetime) -> Stories:
        """Return what is stored from now on, with what other deliveries may have stored meanwhile; `at` is the receipt.

        Raises:
            UsedMeanwhileError: one of them used the same memory.
        """
        kept, seconds = dict(stored), at.timestamp()
        changed = [key for key, facts in self._before.items() if self.now.get(key) != facts[1:]]
        for key in changed:
            if len(self._before[key]) > _SIGHTING and kept.pop(key, None) != self._before[key]:
                raise UsedMeanwhileError("Another delivery of the source holds the same attempt: send it again.")
        left = {key: [seconds, *facts] for key, facts in self.now.items() if key in changed or key not in self._before}
        lately = [pair for pair in (kept | left).items() if pair[1][0] >= seconds - PATIENCE.total_seconds()]
        return dict(sorted(lately, key=lambda pair: pair[1][0])[-MOST:])
