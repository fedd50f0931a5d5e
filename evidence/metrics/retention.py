"""Measures retention: the oldest record at hand by log type against its term, removals, holds, and evidence records."""

from evidence.catalogue import LOG_TYPES
from evidence.kinds import KindEvidence
from evidence.languages import Said, day, said
from evidence.metrics.frame import Asked, Frame, Row, days_between

SESSION = 7
"""Session activity is kept 90 days by design: it does not shorten the history that the other kinds have."""
DAYS_A_MONTH = 365.25 / 12
LATE_DAYS = 3
"""Removing runs daily; what is past its term for longer than this is overdue."""

BY_TYPE = """
SELECT d.log_type, min(d.day)::timestamp AT TIME ZONE 'UTC' AS oldest_at, sum(d.events)::bigint AS records,
    retention_months(d.log_type) AS kept_months
FROM logs_typeday d WHERE d.tenant_id = %(tenant)s AND d.events > 0 AND d.day < %(end_day)s
GROUP BY d.log_type ORDER BY d.log_type
"""
OVERDUE = """
WITH term AS (
    SELECT kind, retention_cut(kind) - make_interval(days => %(late)s) AS cut FROM generate_series(1, 7) AS kind
)
SELECT e.log_type, count(*) AS events FROM logs_accessevent e JOIN term t ON t.kind = e.log_type
WHERE e.tenant_id = %(tenant)s AND e.received_at < t.cut AND e.received_at < (SELECT max(cut) FROM term)
AND NOT EXISTS (
    SELECT FROM logs_legalhold h WHERE h.tenant_id = %(tenant)s AND h.lifted_at IS NULL
    AND (h.kind = 'tenant' OR (h.kind = 'source' AND h.source_id = e.source_id)
        OR (h.kind = 'person' AND (h.identity_id = e.identity_id OR e.actor_key = ANY (h.actor_keys)
            OR lower(e.target_name) = ANY (h.actor_keys)))))
GROUP BY e.log_type
"""
REMOVALS = """
SELECT count(*) FILTER (WHERE p.announced_at < (p.month + make_interval(months => 1 + r.months)) AT TIME ZONE 'UTC')
        AS early,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM logs_legalhold h WHERE h.tenant_id = p.tenant_id AND (
            (h.set_at <= p.announced_at AND (h.lifted_at IS NULL OR h.lifted_at > p.announced_at)
                AND NOT h.id = ANY (p.holds))
            OR (h.kind = 'tenant' AND p.removed > 0 AND h.set_at <= p.removed_at
                AND (h.lifted_at IS NULL OR h.lifted_at > p.removed_at))))) AS under_hold,
    max(p.removed_at) AS last_at, coalesce(sum(p.removed), 0) AS removed
FROM logs_retentionprune p
LEFT JOIN tenants_auditentry a
    ON a.tenant_id = p.tenant_id AND a.batch_id = p.batch_id AND a.detail ->> 'prune' = p.id::text
CROSS JOIN LATERAL (
    SELECT coalesce(min((rule ->> 'months')::int), 36) AS months FROM jsonb_array_elements(a.detail -> 'rules') AS rule
) AS r
WHERE p.tenant_id = %(tenant)s AND p.announced_at >= %(since)s AND p.announced_at < %(until)s
"""
EVIDENCE = "SELECT min(at) AS oldest_at FROM tenants_auditentry WHERE tenant_id = %(tenant)s"
MAY_DELETE = """
SELECT count(*) AS deletable FROM unnest(%(tables)s::text[]) AS t
WHERE has_table_privilege(current_user, t, 'DELETE') OR has_table_privilege(current_user, t, 'TRUNCATE')
"""
KEPT = ["tenants_auditentry", "reviews_decision", "reviews_signoff", "evidence_controlresult", "evidence_packfile"]
COLUMNS = ("log_type", "oldest_at", "days_at_hand", "records", "kept_days", "over_schedule")


def measure(frame: Frame) -> KindEvidence:
    """Return what is at hand; the days are those of the log type with the shortest history, session activity apart."""
    asked = Asked(frame)
    found = asked.rows(BY_TYPE, end_day=frame.period.end.date())
    overdue = {row["log_type"]: row["events"] for row in asked.rows(OVERDUE, late=LATE_DAYS)}
    rows = [_scheduled(row, frame, overdue) for row in found]
    removals, evidence = asked.one(REMOVALS), asked.one(EVIDENCE)
    deletable = asked.one(MAY_DELETE, tables=KEPT)["deletable"]
    session = LOG_TYPES[SESSION - 1]
    shortest = min((row["days_at_hand"] for row in rows if row["log_type"] != session), default=None)
    metrics = {
        "log_types_held": len(rows),
        "oldest_available_days": shortest,
        "online_days": min((row["days_at_hand"] for row in rows), default=None),
        "purged_early": removals["early"],
        "due_not_purged": sum(overdue.values()),
        "holds_broken": removals["under_hold"],
        "evidence_oldest_days": days_between(evidence["oldest_at"], frame.as_of),
        "evidence_purged_early": deletable,
    }
    notes = (
        _removed(removals),
        said("Evidence records count as purged early when the portal's database role could delete them at all."),
    )
    return asked.answer(
        "retention", metrics, rows, columns=COLUMNS, notes=notes, title=said("Records at hand by log type")
    )


def _removed(removals: Row) -> Said:
    """Say what went in the period."""
    if removals["last_at"] is None:
        return said("Nothing was removed in the period.")
    return said(
        "{removed} events were removed in the period, last on {last}; each removal is a ledger entry.",
        removed=int(removals["removed"]),
        last=day(removals["last_at"]),
    )


def _scheduled(row: Row, frame: Frame, overdue: dict[int, int]) -> Row:
    """Add the days at hand, the term in days, and the events that are past it and were not removed."""
    return {
        **row,
        "log_type": LOG_TYPES[row["log_type"] - 1],
        "days_at_hand": days_between(row["oldest_at"], frame.as_of) or 0.0,
        "kept_days": round(row["kept_months"] * DAYS_A_MONTH),
        "over_schedule": overdue.get(row["log_type"], 0),
    }
