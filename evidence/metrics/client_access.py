"""Measures the client's access: people of the client, packs issued, what they opened, and auditors' requests."""

from datetime import timedelta

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
REQUESTS = """
SELECT r.id, r.asked_at, min(t.at) AS settled_at
FROM evidence_auditrequest r LEFT JOIN evidence_requestentry t ON t.tenant_id = r.tenant_id AND t.request_id = r.id
    AND t.turn IN ('provide', 'withdraw') AND t.at < %(as_of)s
WHERE r.tenant_id = %(tenant)s AND r.asked_at < %(as_of)s
GROUP BY r.tenant_id, r.id HAVING min(t.at) IS NULL OR min(t.at) >= %(since)s ORDER BY r.id
"""
COLUMNS = ("person", "role", "starts_at", "ends_at", "packs_downloaded")


def measure(frame: Frame) -> KindEvidence:
    """Return who of the client or its auditors could look, and how long requests of auditors waited for evidence."""
    asked = Asked(frame)
    rows = asked.rows(PEOPLE)
    limit = timedelta(days=frame.params["request_days"])
    requests = asked.rows(REQUESTS)
    late = [row for row in requests if (row["settled_at"] or frame.as_of) - row["asked_at"] > limit]
    asked.parameters["request_days"] = str(frame.params["request_days"])
    metrics = {
        "client_users": len({row["person"] for row in rows}),
        "packs_issued": asked.one(ISSUED)["issued"],
        "requests": sum(row["asked_at"] >= frame.period.start for row in requests),
        "requests_over_limit": len(late),
    }
    notes = (
        said(
            "Requests are those that auditors ask in their rooms. One waits until evidence is provided or it is "
            "withdrawn; what is asked by other ways is not recorded."
        ),
    )
    return asked.answer(
        "client_access", metrics, rows, columns=COLUMNS, notes=notes, title=said("People of the client")
    )
