"""Measures the review population: newest snapshot of each system, its completeness, and exclusions."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, days_between, ratio

SYSTEMS = """
SELECT s.key AS system, s.name, n.captured_at, n.recorded_at, n.delivered_by, n.source_total, n.row_total,
    n.source_total - coalesce(n.record_total, n.row_total) AS difference, n.complete, n.filters, n.digest, n.raw_sha256,
    (SELECT count(*) FROM identities_snapshotrow r WHERE r.tenant_id = n.tenant_id AND r.snapshot_id = n.id
        AND r.identity_id IS NULL) AS rows_without_person,
    (SELECT count(*) FROM identities_snapshot c WHERE c.tenant_id = s.tenant_id AND c.system_id = s.id AND c.complete
        AND c.captured_at >= %(since)s AND c.captured_at < %(until)s) AS complete_in_period,
    (SELECT count(*) FROM identities_snapshot c WHERE c.tenant_id = s.tenant_id AND c.system_id = s.id
        AND c.captured_at >= %(since)s AND c.captured_at < %(until)s) AS snapshots_in_period
FROM identities_system s LEFT JOIN LATERAL (
    SELECT * FROM identities_snapshot n WHERE n.tenant_id = s.tenant_id AND n.system_id = s.id
        AND n.captured_at < %(until)s ORDER BY n.captured_at DESC, n.id DESC LIMIT 1
) n ON true
WHERE s.tenant_id = %(tenant)s ORDER BY s.key
"""
EXCLUDED = """
SELECT count(*) FILTER (WHERE length(trim(e.reason)) < 10) AS without_reason
FROM reviews_exclusion e JOIN reviews_campaign c ON c.tenant_id = e.tenant_id AND c.id = e.campaign_id
WHERE e.tenant_id = %(tenant)s AND c.opened_at >= %(since)s AND c.opened_at < %(until)s
"""
COLUMNS = (
    *("system", "name", "captured_at", "recorded_at", "delivered_by", "source_total", "row_total", "difference"),
    *("complete", "rows_without_person", "snapshots_in_period", "filters", "digest", "raw_sha256"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the population's evidence; the age counts from the capture of the oldest of the newest snapshots."""
    asked = Asked(frame)
    rows = asked.rows(SYSTEMS)
    excluded = asked.one(EXCLUDED)
    held = [row for row in rows if row["captured_at"] is not None]
    total = sum(row["row_total"] for row in held)
    ages = [days_between(row["captured_at"], frame.as_of) or 0.0 for row in held]
    metrics = {
        "snapshots": sum(row["snapshots_in_period"] for row in rows),
        "systems_in_scope": len(rows),
        "systems_without_snapshot": sum(row["complete_in_period"] == 0 for row in rows),
        "unreconciled_difference": sum(abs(row["difference"]) for row in held),
        "excluded_without_reason": excluded["without_reason"],
        "snapshot_age_days_max": max(ages) if ages and len(held) == len(rows) else None,
        "unknown_ratio": ratio(sum(row["rows_without_person"] for row in held), total),
    }
    return asked.answer("population", metrics, rows, columns=COLUMNS, title=said("Population by system"))
