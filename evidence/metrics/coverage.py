"""Measures collection coverage: expected against received hours by source and by log type, with the gaps."""

from collections.abc import Sequence

from evidence.catalogue import LOG_TYPES
from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, ratio
from evidence.registers.queries import Gap, gaps_between
from logs.answers import SourceCoverage
from logs.queries import coverage

QUERY = """
-- logs.queries.coverage(since, until): for each source, the hours that logs_logsource.expected asks for in the source's
-- zone (logs/coverage.py) against the hours with events:
SELECT source_id, hour, events, quarantined FROM logs_sourcehour
WHERE tenant_id = %(tenant)s AND hour >= %(since)s AND hour < %(until)s
"""
NOTES = """
-- evidence.registers.queries.gaps_between(since, until): the cause of a gap is what people noted of it:
SELECT source_id, gap_from, cause, said, recorded_at, recorded_by FROM evidence_gapnote
WHERE tenant_id = %(tenant)s AND recorded_at < %(until)s
"""
RECEIVED = """
SELECT DISTINCT log_type FROM logs_typeday
WHERE tenant_id = %(tenant)s AND day >= %(first_day)s AND day < %(end_day)s AND events > 0
"""
NUMBERS = """
SELECT n.source_id, sum(n.missing)::bigint AS missing FROM logs_sourcestream n
WHERE n.tenant_id = %(tenant)s AND n.seen_at >= %(since)s GROUP BY n.source_id
"""
COLUMNS = (
    *("source", "log_types", "expected_hours", "received_hours", "ratio", "gaps", "gaps_without_cause"),
    *("longest_gap_hours", "longest_gap_from", "longest_gap_until", "quarantined_ratio", "last_received_at"),
    "missing_numbers",
)


def measure(frame: Frame) -> KindEvidence:
    """Return each source's coverage; hours are full UTC hours in which a record was expected."""
    asked = Asked(frame)
    asked.note(QUERY)
    answers = coverage(since=frame.period.start, until=frame.period.end)
    noted = _noted(asked, frame)
    numbers = {row["source_id"]: row["missing"] for row in asked.rows(NUMBERS)}
    rows = [
        {**_row(answer, noted.get(answer.source_id, ())), "missing_numbers": numbers.get(answer.source_id)}
        for answer in answers
    ]
    days = {"first_day": frame.period.start.date(), "end_day": frame.period.end.date()}
    received = {row["log_type"] for row in asked.rows(RECEIVED, **days)}
    expecting = [answer for answer in answers if answer.expected_hours]
    types = {number for answer in expecting for number in answer.log_types}
    metrics = {
        "sources_expected": len(expecting),
        "sources_reporting": sum(answer.received_hours > 0 for answer in expecting),
        "coverage_ratio": _share(expecting),
        "max_gap_hours": max((row["longest_gap_hours"] for row in rows), default=0),
        "open_gaps": sum(_is_open(answer, frame) for answer in expecting),
        "gaps_without_cause": sum(row["gaps_without_cause"] for row in rows),
        "log_types_expected": len(types),
        "log_types_received": len(types & received),
        "rejected_ratio": max((row["quarantined_ratio"] or 0.0 for row in rows), default=None),
        "sequence_gaps": sum(numbers.values()) if numbers else None,
    }
    notes = (
        said("The cause of a gap is what people noted of it before the end of the period (evidence, gaps)."),
        said(
            "Missing numbers are counted where a source numbers its records and delivered since the period began: "
            "those that are missing when it is computed, whenever they went missing."
        ),
    )
    return asked.answer("coverage", metrics, rows, columns=COLUMNS, notes=notes, title=said("Coverage by source"))


def _noted(asked: Asked, frame: Frame) -> dict[int, list[Gap]]:
    """Return the silences of each source of which people noted the cause; each is known by its own first hour."""
    asked.note(NOTES)
    found: dict[int, list[Gap]] = {}
    for gap in gaps_between(frame.period.start, frame.period.end):
        if gap.notes:
            found.setdefault(gap.source_id, []).append(gap)
    return found


def by_log_type(frame: Frame) -> dict[str, float | None]:
    """Return for each log type the share of expected source-hours received, None where none is expected."""
    answers = coverage(since=frame.period.start, until=frame.period.end)
    return {
        name: _share([answer for answer in answers if number in answer.log_types])
        for number, name in enumerate(LOG_TYPES, start=1)
    }


def _share(answers: Sequence[SourceCoverage]) -> float | None:
    """Return the share of the expected hours of some sources that were received."""
    return ratio(sum(a.received_hours for a in answers), sum(a.expected_hours for a in answers))


def _is_open(answer: SourceCoverage, frame: Frame) -> bool:
    """Tell whether the source's last gap goes on until the end of the period or of what can be known now."""
    return bool(answer.gaps) and (frame.as_of - answer.gaps[-1][1]).total_seconds() < 7200


def _row(answer: SourceCoverage, noted: Sequence[Gap]) -> Row:
    """Return the table's row of a source; `noted` are its silences with a cause, followed back before the period."""
    longest = max(answer.gaps, key=lambda gap: gap[1] - gap[0], default=None)
    return {
        "source": answer.name,
        "log_types": ", ".join(LOG_TYPES[number - 1] for number in answer.log_types),
        "expected_hours": answer.expected_hours,
        "received_hours": answer.received_hours,
        "ratio": answer.ratio,
        "gaps": len(answer.gaps),
        "gaps_without_cause": sum(
            not any(gap.begin < after and gap.end > begin for gap in noted) for begin, after in answer.gaps
        ),
        "longest_gap_hours": (longest[1] - longest[0]).total_seconds() / 3600 if longest else 0.0,
        "longest_gap_from": longest[0] if longest else None,
        "longest_gap_until": longest[1] if longest else None,
        "quarantined_ratio": answer.quarantined_ratio,
        "last_received_at": answer.last_received_at,
    }
