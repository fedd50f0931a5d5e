"""Measures the strength of log-ins: second factor reported or not, for remote and for privileged accounts."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, ratio

BY_SOURCE = """
SELECT s.name AS source, count(*) AS logins, count(*) FILTER (WHERE e.mfa) AS with_mfa,
    count(*) FILTER (WHERE e.mfa IS NULL) AS method_unknown,
    count(*) FILTER (WHERE e.is_remote OR e.log_type = 4) AS remote,
    count(*) FILTER (WHERE (e.is_remote OR e.log_type = 4) AND e.mfa = false) AS remote_without_mfa,
    count(*) FILTER (WHERE e.mfa = false AND EXISTS (
        SELECT 1 FROM identities_grant g JOIN identities_entitlement t ON t.tenant_id = g.tenant_id
            AND t.id = g.entitlement_id AND t.privileged
        WHERE g.tenant_id = e.tenant_id AND g.account_id = e.account_id AND g.since <= e.occurred_at
            AND (g.until IS NULL OR g.until > e.occurred_at))) AS privileged_without_mfa
FROM logs_currentevent e JOIN logs_logsource s ON s.tenant_id = e.tenant_id AND s.id = e.source_id
WHERE e.tenant_id = %(tenant)s AND e.log_type IN (1, 4) AND e.status_id = 1
    AND NOT (e.class_uid = 4014 AND e.activity_id IN (2, 3))
    AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.received_at >= %(since)s::timestamptz - interval '120 seconds'
GROUP BY s.name ORDER BY s.name
"""
COLUMNS = (
    *("source", "logins", "with_mfa", "method_unknown", "remote", "remote_without_mfa", "privileged_without_mfa"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return successful log-ins by source, the end or renewal of a tunnel is none; a method not told is unknown."""
    asked = Asked(frame)
    rows = asked.rows(BY_SOURCE)
    logins = sum(row["logins"] for row in rows)
    metrics = {
        "logins": logins,
        "remote_without_mfa": sum(row["remote_without_mfa"] for row in rows),
        "privileged_without_mfa": sum(row["privileged_without_mfa"] for row in rows),
        "method_unknown_ratio": ratio(sum(row["method_unknown"] for row in rows), logins),
    }
    return asked.answer("auth_strength", metrics, rows, columns=COLUMNS, title=said("Log-ins by source and method"))
