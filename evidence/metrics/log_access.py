"""Measures who looked at the logs: reads and exports, refused attempts, and people able to read."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame
from tenants.kinds import ROLE_PERMISSIONS, Permission

LOOKED = """
SELECT e.verb, e.actor_name AS actor, coalesce(e.detail ->> 'purpose', '') AS purpose, count(*) AS looks,
    count(*) FILTER (WHERE NOT e.detail ? 'purpose' AND e.at >= %(asked_since)s) AS without_purpose,
    count(*) FILTER (WHERE NOT e.detail ? 'purpose' AND (e.at >= %(asked_since)s) IS NOT TRUE) AS not_asked,
    min(e.at) AS first_at, max(e.at) AS last_at,
    count(*) FILTER (WHERE e.actor_user_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM tenants_membership m WHERE m.tenant_id = e.tenant_id AND m.user_id = e.actor_user_id
        AND (m.role = ANY(%(roles)s) OR NOT e.verb = ANY(%(logs)s))
        AND m.starts_at <= e.at AND (m.ends_at IS NULL OR m.ends_at > e.at)
        )) AS by_unauthorised_role
FROM tenants_auditentry e
WHERE e.tenant_id = %(tenant)s AND e.leaf_kind = 11 AND e.at >= %(since)s AND e.at < %(until)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
ASKED = """
SELECT min(p.set_at) AS since FROM tenants_purposelist p WHERE p.tenant_id = %(tenant)s AND p.set_at < %(as_of)s
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
COLUMNS = (
    *("verb", "actor", "purpose", "looks", "without_purpose", "not_asked", "first_at", "last_at"),
    "by_unauthorised_role",
)


def measure(frame: Frame) -> KindEvidence:
    """Return the looks at logs and alerts, from the audit trail (leaf kind 0x0B).

    Before the tenant set its purposes nobody was asked for one: such looks leave the number open.
    """
    asked = Asked(frame)
    roles = sorted(role.value for role, rights in ROLE_PERMISSIONS.items() if _reads(rights))
    since = asked.one(ASKED)["since"]
    rows = asked.rows(LOOKED, roles=roles, logs=LOGS, asked_since=since)
    reads, without, not_asked = (sum(row[name] for row in rows) for name in ("looks", "without_purpose", "not_asked"))
    readers = asked.rows(READERS, roles=roles, days=int(frame.params["review_all_days"]))
    metrics = {
        "reads": reads,
        "exports": sum(row["looks"] for row in rows if "export" in row["verb"] or "download" in row["verb"]),
        "without_purpose": None if not_asked and not without else without,
        "by_unauthorised_role": sum(row["by_unauthorised_role"] for row in rows),
        "refused": asked.one(REFUSED)["refused"],
        "readers": len(readers),
        "readers_not_reviewed": sum(not row["reviewed"] for row in readers),
    }
    notes = (
        said(
            "A look has a purpose when who looked stated one of the tenant's purposes that day; an auditor's is their "
            "engagement. Looks from before the tenant set its purposes are not judged: {not_asked}.",
            not_asked=not_asked,
        ),
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
