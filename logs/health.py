"""How well a source delivers, from what it delivered: way and identity of its records, delay, clock. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final, NamedTuple

UNACKNOWLEDGED: Final = ("syslog",)
"""Doors, by the beginning of their names, whose senders never learn whether a record was kept."""

BY_HAND: Final = ("file",)
COUNTED: Final = "record "
"""How the name of a record begins that has no id of its own: it is then named by its place in the body."""

REASONS: Final = {
    "A": "every one of the newest deliveries was acknowledged, and its records carry ids of their own",
    "B": "every one of the newest deliveries was acknowledged; records are told apart by their content",
    "C": "a door is used that cannot acknowledge: what is lost on the way is not sent again",
    "D": "files are delivered by hand",
}


class Arrival(NamedTuple):
    """What is kept of one delivery that stored events: its door, the name of its last record, and its times."""

    door: str
    last_record: str
    received_at: datetime
    last_occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Way:
    """What the newest deliveries show: the grade that they earn, and the delay of a delivery's newest event.

    ``grade`` is "" and ``delay`` None where nothing was delivered. A negative delay is a clock that runs ahead.
    """

    grade: str
    delay: timedelta | None

    @property
    def reason(self) -> str:
        """Why the grade is what it is."""
        return REASONS.get(self.grade, "nothing was delivered yet")

    @property
    def ahead(self) -> timedelta | None:
        """By how much the source's clock runs ahead, None where it does not."""
        return -self.delay if self.delay is not None and self.delay < timedelta(0) else None


def way_of(arrivals: Sequence[Arrival]) -> Way:
    """Return what the newest deliveries show; the worst of them gives the grade."""
    delays = [one.received_at - one.last_occurred_at for one in arrivals if one.last_occurred_at]
    delay = timedelta(seconds=median(length.total_seconds() for length in delays)) if delays else None
    return Way(max(map(_grade, arrivals), default=""), delay)


def _grade(arrival: Arrival) -> str:
    if arrival.door.startswith(BY_HAND):
        return "D"
    if arrival.door.startswith(UNACKNOWLEDGED):
        return "C"
    return "B" if arrival.last_record.startswith(COUNTED) else "A"
