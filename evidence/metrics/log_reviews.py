"""Measures log reviews: periods due, signed in time, overdue, and what they found that is not yet followed up."""

from datetime import timedelta

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, ratio
from reviews.models import LogSchedule
from reviews.queries.logreviews import unopened

REVIEWS = """
SELECT r.id, r.name, r.begins_at, r.ends_at, r.due_at, r.opened_at, r.closed_at AS signed_at, r.item_count AS items,
    count(d.id) AS disposed, count(d.id) FILTER (WHERE d.outcome IN ('violation', 'incident')) AS exceptions,
    count(d.id) FILTER (WHERE d.outcome IN ('violation', 'incident') AND f.closed_at IS NULL) AS exceptions_open,
    (SELECT string_agg(g.printed_name, ', ' ORDER BY g.signed_at) FROM reviews_logsignature g
        WHERE g.tenant_id = r.tenant_id AND g.review_id = r.id) AS signed_by,
    (SELECT string_agg(g.digest, ', ' ORDER BY g.signed_at) FROM reviews_logsignature g
        WHERE g.tenant_id = r.tenant_id AND g.review_id = r.id) AS digests,
    r.seed, r.tree_size
FROM reviews_logreview r
LEFT JOIN reviews_logitem i ON i.tenant_id = r.tenant_id AND i.review_id = r.id
LEFT JOIN reviews_disposition d ON d.tenant_id = i.tenant_id AND d.item_id = i.id AND NOT EXISTS (
    SELECT 1 FROM reviews_disposition l WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id)
LEFT JOIN reviews_followup f ON f.tenant_id = d.tenant_id AND f.disposition_id = d.id
WHERE r.tenant_id = %(tenant)s AND r.opened_at < %(as_of)s
    AND (r.due_at >= %(since)s OR r.closed_at IS NULL OR r.closed_at >= %(since)s)
GROUP BY r.tenant_id, r.id ORDER BY r.ends_at, r.id
"""
FOLLOW_UPS = """
SELECT count(*) FILTER (WHERE f.raised_at >= %(since)s) AS raised,
    count(*) FILTER (WHERE f.due_at < %(as_of)s AND (f.closed_at IS NULL OR f.closed_at >= %(as_of)s)) AS late
FROM reviews_followup f WHERE f.tenant_id = %(tenant)s AND f.raised_at < %(as_of)s
"""
NEVER_OPENED = """
-- reviews.queries.logreviews.unopened: periods that reviews_logschedule.rule asks for and that no row was made of.
SELECT id, name, rule, starts_on, time_zone, begins_at, ends_at, due_days FROM reviews_logschedule
WHERE tenant_id = %(tenant)s
"""
COLUMNS = (
    *("id", "name", "begins_at", "ends_at", "due_at", "opened_at", "signed_at", "signed_by", "items", "disposed"),
    *("exceptions", "exceptions_open", "digests", "seed", "tree_size"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the log reviews due in the period; one that was never opened is as overdue as one never signed."""
    asked = Asked(frame)
    rows = asked.rows(REVIEWS)
    found = asked.one(FOLLOW_UPS)
    asked.note(NEVER_OPENED)
    rows += _never_opened(frame)
    due = [row for row in rows if frame.period.start <= row["due_at"] < frame.as_of]
    late = [row for row in due if not _in_time(row)]
    metrics = {
        "due": len(due),
        "on_time_ratio": ratio(len(due) - len(late), len(due)),
        "overdue": len(late),
        "exceptions_raised": found["raised"],
        "exceptions_open_over_limit": found["late"],
        "unsigned": sum(row["signed_at"] is None or row["signed_at"] >= frame.as_of for row in due),
    }
    notes = (
        said("A log review is due its schedule's days after the end of its period, also one that was never opened."),
        said(
            "An exception is an item that was signed as an incident or a policy violation; it is open until a person "
            "wrote down how it ended."
        ),
    )
    return asked.answer("log_reviews", metrics, rows, columns=COLUMNS, notes=notes, title=said("Periodic log reviews"))


def _in_time(row: Row) -> bool:
    """Tell whether a review was signed by everybody when it was due."""
    return row["signed_at"] is not None and row["signed_at"] <= row["due_at"]


def _never_opened(frame: Frame) -> list[Row]:
    """Return a row for each period that was over before the frame's moment and was not opened."""
    rows = []
    for schedule in LogSchedule.objects.order_by("id"):
        for begins_at, ends_at in unopened(schedule, frame.as_of):
            blank = dict.fromkeys(COLUMNS)
            told = {"name": f"{schedule.name}, not opened", "begins_at": begins_at, "ends_at": ends_at, "items": 0}
            due_at = ends_at + timedelta(days=schedule.due_days)
            rows.append({**blank, **told, "due_at": due_at, "disposed": 0, "exceptions": 0, "exceptions_open": 0})
    return rows
