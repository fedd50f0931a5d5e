"""Measures access to client data stores: by accounts with and without an approved right, and bulk reads."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame

BULK_ROWS = 10_000
BY_ACTOR = """
WITH bulk AS (
    SELECT DISTINCT d.day FROM logs_usageday d WHERE d.tenant_id = %(tenant)s AND d.log_type IN (2, 3)
        AND d.day >= %(first)s AND d.day < %(end)s AND d.rows_count >= %(bulk)s
), looked AS (
    SELECT v.event_received_at AS received_at, v.event_id AS id FROM alerts_alertevent v
    JOIN alerts_alert a ON a.tenant_id = v.tenant_id AND a.id = v.alert_id
    WHERE v.tenant_id = %(tenant)s AND (v.occurred_at AT TIME ZONE 'UTC')::date IN (SELECT day FROM bulk)
        AND least(a.acknowledged_at, a.closed_at) < %(as_of)s
    UNION
    SELECT timestamptz 'epoch' + split_part(i.event_key, '-', 1)::bigint * interval '1 microsecond',
        split_part(i.event_key, '-', 2)::bigint
    FROM reviews_logitem i JOIN reviews_disposition p ON p.tenant_id = i.tenant_id AND p.item_id = i.id
    WHERE i.tenant_id = %(tenant)s AND i.event_key <> '' AND p.disposed_at < %(as_of)s
        AND (i.since AT TIME ZONE 'UTC')::date IN (SELECT day FROM bulk)
), reviewed AS (
    SELECT DISTINCT coalesce(e.system_id, 0) AS system_id, e.actor_key, (e.occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM looked l JOIN logs_accessevent e ON e.tenant_id = %(tenant)s AND e.received_at = l.received_at AND e.id = l.id
    WHERE e.log_type IN (2, 3)
)
SELECT coalesce(s.key, '') AS system, d.actor_key AS account, sum(d.ok_count) AS accesses,
    sum(d.denied_count) AS denied, sum(d.rows_count) AS rows_read, min(d.day) AS first_day, max(d.day) AS last_day,
    count(DISTINCT d.day) AS days, count(DISTINCT d.day) FILTER (WHERE d.rows_count >= %(bulk)s) AS bulk_days,
    count(DISTINCT d.day) FILTER (WHERE d.rows_count >= %(bulk)s AND v.day IS NULL) AS bulk_days_unreviewed,
    NOT EXISTS (SELECT 1 FROM identities_account a JOIN identities_grant g ON g.tenant_id = a.tenant_id
        AND g.account_id = a.id WHERE a.tenant_id = %(tenant)s AND a.system_id = d.system_id
        AND a.name_key = d.actor_key AND g.since < max(d.day) + 1 AND (g.until IS NULL OR g.until >= min(d.day))
        ) AS without_right
FROM logs_usageday d LEFT JOIN identities_system s ON s.tenant_id = d.tenant_id AND s.id = d.system_id
LEFT JOIN reviewed v ON v.system_id = d.system_id AND v.actor_key = d.actor_key AND v.day = d.day
WHERE d.tenant_id = %(tenant)s AND d.log_type IN (2, 3) AND d.day >= %(first)s AND d.day < %(end)s
GROUP BY s.key, d.system_id, d.actor_key ORDER BY 1, 2
"""
COLUMNS = (
    *("system", "account", "accesses", "denied", "rows_read", "first_day", "last_day", "days", "bulk_days"),
    *("bulk_days_unreviewed", "without_right"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return database and application access by account over the period's UTC days.

    A right is any grant on the system that the register held at some time between the first and the last access.
    """
    asked = Asked(frame)
    days = {"first": frame.period.start.date(), "end": frame.period.end.date()}
    rows = asked.rows(BY_ACTOR, bulk=BULK_ROWS, **days)
    metrics = {
        "events": sum(row["accesses"] + row["denied"] for row in rows),
        "by_unapproved_accounts": sum(row["without_right"] and row["accesses"] > 0 for row in rows),
        "bulk_reads": sum(row["bulk_days"] for row in rows),
        "bulk_reads_unreviewed": sum(row["bulk_days_unreviewed"] for row in rows),
    }
    notes = (
        said(
            "A bulk read is a day on which an account read {rows} rows or more on one system by one action.",
            rows=BULK_ROWS,
        ),
        said(
            "It counts as reviewed when an access of that account, system and day stood behind an alert that a person "
            "acknowledged or closed, or was drawn into a log review and judged there."
        ),
    )
    return asked.answer(
        "data_access", metrics, rows, columns=COLUMNS, notes=notes, title=said("Access to data by account")
    )
