"""Measures findings: opened, overdue, and closed without a retest."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

FINDINGS = """
SELECT f.id, f.kind, f.sentence, s.key AS system, a.name AS account, f.found_at, f.due_at, f.resolved_at,
    f.resolved_by, f.resolution, f.retested_at
FROM reviews_finding f
LEFT JOIN identities_system s ON s.tenant_id = f.tenant_id AND s.id = f.system_id
LEFT JOIN identities_account a ON a.tenant_id = f.tenant_id AND a.id = f.account_id
WHERE f.tenant_id = %(tenant)s AND f.found_at < %(until)s AND (f.resolved_at IS NULL OR f.resolved_at >= %(since)s)
ORDER BY f.found_at, f.id
"""
COLUMNS = (
    *("id", "kind", "sentence", "system", "account", "found_at", "due_at", "resolved_at", "resolved_by", "resolution"),
    "retested_at",
)


def measure(frame: Frame) -> KindEvidence:
    """Return the findings that were open in the period, and how many of those closed were not looked at again."""
    asked = Asked(frame)
    rows = asked.rows(FINDINGS)
    closed = [row for row in rows if row["resolved_at"] is not None and row["resolved_at"] < frame.as_of]
    late = [row for row in rows if row not in closed and row["due_at"] < frame.as_of]
    metrics = {
        "opened": sum(row["found_at"] >= frame.period.start for row in rows),
        "overdue": len(late),
        "closed_without_retest": sum(row["retested_at"] is None or row["retested_at"] >= frame.as_of for row in closed),
    }
    notes = (
        said(
            "Retested means that the system looked again after the resolution and the cause was gone: by the search of "
            "every hour; for use and for names in no list after a day without more; for a revocation by a complete "
            "list; for how a campaign was reviewed by a later one of its plan that closed without the same."
        ),
    )
    return asked.answer("findings", metrics, rows, columns=COLUMNS, notes=notes, title=said("Findings"))
