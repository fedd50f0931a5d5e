"""Measures what became of revocations: carried out in time, verified by a later snapshot, and used afterwards."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, ratio

REMEDIATIONS = """
SELECT r.id, c.name AS campaign, i.n AS item, s.key AS system, a.name AS account, e.key AS entitlement, o.name AS owner,
    d.outcome, r.state, r.created_at, r.due_at, r.ticket, r.claimed_at, r.claimed_by, r.verified_at,
    n.captured_at AS verified_by_snapshot_at, r.accepted_until, r.accepted_reason, r.accepted_by, r.reopened,
    (SELECT p.asked_by FROM reviews_risksignature g JOIN reviews_riskproposal p ON p.tenant_id = g.tenant_id
        AND p.id = g.proposal_id WHERE g.tenant_id = r.tenant_id AND g.remediation_id = r.id
        ORDER BY g.id DESC LIMIT 1) AS risk_asked_by,
    EXISTS (SELECT 1 FROM reviews_finding f WHERE f.tenant_id = r.tenant_id AND f.item_id = r.item_id
        AND f.kind = 'use_after_revocation' AND f.found_at < %(as_of)s) AS used_afterwards
FROM reviews_remediation r
JOIN reviews_campaign c ON c.tenant_id = r.tenant_id AND c.id = r.campaign_id
JOIN reviews_decision d ON d.tenant_id = r.tenant_id AND d.id = r.decision_id
JOIN reviews_reviewitem i ON i.tenant_id = r.tenant_id AND i.id = r.item_id
JOIN identities_system s ON s.tenant_id = i.tenant_id AND s.id = i.system_id
JOIN identities_account a ON a.tenant_id = i.tenant_id AND a.id = i.account_id
JOIN identities_entitlement e ON e.tenant_id = i.tenant_id AND e.id = i.entitlement_id
LEFT JOIN identities_identity o ON o.tenant_id = r.tenant_id AND o.id = r.owner_id
LEFT JOIN identities_snapshot n ON n.tenant_id = r.tenant_id AND n.id = r.verified_snapshot_id
WHERE r.tenant_id = %(tenant)s AND r.created_at < %(until)s
    AND (r.created_at >= %(since)s OR r.verified_at >= %(since)s OR r.state NOT IN ('verified'))
    AND NOT EXISTS (SELECT 1 FROM reviews_decision l WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id
        AND l.decided_at < %(as_of)s)
ORDER BY r.created_at, r.id
"""
COLUMNS = (
    *("id", "campaign", "item", "system", "account", "entitlement", "owner", "outcome", "state", "created_at"),
    "due_at",
    *("ticket", "claimed_at", "claimed_by", "verified_at", "verified_by_snapshot_at", "accepted_until"),
    *("accepted_reason", "risk_asked_by", "accepted_by", "used_afterwards"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the revocations' evidence: carried out means verified, since a closed ticket alone proves nothing."""
    asked = Asked(frame)
    rows = asked.rows(REMEDIATIONS)
    verified = [row for row in rows if row["verified_at"] is not None and row["verified_at"] < frame.as_of]
    in_limit = [row for row in rows if row["claimed_at"] and row["claimed_at"] <= row["due_at"]]
    late = [row for row in rows if not _is_settled(row, frame) and row["due_at"] < frame.as_of]
    metrics = {
        "decided": len(rows),
        "executed_in_limit_ratio": ratio(len(in_limit), len(rows)),
        "verified_ratio": ratio(len(verified), len(rows)),
        "unverified_over_limit": len(late),
        "activity_after_revocation": sum(row["used_afterwards"] for row in rows),
    }
    notes = (
        said("A revocation whose decision was replaced, before its signature or after a reopening, is not counted."),
    )
    title = said("Revocations and their verification")
    return asked.answer("revocations", metrics, rows, columns=COLUMNS, notes=notes, title=title)


def _is_settled(row: Row, frame: Frame) -> bool:
    """Return whether a revocation is verified, or its risk accepted by two people and not over yet."""
    accepted = row["state"] == "risk_accepted" and row["accepted_until"] and row["accepted_until"] > frame.as_of
    return row["state"] == "verified" or bool(accepted)
