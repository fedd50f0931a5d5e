"""Measures evaluations of the catalogue: one is due each calendar month; and changes of its parameters."""

from datetime import datetime

from evidence.catalogue import load
from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

RUNS = """
SELECT r.id, r.computed_at, r.computed_by, r.purpose, r.period_start, r.period_end, r.catalogue_version, r.tally
FROM evidence_controlrun r
WHERE r.tenant_id = %(tenant)s AND r.computed_at >= %(since)s AND r.computed_at < %(until)s ORDER BY r.computed_at, r.id
"""
CHANGES = """
SELECT s.key, s.value, s.set_at, s.set_by, s.reason FROM evidence_controlsetting s
WHERE s.tenant_id = %(tenant)s AND s.kind = 'parameter' AND s.set_at >= %(since)s AND s.set_at < %(until)s
"""
OPENED = "SELECT created_at FROM tenants_tenant WHERE id = %(tenant)s"
COLUMNS = ("id", "computed_at", "computed_by", "purpose", "period_start", "period_end", "catalogue_version")


def measure(frame: Frame) -> KindEvidence:
    """Return the evaluations; months before the tenant was opened and the month under way are not due."""
    asked = Asked(frame)
    rows = asked.rows(RUNS)
    months = _months(max(frame.period.start, asked.one(OPENED)["created_at"]), frame.as_of)
    done = {(row["computed_at"].year, row["computed_at"].month) for row in rows}
    params = load().params
    loosened = [
        row
        for row in asked.rows(CHANGES)
        if row["value"] is not None and row["key"] in params and params[row["key"]].loosened(row["value"])
    ]
    metrics = {"due": len(months), "run": len(months & done), "parameter_changes_unapproved": None if loosened else 0}
    notes = (
        said(
            "Due is one evaluation for each calendar month (UTC) that ended in the period and in which the tenant "
            "existed."
        ),
    )
    return asked.answer(
        "evaluation", metrics, rows, columns=COLUMNS, notes=notes, title=said("Evaluations of the catalogue")
    )


def _months(start: datetime, end: datetime) -> set[tuple[int, int]]:
    """Return the calendar months from the one of `start` up to, not including, the one of `end`."""
    first, last = 12 * start.year + start.month - 1, 12 * end.year + end.month - 1
    return {(number // 12, number % 12 + 1) for number in range(first, last)}
