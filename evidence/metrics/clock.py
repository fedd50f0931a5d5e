"""Measures clocks: records whose time was ahead of their receipt by more than the limit, and sources without a zone."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

BY_SOURCE = """
SELECT s.name AS source, count(*) AS records, count(*) FILTER (WHERE e.clock_quality >= 5
        OR e.occurred_at > e.received_at + make_interval(secs => %(skew)s)) AS ahead_of_receipt,
    count(*) FILTER (WHERE e.clock_quality <= 2) AS zone_known_or_set,
    count(*) FILTER (WHERE e.clock_quality = 4) AS year_inferred,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.received_at - e.occurred_at))
        AS median_delay_seconds
FROM logs_currentevent e JOIN logs_logsource s ON s.tenant_id = e.tenant_id AND s.id = e.source_id
WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.received_at >= %(since)s::timestamptz - interval '120 seconds'
GROUP BY s.name ORDER BY s.name
"""
COLUMNS = ("source", "records", "ahead_of_receipt", "zone_known_or_set", "year_inferred", "median_delay_seconds")


def measure(frame: Frame) -> KindEvidence:
    """Return clock quality by source: a time after its receipt by more than the limit, or clamped at intake (120 s)."""
    asked = Asked(frame)
    rows = asked.rows(BY_SOURCE, skew=frame.params["skew_seconds"])
    metrics = {
        "sources": len(rows),
        "over_limit": sum(row["ahead_of_receipt"] > 0 for row in rows),
        "unknown": sum(row["year_inferred"] == row["records"] for row in rows),
    }
    notes = (
        said(
            "A clock that is behind cannot be told from late delivery: only times ahead of their receipt are counted."
        ),
        said(
            "At intake a time more than 120 seconds ahead is replaced by its receipt: it counts under any limit, also "
            "under a looser one."
        ),
    )
    return asked.answer("clock", metrics, rows, columns=COLUMNS, notes=notes, title=said("Clock quality by source"))
