"""Measures remote access by account: sessions out of hours, from elsewhere, or outside a third party's term."""

from datetime import UTC, datetime, time

from evidence.kinds import KindEvidence
from evidence.languages import Said, day, joined, said
from evidence.metrics.frame import Asked, Frame, Row

BY_ACCOUNT = """
WITH reviewed AS (
    SELECT DISTINCT lower(a.account_name) AS account, generate_series(
        (a.first_at AT TIME ZONE 'UTC')::date, (a.last_at AT TIME ZONE 'UTC')::date, interval '1 day')::date AS day
    FROM alerts_alert a WHERE a.tenant_id = %(tenant)s AND a.rule = 'out_of_hours'
        AND least(a.acknowledged_at, a.closed_at) < %(as_of)s AND a.last_at >= %(since)s AND a.first_at < %(until)s
), alerted AS (
    SELECT x.source_id, x.actor_key, x.src_ip, x.occurred_at, bool_and(a.closed_at IS NOT NULL
        AND a.closed_at < %(as_of)s) AS closed
    FROM alerts_alertevent v JOIN alerts_alert a ON a.tenant_id = v.tenant_id AND a.id = v.alert_id
    JOIN logs_accessevent x ON x.tenant_id = v.tenant_id AND x.received_at = v.event_received_at AND x.id = v.event_id
    WHERE v.tenant_id = %(tenant)s AND v.rule = 'elsewhere' AND v.occurred_at >= %(since)s AND v.occurred_at < %(until)s
    GROUP BY 1, 2, 3, 4
), judged AS (
    SELECT e.source_id, e.actor_key, e.src_ip, e.occurred_at, e.out_of_hours, v.day IS NOT NULL AS seen, c.covered,
        w.closed, p.id IS NOT NULL AND p.employed_until IS NULL AS no_term,
        (e.occurred_at AT TIME ZONE %(zone)s)::date NOT BETWEEN coalesce(p.employed_from, '-infinity')
            AND p.employed_until AS out_of_term
    FROM logs_currentevent e
    LEFT JOIN reviewed v ON v.account = e.actor_key AND v.day = (e.occurred_at AT TIME ZONE 'UTC')::date
    LEFT JOIN alerted w ON w.source_id = e.source_id AND w.actor_key = e.actor_key AND w.src_ip = e.src_ip
        AND w.occurred_at = e.occurred_at
    LEFT JOIN identities_identity p ON p.tenant_id = %(tenant)s AND p.id = e.identity_id
        AND p.kind IN ('contractor', 'vendor')
    LEFT JOIN LATERAL (
        SELECT bool_or((q.ended_at IS NULL OR q.ended_at > e.occurred_at) AND CASE WHEN q.network <> ''
            THEN e.src_ip <<= q.network::cidr ELSE q.country = e.src_country END) AS covered
        FROM logs_approvedplace q WHERE q.tenant_id = %(tenant)s AND q.approved_at <= e.occurred_at
            AND q.set_at < %(as_of)s AND (q.system_id IS NULL OR q.system_id = e.system_id)
    ) c ON e.src_ip IS NOT NULL
    WHERE e.tenant_id = %(tenant)s AND e.log_type = 4 AND e.status_id = 1
        AND NOT (e.class_uid = 4014 AND e.activity_id IN (2, 3))
        AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
        AND e.received_at >= %(since)s::timestamptz - interval '120 seconds'
)
SELECT s.name AS source, j.actor_key AS account, count(*) AS sessions, count(DISTINCT j.src_ip) AS addresses,
    count(*) FILTER (WHERE j.out_of_hours) AS out_of_hours,
    count(*) FILTER (WHERE j.out_of_hours AND NOT j.seen) AS out_of_hours_unreviewed,
    count(*) FILTER (WHERE NOT j.covered OR j.closed IS NOT NULL) AS elsewhere,
    count(*) FILTER (WHERE (NOT j.covered OR j.closed IS NOT NULL) AND j.closed IS NOT TRUE) AS elsewhere_open,
    count(*) FILTER (WHERE j.covered IS NULL AND j.closed IS NULL) AS place_not_judged,
    count(*) FILTER (WHERE j.out_of_term) AS out_of_term, count(*) FILTER (WHERE j.no_term) AS without_term,
    min(j.occurred_at) AS first_at, max(j.occurred_at) AS last_at
FROM judged j JOIN logs_logsource s ON s.tenant_id = %(tenant)s AND s.id = j.source_id
GROUP BY s.name, j.actor_key ORDER BY s.name, j.actor_key
"""
PLACES = """
SELECT coalesce(nullif(q.network, ''), q.country) AS place, q.approved_by,
    (q.approved_at AT TIME ZONE t.time_zone)::date AS approved_on,
    q.set_at >= q.approved_at + interval '1 day' AS recorded_later
FROM logs_approvedplace q JOIN tenants_tenant t ON t.id = q.tenant_id
WHERE q.tenant_id = %(tenant)s AND q.set_at < %(as_of)s AND q.approved_at < %(until)s
    AND (q.ended_at IS NULL OR q.ended_at > %(since)s)
ORDER BY q.approved_at, q.id
"""
COLUMNS = (
    *("source", "account", "sessions", "addresses", "out_of_hours", "out_of_hours_unreviewed", "elsewhere"),
    *("elsewhere_open", "place_not_judged", "out_of_term", "without_term", "first_at", "last_at"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return remote access, a session where it opens.

    A place that nobody could judge (nothing was approved yet, or no address is told) and a third party without a term
    leave their number open, unless something was found wrong.
    """
    asked = Asked(frame)
    rows = asked.rows(BY_ACCOUNT, zone=frame.period.zone)
    places = asked.rows(PLACES)
    total = {name: sum(row[name] for row in rows) for name in COLUMNS[2:-2]}
    elsewhere, out_of_term = total["elsewhere_open"], total["out_of_term"]
    metrics = {
        "sessions": total["sessions"],
        "unapproved_place": None if total["place_not_judged"] and not elsewhere else elsewhere,
        "out_of_hours": total["out_of_hours"],
        "out_of_hours_unreviewed": total["out_of_hours_unreviewed"],
        "third_party_outside_window": None if total["without_term"] and not out_of_term else out_of_term,
    }
    notes = (
        _declared(places),
        said(
            "A session from elsewhere counts until the alert about it is closed with a reason; an approval that is "
            "recorded after the alert does not close it. Before the first approval, and without an address, no session "
            "is judged."
        ),
        said("A third party is a contractor or vendor of the register; its window is its term there, in whole days."),
        said(
            "A session out of hours counts as reviewed when an alert about that account and day (UTC) was acknowledged "
            "or closed by a person."
        ),
    )
    return asked.answer(
        "remote_access", metrics, rows, columns=COLUMNS, notes=notes, title=said("Remote access by account")
    )


def _declared(places: list[Row]) -> Said:
    """Say which places were approved at some time of the period, by whom, and how many were recorded afterwards."""
    if not places:
        return said("No place is approved for remote access.")
    names = joined(", ", map(_named, places))
    return said(
        "Approved places: {names}. Recorded later than the day of their approval: {late}.",
        names=names,
        late=sum(row["recorded_later"] for row in places),
    )


def _named(row: Row) -> Said:
    """Name an approved place with who approved it, and on which day (of the tenant's zone)."""
    on = day(datetime.combine(row["approved_on"], time(), UTC))
    return joined("", (row["place"], " (", row["approved_by"], ", ", on, ")"))
