"""Measures failures of collection: silences beyond the tolerated hours, when somebody noticed them, and their cause."""

from datetime import timedelta

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, ratio
from evidence.registers.queries import Gap, gaps_between

QUERY = """
-- evidence.registers.queries.gaps_between(since, until): the stretches of expected hours (logs/coverage.py) without an
-- event, with what people noted about each:
SELECT source_id, gap_from, cause, said, recorded_at, recorded_by FROM evidence_gapnote
WHERE tenant_id = %(tenant)s AND recorded_at < %(until)s
"""
COLUMNS = (
    *("source", "from", "until", "hours", "open", "noticed_at", "hours_to_notice", "in_limit", "cause", "said", "by"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the silences of the period that lasted longer than the tolerated hours.

    Noticed in the limit means: not later than the same number of hours after the tolerated ones had passed.
    """
    asked = Asked(frame)
    limit = timedelta(hours=frame.params["silence_hours"])
    asked.note(QUERY, silence_hours=frame.params["silence_hours"])
    gaps = [gap for gap in gaps_between(frame.period.start, frame.period.end) if gap.end - gap.begin > limit]
    rows = [_row(gap, limit, frame) for gap in gaps]
    metrics = {
        "failures": len(rows),
        "noticed_in_limit_ratio": ratio(sum(bool(row["in_limit"]) for row in rows), len(rows)),
        "open_over_limit": sum(bool(row["open"]) and row["in_limit"] is not True for row in rows),
        "without_cause": sum(not row["cause"] for row in rows),
    }
    notes = (
        said(
            "Shorter silences count in the coverage alone. Records that could not be read and rules that were switched "
            "off are measured by the kinds coverage and alert rules."
        ),
        said("A silence counts as open over the limit until the source delivers again or somebody noted it in time."),
    )
    return asked.answer(
        "collection_failures",
        metrics,
        rows,
        columns=COLUMNS,
        notes=notes,
        title=said("Silences beyond the tolerated hours"),
    )


def _row(gap: Gap, limit: timedelta, frame: Frame) -> Row:
    """Return the table's row of a silence; one that may still be noticed in time is neither in nor out of the limit."""
    deadline, noticed = gap.begin + 2 * limit, gap.noticed_at
    waiting = noticed is None and frame.as_of < deadline
    return {
        "source": gap.source,
        "from": gap.begin,
        "until": gap.end,
        "hours": gap.hours,
        "open": gap.is_open,
        "noticed_at": noticed,
        "hours_to_notice": (noticed - gap.begin).total_seconds() / 3600 if noticed else None,
        "in_limit": None if waiting else noticed is not None and noticed <= deadline,
        "cause": gap.newest.get_cause_display() if gap.newest else "",
        "said": gap.newest.said if gap.newest else "",
        "by": gap.newest.recorded_by if gap.newest else "",
    }
