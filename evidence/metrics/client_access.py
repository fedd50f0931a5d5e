"""Measures the client's access: people of the client, packs issued, and what they opened."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

PEOPLE = """
SELECT u.email AS person, m.role, m.starts_at, m.ends_at,
    (SELECT count(*) FROM tenants_auditentry e WHERE e.tenant_id = m.tenant_id AND e.actor_user_id = u.id
        AND e.verb = 'pack.download' AND e.at >= %(since)s AND e.at < %(until)s) AS packs_downloaded
FROM tenants_membership m JOIN tenants_user u ON u.id = m.user_id
WHERE m.tenant_id = %(tenant)s AND m.role IN ('client', 'auditor') AND m.starts_at < %(until)s
    AND (m.ends_at IS NULL OR m.ends_at > %(since)s) ORDER BY u.email, m.role
"""
ISSUED = """
SELECT count(*) AS issued FROM evidence_evidencepack p
WHERE p.tenant_id = %(tenant)s AND p.state = 'issued' AND p.issued_at >= %(since)s AND p.issued_at < %(until)s
"""
COLUMNS = ("person", "role", "starts_at", "ends_at", "packs_downloaded")


def measure(frame: Frame) -> KindEvidence:
    """Return who of the client or its auditors could look; information requests are not recorded, so not measured."""
    asked = Asked(frame)
    rows = asked.rows(PEOPLE)
    metrics = {
        "client_users": len({row["person"] for row in rows}),
        "packs_issued": asked.one(ISSUED)["issued"],
        "requests": None,
        "requests_over_limit": None,
    }
    notes = (said("Information requests of the client are not recorded in the portal yet."),)
    return asked.answer(
        "client_access", metrics, rows, columns=COLUMNS, notes=notes, title=said("People of the client")
    )
