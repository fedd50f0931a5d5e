"""Reads when the logs show use, and how much of each day every source covered: from roll-ups, never from the events."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from evidence.kinds import Cell, Table
from evidence.metrics.frame import Asked, Frame
from evidence.tables import from_rows
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


def pattern_tables(frame: Frame) -> tuple[tuple[Table, ...], dict[str, str]]:
    """Return the tables of use by weekday and hour, and of coverage by source and day, with the queries behind them."""
    used, covered = Asked(frame), Asked(frame)
    hours: list[list[Cell]] = [
        [row["weekday"], row["hour"], row["events"]] for row in used.rows(USE, zone=frame.period.zone)
    ]
    covered.note(DAYS)
    found = coverage_days(since=frame.period.start, until=frame.period.end, zone=ZoneInfo(frame.period.zone))
    days: list[list[Cell]] = [
        [source.name, day.isoformat(), *numbers] for source, by_day in found for day, numbers in sorted(by_day.items())
    ]
    zone = frame.period.zone
    tables = (
        from_rows("use_by_hour", f"Events by weekday and hour ({zone})", ("weekday", "hour", "events"), hours),
        from_rows(
            "coverage_days",
            f"Covered hours by source and day ({zone})",
            ("source", "day", "expected_hours", "received_hours"),
            days,
        ),
    )
    texts = (used.statements[0] + "\n", covered.statements[0] + "\n")
    return tables, dict(zip(("use_by_hour", "coverage_days"), texts, strict=True))
