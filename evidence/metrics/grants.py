"""Measures access granted in the period, as snapshots show it, against what says who approved it."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

GRANTED = """
SELECT s.key AS system, a.name AS account, p.name AS person, e.key AS entitlement, e.privileged, g.since, g.until,
    g.granted_by, g.origin, n.captured_at AS first_snapshot_at,
    (g.granted_by <> '' AND lower(g.granted_by) IN (a.name_key, lower(coalesce(p.name, '')),
        lower(coalesce(p.email, '')))) AS by_grantee
FROM identities_grant g
JOIN identities_account a ON a.tenant_id = g.tenant_id AND a.id = g.account_id
JOIN identities_entitlement e ON e.tenant_id = g.tenant_id AND e.id = g.entitlement_id
JOIN identities_system s ON s.tenant_id = e.tenant_id AND s.id = e.system_id
JOIN identities_snapshot n ON n.tenant_id = g.tenant_id AND n.id = g.first_snapshot_id
LEFT JOIN identities_identity p ON p.tenant_id = a.tenant_id AND p.id = a.identity_id
WHERE g.tenant_id = %(tenant)s AND g.since >= %(since)s AND g.since < %(until)s
    AND EXISTS (SELECT 1 FROM identities_snapshot b WHERE b.tenant_id = n.tenant_id AND b.system_id = n.system_id
        AND b.complete AND b.captured_at < n.captured_at)
ORDER BY g.since, g.id
"""
COLUMNS = (
    *("system", "account", "person", "entitlement", "privileged", "since", "until", "granted_by", "origin"),
    *("first_snapshot_at", "by_grantee"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the grants' evidence; what the first snapshot of a system lists was there before and is no new grant."""
    asked = Asked(frame)
    rows = asked.rows(GRANTED)
    metrics = {
        "granted": len(rows),
        "without_approval": sum(not row["origin"].strip() for row in rows),
        "approved_after_grant": None if rows else 0,
        "approved_by_grantee": sum(row["by_grantee"] for row in rows),
    }
    notes = (
        said("A grant counts as approved when the system's list names its request or ticket (origin)."),
        said("The time of an approval is not delivered by any system yet: approved_after_grant is not measured."),
    )
    return asked.answer("grants", metrics, rows, columns=COLUMNS, notes=notes, title=said("New access in the period"))
