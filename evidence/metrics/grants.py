"""Measures access granted in the period, as snapshots show it, against what says who approved it and when."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

GRANTED = """
SELECT s.key AS system, a.name AS account, p.name AS person, e.key AS entitlement, e.privileged, g.since, g.until,
    g.granted_by, g.approved_by, g.approved_at, g.origin, b.captured_at AS not_yet_at,
    n.captured_at AS first_snapshot_at,
    EXISTS (SELECT FROM unnest(ARRAY[g.granted_by, g.approved_by]) AS who (name) WHERE who.name <> ''
        AND lower(who.name) IN (a.name_key, lower(coalesce(p.name, '')), lower(coalesce(p.email, '')))) AS by_grantee,
    g.approved_at > g.since AND NOT (g.since = date_trunc('day', g.since, 'UTC')
        AND g.since = date_trunc('day', g.approved_at, 'UTC')) AS approved_later,
    g.approved_at IS NULL OR (g.since = n.captured_at AND g.approved_at > b.captured_at) AS order_unknown
FROM identities_grant g
JOIN identities_account a ON a.tenant_id = g.tenant_id AND a.id = g.account_id
JOIN identities_entitlement e ON e.tenant_id = g.tenant_id AND e.id = g.entitlement_id
JOIN identities_system s ON s.tenant_id = e.tenant_id AND s.id = e.system_id
JOIN identities_snapshot n ON n.tenant_id = g.tenant_id AND n.id = g.first_snapshot_id
LEFT JOIN identities_identity p ON p.tenant_id = a.tenant_id AND p.id = a.identity_id
JOIN LATERAL (
    SELECT max(o.captured_at) AS captured_at FROM identities_snapshot o WHERE o.tenant_id = n.tenant_id
        AND o.system_id = n.system_id AND o.complete AND o.captured_at < n.captured_at
) b ON b.captured_at IS NOT NULL
WHERE g.tenant_id = %(tenant)s AND g.since >= %(since)s AND g.since < %(until)s
ORDER BY g.since, g.id
"""
COLUMNS = (
    *("system", "account", "person", "entitlement", "privileged", "since", "until", "granted_by"),
    *("approved_by", "approved_at", "origin", "not_yet_at", "first_snapshot_at", "by_grantee", "approved_later"),
    "order_unknown",
)


def measure(frame: Frame) -> KindEvidence:
    """Return the grants' evidence; what the first snapshot of a system lists was there before and is no new grant.

    Where the system does not say when it granted, the grant came after the complete list that did not have it yet: an
    approval before that list was before the grant, and of a later one the order is not known.
    """
    asked = Asked(frame)
    rows = asked.rows(GRANTED)
    later, unknown = (sum(bool(row[name]) for row in rows) for name in ("approved_later", "order_unknown"))
    metrics = {
        "granted": len(rows),
        "without_approval": sum(not row["origin"].strip() and row["approved_at"] is None for row in rows),
        "approved_after_grant": None if unknown and not later else later,
        "approved_by_grantee": sum(row["by_grantee"] for row in rows),
    }
    notes = (
        said("A grant counts as approved when the system's list names its request or ticket, or when it was approved."),
        said(
            "Grants of which it is not known whether the approval came before: {unknown}. A grant that the list dates "
            "by the day alone may be approved on that day.",
            unknown=unknown,
        ),
    )
    return asked.answer("grants", metrics, rows, columns=COLUMNS, notes=notes, title=said("New access in the period"))
