"""Measures management's responses to deviations: those that stand, past their date, or without an owner."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

RESPONSES = """
SELECT DISTINCT ON (r.control) r.control, r.stand, r.owner, r.said, r.due_on, x.state AS answered_state,
    x.run_id AS answered_run, r.recorded_at, r.recorded_by,
    (SELECT n.state FROM evidence_controlresult n WHERE n.tenant_id = r.tenant_id AND n.control = r.control
        AND n.run_id > x.run_id ORDER BY n.run_id DESC LIMIT 1) AS retest_state,
    EXISTS (SELECT 1 FROM tenants_membership m JOIN tenants_user u ON u.id = m.user_id
        WHERE m.tenant_id = r.tenant_id AND u.email = r.owner
        AND (m.ends_at IS NULL OR m.ends_at > %(as_of)s)) AS owner_is_here,
    r.stand <> 'end' AND r.due_on < %(as_of)s::timestamptz::date AS expired
FROM evidence_controlresponse r
LEFT JOIN evidence_controlresult x ON x.tenant_id = r.tenant_id AND x.id = r.result_id
WHERE r.tenant_id = %(tenant)s AND r.recorded_at < %(as_of)s ORDER BY r.control, r.id DESC
"""
COLUMNS = (
    *("control", "stand", "owner", "owner_is_here", "said", "due_on", "expired", "answered_state", "answered_run"),
    *("retest_state", "recorded_at", "recorded_by"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the response that stands for each row; a later result of the row is its retest."""
    asked = Asked(frame)
    rows = asked.rows(RESPONSES)
    standing = [row for row in rows if row["stand"] != "end"]
    metrics = {
        "open": len(standing),
        "expired": sum(row["expired"] for row in standing),
        "without_owner": sum(not row["owner_is_here"] for row in standing),
    }
    notes = (
        said("An owner who is no member of the tenant any more owns nothing: the response counts as without an owner."),
    )
    return asked.answer("exceptions", metrics, rows, columns=COLUMNS, notes=notes, title=said("Management responses"))
