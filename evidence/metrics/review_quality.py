"""Measures how reviews were done: independence, bulk decisions, time per item, and who carried decisions out."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, ratio

BY_REVIEWER = """
SELECT c.name AS campaign, p.name AS reviewer, count(*) AS decisions,
    count(*) FILTER (WHERE d.outcome = 'certify' AND l.id IS NULL) AS kept,
    count(*) FILTER (WHERE d.outcome = 'certify' AND l.id IS NULL AND d.bulk IS NOT NULL) AS kept_in_bulk,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seen_seconds) FILTER (WHERE d.bulk IS NULL) AS median_seconds,
    count(*) FILTER (WHERE d.reviewer_id = d.subject_key) AS self_reviews,
    count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = d.tenant_id
        AND a.item_id = d.item_id AND a.stage = d.stage AND a.reviewer_id = d.reviewer_id
        AND a.since <= d.decided_at AND (a.until IS NULL OR a.until > d.decided_at))) AS without_assignment,
    (SELECT count(*) FROM reviews_remediation r JOIN reviews_decision o ON o.tenant_id = r.tenant_id
        AND o.id = r.decision_id WHERE r.tenant_id = d.tenant_id AND o.campaign_id = d.campaign_id
        AND o.reviewer_id = d.reviewer_id AND r.executor_id = o.reviewer_id) AS carried_out_by_reviewer
FROM reviews_decision d JOIN identities_identity p ON p.tenant_id = d.tenant_id AND p.id = d.reviewer_id
JOIN reviews_campaign c ON c.tenant_id = d.tenant_id AND c.id = d.campaign_id
LEFT JOIN reviews_decision l ON l.tenant_id = d.tenant_id AND l.supersedes_id = d.id
WHERE d.tenant_id = %(tenant)s AND d.decided_at >= %(since)s AND d.decided_at < %(until)s
GROUP BY d.tenant_id, d.campaign_id, c.name, d.reviewer_id, p.name ORDER BY d.campaign_id, p.name, d.reviewer_id
"""
OVERALL = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seen_seconds) FILTER (WHERE d.bulk IS NULL) AS median_seconds
FROM reviews_decision d
WHERE d.tenant_id = %(tenant)s AND d.reviewer_id IS NOT NULL AND d.decided_at >= %(since)s AND d.decided_at < %(until)s
"""
COLUMNS = (
    *("campaign", "reviewer", "decisions", "kept", "kept_in_bulk", "median_seconds"),
    *("self_reviews", "without_assignment", "carried_out_by_reviewer"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the reviews' quality; seconds are those that an item was open on the reviewer's screen.

    Every decision counts, but what was changed or undone later counts as kept no more.
    """
    asked = Asked(frame)
    rows = asked.rows(BY_REVIEWER)
    metrics = {
        "decisions": sum(row["decisions"] for row in rows),
        "self_reviews": sum(row["self_reviews"] for row in rows),
        "reviewer_without_authority": sum(row["without_assignment"] for row in rows),
        "bulk_kept_ratio": ratio(sum(row["kept_in_bulk"] for row in rows), sum(row["kept"] for row in rows)),
        "median_seconds_per_item": asked.one(OVERALL)["median_seconds"],
        "decided_and_executed_by_same": sum(row["carried_out_by_reviewer"] for row in rows),
    }
    if metrics["decisions"] and metrics["bulk_kept_ratio"] is None:
        metrics["bulk_kept_ratio"] = 0.0
    return asked.answer("review_quality", metrics, rows, columns=COLUMNS, title=said("Review quality by reviewer"))
