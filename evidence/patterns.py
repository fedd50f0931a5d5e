"""Reads when the logs show use, and how much of each day every source covered: from roll-ups, never from the events."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row
from logs.queries import coverage_days

USE: Final = """
SELECT extract(isodow FROM hour AT TIME ZONE %(zone)s)::int AS weekday,
    extract(hour FROM hour AT TIME ZONE %(zone)s)::int AS hour, sum(events)::bigint AS events
FROM logs_sourcehour WHERE tenant_id = %(tenant)s AND hour >= %(since)s AND hour < %(until)s AND events > 0
GROUP BY 1, 2 ORDER BY 1, 2
"""
"""At most 168 rows of one row a source and hour: 2,160 a source for 90 days, however many events there were."""
DAYS: Final = """
-- logs.queries.coverage_days(since, until): for each source and day of the period's zone, the hours that
-- logs_logsource.expected asks for against the hours with events, as in the table of coverage:
SELECT source_id, hour FROM logs_sourcehour
WHERE tenant_id = %(tenant)s AND hour >= %(since)s AND hour < %(until)s AND events > 0
"""


HOURS_USED: Final = ("weekday", "hour", "events")
DAYS_COVERED: Final = ("source", "day", "expected_hours", "received_hours")


def measure_patterns(frame: Frame) -> dict[str, KindEvidence]:
    """Return use by weekday and hour, and coverage by source and day, as the frame's run measures them.

    They come from sums without a history: read after the run, they would tell of what came in since.
    """
    zone = frame.period.zone
    use, days = Asked(frame), Asked(frame)
    hours = use.rows(USE, zone=zone)
    days.note(DAYS)
    covered: list[Row] = [
        dict(zip(DAYS_COVERED, (source.name, day.isoformat(), *numbers), strict=True))
        for source, by_day in coverage_days(since=frame.period.start, until=frame.period.end, zone=ZoneInfo(zone))
        for day, numbers in sorted(by_day.items())
    ]
    used_title = said("Events by weekday and hour ({zone})", zone=zone)
    days_title = said("Covered hours by source and day ({zone})", zone=zone)
    return {
        "use_by_hour": use.answer("use_by_hour", {}, hours, columns=HOURS_USED, title=used_title),
        "coverage_days": days.answer("coverage_days", {}, covered, columns=DAYS_COVERED, title=days_title),
    }
