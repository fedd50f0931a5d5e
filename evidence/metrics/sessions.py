"""Measures sessions: rebuilt from log-ons, log-offs and use between them, with the longest silence of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from django.conf import settings

from evidence.kinds import KindEvidence
from evidence.languages import percent, said
from evidence.metrics.frame import Asked, Frame, Row, ratio
from logs.models import LogSource
from logs.queries.sessions import DEEDS, deeds_by_actor
from logs.sessions import Session, sessions_from

TOLD = 0.8
"""Share of the sessions whose use is shown, below which nothing is said about idle time."""
COLUMNS = (
    *("source", "sessions", "ended", "end_unknown", "use_shown", "idle_over_limit", "longest_idle_minutes"),
    "longest_minutes",
)


def measure(frame: Frame) -> KindEvidence:
    """Return the sessions by source. Idle is the longest time between two events of one session.

    A session of which only log-on and log-off are known, further apart than the limit, shows no use: it is not judged.
    """
    asked = Asked(frame)
    asked.note(DEEDS, idle_minutes=frame.params["session_idle_minutes"])
    limit = timedelta(minutes=frame.params["session_idle_minutes"])
    counts: dict[int, Counter[str]] = {}
    for session in _sessions(frame):
        _count(session, limit, counts.setdefault(session.source_id, Counter()))
    names = dict(LogSource.objects.filter(pk__in=counts).values_list("pk", "name"))
    rows = [_row(names.get(key, str(key)), found) for key, found in sorted(counts.items())]
    total = sum(row["sessions"] for row in rows)
    shown = sum(row["use_shown"] for row in rows)
    metrics = {
        "sessions": total,
        "idle_over_limit": sum(row["idle_over_limit"] for row in rows) if shown >= TOLD * total else None,
        "end_unknown_ratio": ratio(sum(row["end_unknown"] for row in rows), total),
    }
    notes = (
        said(
            "{silent} of {total} sessions show no use between log-on and log-off and are longer than the limit: they "
            "are not judged, and below {floor} of judged sessions nothing is concluded.",
            silent=total - shown,
            total=total,
            floor=percent(TOLD, 0),
        ),
        said(
            "The portal's own sessions end after {minutes} minutes at most; they are among the sessions where the "
            "portal's own log is a source.",
            minutes=settings.SESSION_COOKIE_AGE // 60,
        ),
    )
    return asked.answer("sessions", metrics, rows, columns=COLUMNS, notes=notes, title=said("Sessions by source"))


def _sessions(frame: Frame) -> Iterator[Session]:
    """Rebuild the sessions one person after the other, so that memory holds one person's events at a time."""
    deeds = deeds_by_actor(since=frame.period.start, until=frame.as_of)
    for number, (_key, mine) in enumerate(groupby(deeds, key=lambda deed: deed.actor_key)):
        if number % 100 == 0:
            frame.watch()
        yield from sessions_from(mine)


def _count(session: Session, limit: timedelta, found: Counter[str]) -> None:
    """Add a session to its source's counts; times in seconds."""
    length = (session.newest_at - session.began_at) if session.began_at else timedelta(0)
    shown = session.events > 2 or length <= limit
    found["sessions"] += 1
    found["ended"] += session.ended_at is not None
    found["use_shown"] += shown
    found["idle_over_limit"] += shown and session.idle > limit
    found["idle"] = max(found["idle"], int(session.idle.total_seconds()))
    found["length"] = max(found["length"], int(length.total_seconds()))


def _row(source: str, found: Counter[str]) -> Row:
    """Return the table's row of a source."""
    return {
        "source": source,
        "sessions": found["sessions"],
        "ended": found["ended"],
        "end_unknown": found["sessions"] - found["ended"],
        "use_shown": found["use_shown"],
        "idle_over_limit": found["idle_over_limit"],
        "longest_idle_minutes": found["idle"] / 60,
        "longest_minutes": found["length"] / 60,
    }
