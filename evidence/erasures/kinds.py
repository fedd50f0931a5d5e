"""What an erasure is asked for with, and what was found for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from logs.erasedset import NamedLeaf


@dataclass(frozen=True, slots=True)
class ErasureScope:
    """Which events: a subject's key and when they occurred (aware UTC, from, to before); whether evidence goes too.

    The key is ``event-<its address>``, ``ip-<address>``, or that of a person's timeline. One event needs no span.
    """

    subject: str
    since: datetime | None
    until: datetime | None
    with_cited: bool = False


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why, and by which law: as two people typed it, without the name of whom it is about."""

    reason: str
    legal_ref: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an erasure would take: the leaves, how many stay and why, and what the portal says against it.

    ``title`` says in words whose events, for the officers alone; ``older`` of the leaves are older readings of records
    that were read again. ``kinds`` counts the leaves by kind of log.
    """

    kind: str
    title: str
    leaves: Sequence[NamedLeaf]
    older: int
    held: int
    cited: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    against: Sequence[str] = ()
    too_many: bool = False

    @property
    def accesses(self) -> int:
        """How many accesses go, each counted once."""
        return len(self.leaves) - self.older
