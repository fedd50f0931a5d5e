"""Measures changes of credentials and privileges in the admin logs, and those without a known actor."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

BY_ACTION = """
SELECT s.key AS system, d.action, sum(d.events) AS changes,
    sum(d.events) FILTER (WHERE d.actor_key = '') AS without_actor, count(DISTINCT d.actor_key) AS actors
FROM logs_usageday d LEFT JOIN identities_system s ON s.tenant_id = d.tenant_id AND s.id = d.system_id
WHERE d.tenant_id = %(tenant)s AND d.log_type = 5 AND d.day >= %(first)s AND d.day < %(end)s
GROUP BY s.key, d.action ORDER BY 1, 2
"""
COLUMNS = ("system", "action", "changes", "without_actor", "actors")


def measure(frame: Frame) -> KindEvidence:
    """Return administrative changes by system and action over the period's UTC days."""
    asked = Asked(frame)
    rows = asked.rows(BY_ACTION, first=frame.period.start.date(), end=frame.period.end.date())
    metrics = {
        "changes": sum(row["changes"] for row in rows),
        "unattributed": sum(row["without_actor"] or 0 for row in rows),
    }
    return asked.answer("credential_changes", metrics, rows, columns=COLUMNS, title=said("Administrative changes"))
