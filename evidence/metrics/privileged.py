"""Measures privileged accounts: owner, last use, last review, and admin actions by accounts that are not listed."""

from datetime import timedelta

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

ACCOUNTS = """
SELECT s.key AS system, a.name AS account, a.kind, p.name AS owner, a.enabled,
    string_agg(DISTINCT e.key, ', ' ORDER BY e.key) AS entitlements, max(u.last_ok_at) AS last_used_at,
    (SELECT max(d.decided_at) FROM reviews_decision d JOIN reviews_reviewitem i ON i.tenant_id = d.tenant_id
        AND i.id = d.item_id WHERE d.tenant_id = a.tenant_id AND i.account_id = a.id AND i.privileged
        AND d.reviewer_id IS NOT NULL AND d.decided_at < %(as_of)s) AS last_reviewed_at
FROM identities_grant g
JOIN identities_entitlement e ON e.tenant_id = g.tenant_id AND e.id = g.entitlement_id AND e.privileged
JOIN identities_account a ON a.tenant_id = g.tenant_id AND a.id = g.account_id
JOIN identities_system s ON s.tenant_id = a.tenant_id AND s.id = a.system_id
LEFT JOIN identities_identity p ON p.tenant_id = a.tenant_id AND p.id = a.identity_id
LEFT JOIN logs_lastuse u ON u.tenant_id = a.tenant_id AND u.system_id = a.system_id AND u.actor_key = a.name_key
WHERE g.tenant_id = %(tenant)s AND g.since < %(as_of)s AND (g.until IS NULL OR g.until >= %(as_of)s)
GROUP BY a.tenant_id, a.id, s.key, p.name ORDER BY s.key, a.name_key
"""
ACTIONS = """
SELECT coalesce(sum(d.ok_count), 0) AS actions, count(DISTINCT (d.system_id, d.actor_key)) FILTER (
    WHERE d.ok_count > 0 AND d.actor_key <> '' AND NOT EXISTS (
        SELECT 1 FROM identities_account a
        JOIN identities_grant g ON g.tenant_id = a.tenant_id AND g.account_id = a.id
        JOIN identities_entitlement e ON e.tenant_id = g.tenant_id AND e.id = g.entitlement_id AND e.privileged
        WHERE a.tenant_id = d.tenant_id AND a.system_id = d.system_id AND a.name_key = d.actor_key
            AND g.since < d.day + 1 AND (g.until IS NULL OR g.until >= d.day))) AS by_unlisted
FROM logs_usageday d
WHERE d.tenant_id = %(tenant)s AND d.log_type = 5 AND d.day >= %(first_day)s AND d.day < %(end_day)s
"""
COLUMNS = ("system", "account", "kind", "owner", "enabled", "entitlements", "last_used_at", "last_reviewed_at")


def measure(frame: Frame) -> KindEvidence:
    """Return privileged access as of the period's end; admin actions are those of the period's UTC days."""
    asked = Asked(frame)
    rows = asked.rows(ACCOUNTS)
    actions = asked.one(ACTIONS, first_day=frame.period.start.date(), end_day=frame.period.end.date())
    unused_since = frame.as_of - timedelta(days=frame.params["dormant_days"])
    reviewed_since = frame.as_of - timedelta(days=frame.params["review_privileged_days"])
    metrics = {
        "accounts": len(rows),
        "without_owner": sum(row["owner"] is None for row in rows),
        "unused_over_limit": sum(row["last_used_at"] is None or row["last_used_at"] < unused_since for row in rows),
        "not_reviewed_in_period": sum(
            row["last_reviewed_at"] is None or row["last_reviewed_at"] < reviewed_since for row in rows
        ),
        "actions": actions["actions"],
        "actions_by_unlisted_accounts": actions["by_unlisted"],
    }
    notes = (said("Actions by accounts that are not listed count accounts, not actions."),)
    return asked.answer("privileged", metrics, rows, columns=COLUMNS, notes=notes, title=said("Privileged accounts"))
