"""Measures dormant accounts: enabled, held by a person, and without a successful access for longer than the limit."""

from datetime import timedelta

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

DORMANT = """
SELECT s.key AS system, a.name AS account, a.kind, p.name AS person, a.created_at AS first_seen_at,
    u.last_ok_at AS last_used_at
FROM identities_account a JOIN identities_system s ON s.tenant_id = a.tenant_id AND s.id = a.system_id
LEFT JOIN identities_identity p ON p.tenant_id = a.tenant_id AND p.id = a.identity_id
LEFT JOIN logs_lastuse u ON u.tenant_id = a.tenant_id AND u.system_id = a.system_id AND u.actor_key = a.name_key
WHERE a.tenant_id = %(tenant)s AND a.enabled AND a.created_at < %(until)s
    AND (u.last_ok_at IS NULL OR u.last_ok_at < %(limit)s)
ORDER BY s.key, a.name_key
"""
TOTAL = """
SELECT count(*) AS accounts FROM identities_account a
WHERE a.tenant_id = %(tenant)s AND a.enabled AND a.created_at < %(until)s
"""
COLUMNS = ("system", "account", "kind", "person", "first_seen_at", "last_used_at")


def measure(frame: Frame) -> KindEvidence:
    """Return the enabled accounts without use since the limit; one never seen in any log is counted as unknown."""
    asked = Asked(frame)
    limit = frame.as_of - timedelta(days=frame.params["dormant_days"])
    rows = asked.rows(DORMANT, limit=limit)
    metrics = {
        "accounts": asked.one(TOTAL)["accounts"],
        "enabled_over_limit": sum(row["last_used_at"] is not None for row in rows),
        "last_login_unknown": sum(row["last_used_at"] is None for row in rows),
    }
    notes = (said("Any successful access counts as use, not only log-ins."),)
    return asked.answer("dormant", metrics, rows, columns=COLUMNS, notes=notes, title=said("Dormant accounts"))
