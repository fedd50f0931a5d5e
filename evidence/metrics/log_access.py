"""Measures who looked at the logs: reads and exports, refused attempts, and people able to read."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame
from tenants.kinds import ROLE_PERMISSIONS, Permission

LOOKED = """
SELECT e.verb, e.actor_name AS actor, count(*) AS looks, min(e.at) AS first_at, max(e.at) AS last_at,
    count(*) FILTER (WHERE e.actor_user_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM tenants_membership m WHERE m.tenant_id = e.tenant_id AND m.user_id = e.actor_user_id
        AND (m.role = ANY(%(roles)s) OR NOT e.verb = ANY(%(logs)s))
        AND m.starts_at <= e.at AND (m.ends_at IS NULL OR m.ends_at > e.at)
        )) AS by_unauthorised_role
FROM tenants_auditentry e
WHERE e.tenant_id = %(tenant)s AND e.leaf_kind = 11 AND e.at >= %(since)s AND e.at < %(until)s
GROUP BY e.verb, e.actor_name ORDER BY e.verb, e.actor_name
"""
REFUSED = """
SELECT count(*) AS refused FROM tenants_auditentry e
WHERE e.tenant_id = %(tenant)s AND e.verb = 'access.refuse' AND e.at >= %(since)s AND e.at < %(until)s
"""
READERS = """
SELECT u.email AS reader, EXISTS (
    SELECT 1 FROM identities_identity p JOIN reviews_reviewitem i ON i.tenant_id = p.tenant_id AND i.subject_id = p.id
    JOIN identities_system s ON s.tenant_id = i.tenant_id AND s.id = i.system_id AND s.key LIKE 'countersign%%'
    JOIN reviews_decision d ON d.tenant_id = i.tenant_id AND d.item_id = i.id AND d.reviewer_id IS NOT NULL
    WHERE p.tenant_id = m.tenant_id AND p.user_id = u.id AND d.decided_at < %(as_of)s
        AND d.decided_at >= %(as_of)s::timestamptz - make_interval(days => %(days)s)) AS reviewed
FROM tenants_membership m JOIN tenants_user u ON u.id = m.user_id
WHERE m.tenant_id = %(tenant)s AND m.role = ANY(%(roles)s) AND m.starts_at < %(as_of)s
    AND (m.ends_at IS NULL OR m.ends_at > %(as_of)s)
GROUP BY m.tenant_id, u.id, u.email ORDER BY u.email
"""
LOGS = ["event.look", "event.export", "export.finish", "quarantine.look", "alert.look"]
"""Looks at events and alerts themselves; any role of the tenant may look at a room, a pack or a page that it has."""
COLUMNS = ("verb", "actor", "looks", "first_at", "last_at", "by_unauthorised_role")


def measure(frame: Frame) -> KindEvidence:
    """Return the looks at logs and alerts, from the audit trail (leaf kind 0x0B)."""
    asked = Asked(frame)
    roles = sorted(role.value for role, rights in ROLE_PERMISSIONS.items() if _reads(rights))
    rows = asked.rows(LOOKED, roles=roles, logs=LOGS)
    reads = sum(row["looks"] for row in rows)
    readers = asked.rows(READERS, roles=roles, days=int(frame.params["review_all_days"]))
    metrics = {
        "reads": reads,
        "exports": sum(row["looks"] for row in rows if "export" in row["verb"] or "download" in row["verb"]),
        "without_purpose": None if reads else 0,
        "by_unauthorised_role": sum(row["by_unauthorised_role"] for row in rows),
        "refused": asked.one(REFUSED)["refused"],
        "readers": len(readers),
        "readers_not_reviewed": sum(not row["reviewed"] for row in readers),
    }
    notes = (
        said("A reader counts as reviewed when a campaign over the portal's own system decided about them."),
        said(
            "Unauthorised is a look at events or alerts by somebody whose role then did not read them, or any look by "
            "somebody without a role."
        ),
    )
    return asked.answer("log_access", metrics, rows, columns=COLUMNS, notes=notes, title=said("Looks at the logs"))


def _reads(rights: frozenset[Permission]) -> bool:
    """Tell whether a role may read logs or alerts."""
    return bool(rights & {Permission.EVENT_VIEW, Permission.EVENT_EXPORT, Permission.ALERT_VIEW})
