"""Measures retention: the oldest record at hand by log type against its schedule, purges, and evidence records."""

from evidence.catalogue import LOG_TYPES
from evidence.kinds import KindEvidence
from evidence.metrics.frame import Asked, Frame, Row, days_between

BY_TYPE = """
SELECT d.log_type, min(d.day)::timestamp AT TIME ZONE 'UTC' AS oldest_at, sum(d.events) AS records
FROM logs_typeday d WHERE d.tenant_id = %(tenant)s AND d.events > 0 AND d.day < %(end_day)s
GROUP BY d.log_type ORDER BY d.log_type
"""
EVIDENCE = """
SELECT min(at) AS oldest_at, count(*) FILTER (WHERE verb LIKE 'retention.%%' AND at >= %(since)s AND at < %(until)s)
    AS purges FROM tenants_auditentry WHERE tenant_id = %(tenant)s
"""
MAY_DELETE = """
SELECT count(*) AS deletable FROM unnest(%(tables)s::text[]) AS t
WHERE has_table_privilege(current_user, t, 'DELETE') OR has_table_privilege(current_user, t, 'TRUNCATE')
"""
KEPT = ["tenants_auditentry", "reviews_decision", "reviews_signoff", "evidence_controlresult", "evidence_packfile"]
COLUMNS = ("log_type", "oldest_at", "days_at_hand", "records", "kept_days", "over_schedule")


def measure(frame: Frame) -> KindEvidence:
    """Return what is at hand; the days are those of the log type with the shortest history."""
    asked = Asked(frame)
    rows = [_scheduled(row, frame) for row in asked.rows(BY_TYPE, end_day=frame.period.end.date())]
    evidence = asked.one(EVIDENCE)
    deletable = asked.one(MAY_DELETE, tables=KEPT)["deletable"]
    shortest = min((row["days_at_hand"] for row in rows), default=None)
    metrics = {
        "log_types_held": len(rows),
        "oldest_available_days": shortest,
        "online_days": shortest,
        "purged_early": evidence["purges"],
        "due_not_purged": sum(row["over_schedule"] for row in rows),
        "holds_broken": 0,
        "evidence_oldest_days": days_between(evidence["oldest_at"], frame.as_of),
        "evidence_purged_early": deletable,
    }
    notes = (
        "No purge and no legal hold exists in this version: nothing was purged early and no hold could be broken.",
        "Evidence records count as purged early when the portal's database role could delete them at all.",
    )
    return asked.answer("retention", metrics, rows, columns=COLUMNS, notes=notes, title="Records at hand by log type")


def _scheduled(row: Row, frame: Frame) -> Row:
    """Add the days at hand and the schedule of the log type."""
    name = LOG_TYPES[row["log_type"] - 1]
    schedule = {
        "application": "data_retention_days",
        "database": "data_retention_days",
        "session": "session_retention_days",
    }
    kept = frame.params[schedule.get(name, "login_retention_days")]
    days = days_between(row["oldest_at"], frame.as_of) or 0.0
    return {**row, "log_type": name, "days_at_hand": days, "kept_days": kept, "over_schedule": days > kept + 31}
