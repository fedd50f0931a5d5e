"""Numbers that a source gives its records one after the other: which came, and which are missing between them. Pure.

PostgreSQL numbers the lines of each session (``line_num``), Windows the records of each channel of a computer
(``EventRecordID``). Every record that was delivered counts, also one that is no access event or could not be read.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from logs.kinds import Format

Run = tuple[int, int]
"""Numbers without a gap: the first and the last of them."""

KEPT_RUNS: Final = 50
"""Runs of a stream that are kept, the newest; gaps between older ones are kept as a sum and cannot be filled."""

MOST_STREAMS: Final = 20_000
MOST_RUNS: Final = 100_000
STREAM_CHARS: Final = 200
SEARCHED_BYTES: Final = 65_536
"""Where the place of a record is looked for; a megabyte of quotes would cost 20 ms a pattern."""

_SESSION = re.compile(rb'"session_id"\s*:\s*"([0-9a-f.]{1,64})"\s*,\s*"line_num"\s*:\s*(\d{1,15})\b')
_NUMBER = re.compile(
    rb"<EventRecordID>(\d{1,15})<"
    rb'|"(?:EventRecordID|EventRecordId|record_id|record_number|RecordNumber|RecordId)"\s*:\s*"?(\d{1,15})\b'
)
_CHANNEL = re.compile(rb'<Channel>([^<]{1,100})<|"(?:Channel|channel|LogName|log_name)"\s*:\s*"([^"\\]{1,100})"')
_COMPUTER = re.compile(
    rb"<Computer>([^<]{1,100})<"
    rb'|"(?:Computer|computer_name|computer|ComputerName|MachineName|Hostname)"\s*:\s*"([^"\\]{1,100})"'
)


class Place(NamedTuple):
    """A record's place: the stream that is numbered, and the number in it."""

    stream: str
    number: int


def _postgres(raw: bytes) -> Place | None:
    found = _SESSION.search(raw, 0, SEARCHED_BYTES)
    return Place(f"session {found[1].decode()}", int(found[2])) if found else None


def _windows(raw: bytes) -> Place | None:
    number, channel, computer = (one.search(raw, 0, SEARCHED_BYTES) for one in (_NUMBER, _CHANNEL, _COMPUTER))
    if not (number and channel and computer):
        return None
    words = [(found[1] or found[2]).decode("utf-8", "replace").replace("\0", "") for found in (channel, computer)]
    return Place(f"{words[0]} on {words[1].lower()}"[:STREAM_CHARS], int(number[1] or number[2]))


NUMBERED: Final[Mapping[str, Callable[[bytes], Place | None]]] = {
    Format.POSTGRES_JSONLOG.value: _postgres,
    Format.WINDOWS.value: _windows,
}
"""How the place of a record is read, for the formats whose records are numbered."""


@dataclass(slots=True)
class Seen:
    """The numbers of one delivery, by stream; at most `MOST_STREAMS` streams and `MOST_RUNS` runs are followed."""

    place_of: Callable[[bytes], Place | None] | None = None
    streams: dict[str, list[list[int]]] = field(default_factory=dict)
    runs: int = 0

    def add(self, raw: bytes) -> None:
        """Note the number of a record, if it has one."""
        place = self.place_of(raw) if self.place_of else None
        if place is None:
            return
        runs = self.streams.get(place.stream)
        if runs and runs[-1][1] + 1 == place.number:
            runs[-1][1] = place.number
        elif self.runs < MOST_RUNS and (runs is not None or len(self.streams) < MOST_STREAMS):
            self.streams.setdefault(place.stream, []).append([place.number, place.number])
            self.runs += 1


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of a stream: its first number, its newest runs, the numbers lost for good, and its restarts."""

    first: int
    runs: Sequence[Run]
    lost: int = 0
    restarts: int = 0

    @property
    def gaps(self) -> list[Run]:
        """The numbers that are missing now, as first and last of each gap."""
        return [(before[1] + 1, after[0] - 1) for before, after in zip(self.runs, self.runs[1:], strict=False)]

    @property
    def missing(self) -> int:
        """How many numbers are missing: in gaps that may still be filled, and in older ones."""
        return self.lost + _size(self.gaps)


def joined(runs: Iterable[Sequence[int]]) -> list[Run]:
    """Return the same numbers in as few runs as they need, lowest first."""
    found: list[Run] = []
    for first, last in sorted((run[0], run[1]) for run in runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def follow(track: Track | None, new: Iterable[Sequence[int]]) -> Track:
    """Return the track after more numbers came, which are at least one.

    Numbers that all lie before the first known one are a count that began again: what was missing before stays lost.
    Late records fill the gaps that they lie in.
    """
    runs = joined(new)
    if track is None:
        return _kept(runs[0][0], runs, 0, 0)
    if runs[-1][1] < track.first:
        return _kept(runs[0][0], runs, track.missing, track.restarts + 1)
    oldest = track.runs[0][0]
    within = [(max(first, oldest), last) for first, last in runs if last >= oldest]
    return _kept(track.first, joined([*track.runs, *within]), track.lost, track.restarts)


def _kept(first: int, runs: list[Run], lost: int, restarts: int) -> Track:
    old, newest = runs[: -KEPT_RUNS + 1], runs[-KEPT_RUNS:]
    dropped = Track(first, old).gaps if len(runs) > KEPT_RUNS else []
    return Track(first, newest, lost + _size(dropped), restarts)


def _size(gaps: Iterable[Run]) -> int:
    return sum(last - first + 1 for first, last in gaps)
