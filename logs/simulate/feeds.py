"""What a source writes in one hour: the shape that all feeds share."""

import random
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from logs.simulate.duties import HOUR, Duty, Roster
from logs.simulate.world import World, dice


class Made(NamedTuple):
    """One record: Unix seconds, its bytes without line feed, and the key of the incident it belongs to."""

    at: float
    line: bytes
    incident: str = ""


class Feed(Protocol):
    """Writes the records of one source; asked for every hour in order, once."""

    def hour(self, since: int) -> Iterator[Made]:
        """Give the records that begin in the hour from `since`; a session's end may lie later."""
        ...


class Surroundings(NamedTuple):
    """What every feed is made of. `activity` scales how much people do, 1.0 is the volume model of a real BPO."""

    world: World
    roster: Roster
    activity: float

    def roll(self, source: str, since: int) -> random.Random:
        """Give the random numbers of one source and hour."""
        return dice(self.world.seed, source, since)

    def on_duty(self, since: int) -> list[Duty]:
        """Give the duties that overlap the hour."""
        return self.roster.between(since, since + HOUR)


def times(roll: random.Random, per_hour: float, since: float, until: float) -> list[float]:
    """Give random times in a span, at a mean rate; the fraction of an event happens by chance."""
    expected = per_hour * max(0.0, until - since) / HOUR
    count = int(expected) + (roll.random() < expected % 1)
    return sorted(since + roll.random() * (until - since) for _ in range(count))


def within(duty: Duty, since: int) -> tuple[float, float]:
    """Give the part of the hour that the duty covers."""
    return max(duty.since, since), min(duty.until, since + HOUR)


def starts(duty: Duty, since: int) -> bool:
    """Tell whether the duty begins in the hour."""
    return since <= duty.since < since + HOUR


def ends(duty: Duty, since: int) -> bool:
    """Tell whether the duty ends in the hour."""
    return since <= duty.until < since + HOUR


def uid(roll: random.Random) -> str:
    """Give a random id in the form of a UUID."""
    text = f"{roll.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
