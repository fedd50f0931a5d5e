"""Measures the alert rules in force: mandatory ones missing, rules that never fired, mails that were given up."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

SETTINGS = """
SELECT version, failed_on, hours_on, account_threshold, source_threshold, window_minutes, slack_minutes, mail_on,
    created_at, created_by
FROM alerts_alertsettings s
WHERE tenant_id = %(tenant)s AND created_at < %(until)s AND (created_at >= %(since)s OR version = (
    SELECT max(version) FROM alerts_alertsettings b WHERE b.tenant_id = s.tenant_id AND b.created_at < %(since)s))
ORDER BY version
"""
FIRED = """
SELECT count(*) FILTER (WHERE rule IN ('failed_account', 'failed_source')) AS failed,
    count(*) FILTER (WHERE rule = 'out_of_hours') AS hours
FROM alerts_alert WHERE tenant_id = %(tenant)s AND raised_at < %(as_of)s
"""
MAILS = """
SELECT count(*) AS given_up FROM alerts_alertnotice
WHERE tenant_id = %(tenant)s AND state = 'given_up' AND created_at >= %(since)s AND created_at < %(until)s
"""
COLUMNS = (
    *("version", "failed_on", "hours_on", "account_threshold", "source_threshold", "window_minutes", "slack_minutes"),
    *("mail_on", "created_at", "created_by"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the rules in force; without a settings version the defaults hold, all rules on."""
    asked = Asked(frame)
    rows = asked.rows(SETTINGS)
    fired, mails = asked.one(FIRED), asked.one(MAILS)
    now_on = [rows[-1]["failed_on"], rows[-1]["hours_on"]] if rows else [True, True]
    was_off = [any(not row["failed_on"] for row in rows), any(not row["hours_on"] for row in rows)]
    counts = [fired["failed"], fired["hours"]]
    metrics = {
        "enabled": sum(now_on),
        "mandatory_missing": sum(was_off),
        "untested": sum(on and not count for on, count in zip(now_on, counts, strict=True)),
        "disabled_without_approval": None if any(was_off) else 0,
        "delivery_failures": mails["given_up"],
    }
    notes = (
        said("Mandatory are the rules on failed log-ins and on access out of hours; one off at any time is missing."),
        said("A rule counts as tested when it has raised an alert in this tenant."),
    )
    return asked.answer("alert_rules", metrics, rows, columns=COLUMNS, notes=notes, title=said("Alert rules in force"))
