"""Measures the use of break-glass accounts: reason given, and reviewed afterwards."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

USES = """
SELECT s.key AS system, a.name AS account, e.occurred_at, e.src_ip, e.ticket_ref,
    EXISTS (SELECT 1 FROM reviews_decision d JOIN reviews_reviewitem i ON i.tenant_id = d.tenant_id AND i.id = d.item_id
        WHERE d.tenant_id = a.tenant_id AND i.account_id = a.id AND d.reviewer_id IS NOT NULL
        AND d.decided_at >= e.occurred_at AND d.decided_at < %(as_of)s) AS reviewed_after_use
FROM identities_account a JOIN identities_system s ON s.tenant_id = a.tenant_id AND s.id = a.system_id
JOIN logs_currentevent e ON e.tenant_id = a.tenant_id AND e.account_id = a.id
WHERE a.tenant_id = %(tenant)s AND a.kind = 'break_glass' AND e.log_type IN (1, 4, 5) AND e.status_id = 1
    AND NOT (e.class_uid = 4014 AND e.activity_id IN (2, 3))
    AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.received_at >= %(since)s::timestamptz - interval '120 seconds'
ORDER BY e.occurred_at, a.id LIMIT 10000
"""
COLUMNS = ("system", "account", "occurred_at", "src_ip", "ticket_ref", "reviewed_after_use")


def measure(frame: Frame) -> KindEvidence:
    """Return the uses of break-glass accounts; the reason is the ticket that the record names."""
    asked = Asked(frame)
    rows = asked.rows(USES)
    metrics = {
        "uses": len(rows),
        "without_reason": sum(not row["ticket_ref"] for row in rows),
        "not_reviewed_after_use": sum(not row["reviewed_after_use"] for row in rows),
    }
    return asked.answer("emergency", metrics, rows, columns=COLUMNS, title=said("Use of break-glass accounts"))
