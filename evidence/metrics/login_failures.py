"""Measures failed log-ins: attempts, accounts over the lock-out threshold within an hour, and successes right after."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, ratio

TOTALS = """
SELECT coalesce(sum(repeat_count), 0) AS attempts,
    coalesce(sum(repeat_count) FILTER (WHERE status_id = 2), 0) AS failures
FROM logs_currentevent
WHERE tenant_id = %(tenant)s AND log_type IN (1, 6) AND occurred_at >= %(since)s AND occurred_at < %(until)s
    AND received_at >= %(since)s::timestamptz - interval '120 seconds'
"""
BURSTS = """
WITH failed AS (
    SELECT system_id, source_id, actor_key, date_trunc('hour', occurred_at) AS hour, sum(repeat_count) AS failures,
        count(DISTINCT src_ip) AS addresses, bool_or(status_detail = 'locked') AS locked, max(occurred_at) AS last_at
    FROM logs_currentevent
    WHERE tenant_id = %(tenant)s AND log_type IN (1, 6) AND status_id = 2 AND actor_key <> ''
        AND occurred_at >= %(since)s AND occurred_at < %(until)s
        AND received_at >= %(since)s::timestamptz - interval '120 seconds'
    GROUP BY 1, 2, 3, 4 HAVING sum(repeat_count) >= %(threshold)s
)
SELECT s.name AS source, f.actor_key AS account, f.hour, f.failures, f.addresses, f.locked, f.last_at,
    (SELECT min(e.occurred_at) FROM logs_currentevent e WHERE e.tenant_id = %(tenant)s AND e.actor_key = f.actor_key
        AND e.source_id = f.source_id AND e.log_type IN (1, 4) AND e.status_id = 1 AND e.occurred_at >= f.last_at
        AND NOT (e.class_uid = 4014 AND e.activity_id IN (2, 3))
        AND e.occurred_at < f.last_at + interval '30 minutes'
        AND e.received_at >= f.last_at - interval '120 seconds') AS success_at,
    EXISTS (SELECT 1 FROM alerts_alert a WHERE a.tenant_id = %(tenant)s AND lower(a.account_name) = f.actor_key
        AND a.rule = 'failed_account' AND least(a.acknowledged_at, a.closed_at) < %(as_of)s AND a.first_at <= f.last_at
        AND a.last_at >= f.hour) AS reviewed
FROM failed f JOIN logs_logsource s ON s.tenant_id = %(tenant)s AND s.id = f.source_id
ORDER BY f.hour, f.actor_key, s.name
"""
COLUMNS = ("source", "account", "hour", "failures", "addresses", "locked", "last_at", "success_at", "reviewed")


def measure(frame: Frame) -> KindEvidence:
    """Return failed log-ins; a burst is `lockout_attempts` failures of an account on a source in one UTC hour."""
    asked = Asked(frame)
    totals = asked.one(TOTALS)
    rows = asked.rows(BURSTS, threshold=int(frame.params["lockout_attempts"]))
    after = [row for row in rows if row["success_at"] is not None]
    metrics = {
        "attempts": totals["attempts"],
        "failures": totals["failures"],
        "failure_ratio": ratio(float(totals["failures"]), float(totals["attempts"])),
        "accounts_over_threshold": len({(row["source"], row["account"]) for row in rows}),
        "not_locked_out": sum(not row["locked"] and row["failures"] > frame.params["lockout_attempts"] for row in rows),
        "success_after_burst": len(after),
        "success_after_burst_unreviewed": sum(not row["reviewed"] for row in after),
    }
    notes = (
        said("An account counts as locked when a refusal in the same hour says so; an unlogged lock is not seen."),
        said("A success after a burst counts as reviewed when an alert about the account was acknowledged or closed."),
    )
    return asked.answer(
        "login_failures", metrics, rows, columns=COLUMNS, notes=notes, title=said("Bursts of failed log-ins")
    )
