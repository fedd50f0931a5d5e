"""Measures alerts: raised, acknowledged inside their severity's limit, open too long, closed without a reason."""

from alerts.kinds import Rule, Severity
from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, ratio

LIMIT_HOURS = {5: 1, 4: 4, 3: 24, 2: 72}
ALERTS = """
SELECT a.id, a.rule, a.severity, a.state, a.subject, s.key AS system, a.source_ip, a.attempts, a.event_count,
    a.first_at, a.last_at, a.raised_at, a.acknowledged_at, u.name AS acknowledged_by, a.closed_at, c.name AS closed_by,
    a.close_reason, a.close_note
FROM alerts_alert a
LEFT JOIN identities_system s ON s.tenant_id = a.tenant_id AND s.id = a.system_id
LEFT JOIN tenants_user u ON u.id = a.acknowledged_by_id LEFT JOIN tenants_user c ON c.id = a.closed_by_id
WHERE a.tenant_id = %(tenant)s AND a.raised_at >= %(since)s AND a.raised_at < %(until)s ORDER BY a.raised_at, a.id
"""
COLUMNS = (
    *(
        "id",
        "rule",
        "rule_word",
        "severity",
        "severity_word",
        "state",
        "subject",
        "system",
        "source_ip",
        "attempts",
        "event_count",
        "first_at",
    ),
    *("last_at", "raised_at", "acknowledged_at", "acknowledged_by", "closed_at", "closed_by", "close_reason"),
    *("close_note", "minutes_to_acknowledge", "in_limit"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the alerts raised in the period; one closed without being acknowledged was seen at its closing."""
    asked = Asked(frame)
    rows = [_timed(row, frame) for row in asked.rows(ALERTS)]
    asked.parameters["limit_hours_by_severity"] = ", ".join(f"{key}: {value}" for key, value in LIMIT_HOURS.items())
    seen = sorted(row["minutes_to_acknowledge"] for row in rows if row["minutes_to_acknowledge"] is not None)
    late = [row for row in rows if row["in_limit"] is False]
    metrics = {
        "raised": len(rows),
        "acknowledged": len(seen),
        "ack_within_limit_ratio": ratio(len(rows) - len(late), len(rows)),
        "ack_p95_minutes": seen[min(len(seen) - 1, int(0.95 * len(seen)))] if seen else None,
        "open_over_limit": sum(row["minutes_to_acknowledge"] is None for row in late),
        "closed_without_reason": sum(bool(row["closed_at"]) and not row["close_reason"] for row in rows),
    }
    notes = (said("An alert that is still inside its limit and not acknowledged counts as inside the limit."),)
    return asked.answer("alerts", metrics, rows, columns=COLUMNS, notes=notes, title=said("Alerts"))


def _timed(row: Row, frame: Frame) -> Row:
    """Add how long the alert waited for a person, and whether that was inside its severity's limit."""
    first = min((at for at in (row["acknowledged_at"], row["closed_at"]) if at), default=None)
    if first is not None and first >= frame.now:
        first = None
    waited = ((first or frame.now) - row["raised_at"]).total_seconds() / 60
    limit = LIMIT_HOURS.get(row["severity"], 24) * 60
    word = Severity(row["severity"]).label if row["severity"] in set(Severity) else str(row["severity"])
    return {
        **row,
        "severity_word": word,
        "rule_word": Rule(row["rule"]).label if row["rule"] in set(Rule) else row["rule"],
        "minutes_to_acknowledge": waited if first else None,
        "in_limit": waited <= limit,
    }
