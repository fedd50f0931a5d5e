"""Measures remote access: sessions and out-of-hours use by account, and whether an alert about it was looked at."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

BY_ACCOUNT = """
WITH reviewed AS (
    SELECT DISTINCT lower(a.account_name) AS account, generate_series(
        (a.first_at AT TIME ZONE 'UTC')::date, (a.last_at AT TIME ZONE 'UTC')::date, interval '1 day')::date AS day
    FROM alerts_alert a WHERE a.tenant_id = %(tenant)s AND a.rule = 'out_of_hours'
        AND least(a.acknowledged_at, a.closed_at) < %(as_of)s AND a.last_at >= %(since)s AND a.first_at < %(until)s
)
SELECT s.name AS source, e.actor_key AS account, count(*) AS sessions, count(DISTINCT e.src_ip) AS addresses,
    count(*) FILTER (WHERE e.out_of_hours) AS out_of_hours,
    count(*) FILTER (WHERE e.out_of_hours AND v.day IS NULL) AS out_of_hours_unreviewed,
    min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at
FROM logs_currentevent e JOIN logs_logsource s ON s.tenant_id = e.tenant_id AND s.id = e.source_id
LEFT JOIN reviewed v ON v.account = e.actor_key AND v.day = (e.occurred_at AT TIME ZONE 'UTC')::date
WHERE e.tenant_id = %(tenant)s AND e.log_type = 4 AND e.status_id = 1
    AND NOT (e.class_uid = 4014 AND e.activity_id IN (2, 3))
    AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.received_at >= %(since)s::timestamptz - interval '120 seconds'
GROUP BY s.name, e.actor_key ORDER BY s.name, e.actor_key
"""
COLUMNS = (
    "source",
    "account",
    "sessions",
    "addresses",
    "out_of_hours",
    "out_of_hours_unreviewed",
    "first_at",
    "last_at",
)


def measure(frame: Frame) -> KindEvidence:
    """Return remote access, a session where it opens; approved places and third parties' windows are not recorded."""
    asked = Asked(frame)
    rows = asked.rows(BY_ACCOUNT)
    sessions = sum(row["sessions"] for row in rows)
    metrics = {
        "sessions": sessions,
        "unapproved_place": None if sessions else 0,
        "out_of_hours": sum(row["out_of_hours"] for row in rows),
        "out_of_hours_unreviewed": sum(row["out_of_hours_unreviewed"] for row in rows),
        "third_party_outside_window": None if sessions else 0,
    }
    notes = (
        said("No list of approved places or third parties' windows is kept: those two numbers are not measured."),
        said(
            "A session out of hours counts as reviewed when an alert about that account and day (UTC) was acknowledged "
            "or closed by a person."
        ),
    )
    return asked.answer(
        "remote_access", metrics, rows, columns=COLUMNS, notes=notes, title=said("Remote access by account")
    )
