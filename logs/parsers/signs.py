"""What one Linux log line says about a log-in, before its twin lines are counted as one."""

from enum import IntEnum
from typing import NamedTuple

from logs.kinds import LogType, Severity
from logs.parsers.facts import Facts, deed
from logs.parsers.syslog import Line


class Kind(IntEnum):
    """How much a line weighs beside the other lines of the same attempt or session."""

    COUNTED = 1
    """Always an event of its own; a failed one is the record of the attempt that its trace lines speak of."""
    ACCEPTED = 2
    """A log-in by the program's own line; the PAM line "session opened" after it is its twin."""
    OPENED = 3
    """PAM's "session opened": an event only where the program wrote no line of its own."""
    CLOSED = 4
    TRACE = 5
    """A failure that is an event only where no counted line of the same attempt follows."""
    MORE = 6
    """A sum of failures after the first: an event only where the failures were not counted one by one."""
    LAST = 7
    """The end of a connection after failures: an event only where it is their one trace."""
    SETTLED = 8
    """Another PAM module accepted: the trace before it was no failure."""
    HINT = 9
    """A reason for the failure that follows."""
    DULL = 10
    """No access event; `word` is the short reason that is counted."""


class Sign(NamedTuple):
    """One reading of a line. `key` names the attempt or session where the process id does not; `rank` 0 weighs most."""

    kind: Kind
    facts: Facts | None = None
    word: str = ""
    key: str = ""
    rank: int = 0


def dull(reason: str) -> Sign:
    """Read a line as no access event, for a short reason."""
    return Sign(Kind.DULL, word=reason)


def admin(line: Line, class_uid: int, activity_id: int, action: str) -> Facts:
    """Begin the facts of a change of accounts or groups on a host."""
    facts = deed(LogType.ADMIN, class_uid, activity_id)
    facts["app"] = line.program
    facts["dst_host"] = line.host
    facts["action"] = action
    facts["severity_id"] = Severity.LOW
    return facts
