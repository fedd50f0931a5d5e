"""How long events are kept: terms in whole months by log type, their bounds, and the months that are past them.

Events go by the month (UTC) in which they were received, because the ledger's order and the table's partitions do. A
month is past a term of n months when it ended n months ago or earlier: nothing goes before its term, and everything
within a month after it. The database holds the same rule in `retention_cut`; a test compares both.

Defaults: log-ins, remote access, admin privilege and failed log-ins 36 months, application and database access 12,
session activity 3 (90 days at least, as the month of receipt is waited for). Access logs are kept one to three years.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from logs.kinds import LogType

LONGEST: Final = 36
SHORTEST: Final = 12
SHORTEST_SESSION: Final = 3
NOTICE_DAYS: Final = 30
"""Days after which a shorter term is applied: time enough to see a mistake, or an intruder."""
DEFAULTS: Final[Mapping[LogType, int]] = {
    LogType.SYSTEM_LOGIN: 36,
    LogType.APPLICATION: 12,
    LogType.DATABASE: 12,
    LogType.REMOTE: 36,
    LogType.ADMIN: 36,
    LogType.FAILED_LOGIN: 36,
    LogType.SESSION: 3,
}


def shortest(kind: LogType) -> int:
    """Return the fewest months that a kind of log may be kept."""
    return SHORTEST_SESSION if kind == LogType.SESSION else SHORTEST


def month_of(moment: datetime) -> date:
    """Return the first day of the month (UTC) that holds an aware moment."""
    return moment.astimezone(UTC).date().replace(day=1)


def later(month: date, months: int) -> date:
    """Return the first day of the month that lies so many months after another; before it where negative."""
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def begin_of(month: date) -> datetime:
    """Return the moment (UTC) at which a month begins."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def cut(months: int, now: datetime) -> date:
    """Return the first day before which everything is past a term of so many months."""
    return later(month_of(now), -months)


def types_past(month: date, terms: Mapping[LogType, int], now: datetime) -> list[LogType]:
    """Return the kinds of log whose term a received month is past, in order."""
    return [kind for kind in LogType if later(month, 1) <= cut(terms[kind], now)]
