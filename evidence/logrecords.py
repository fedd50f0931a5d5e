"""Reads the records of log reviews and of one incident: rows, signed statements, passkeys' answers."""

from __future__ import annotations

import json
from typing import Final

from evidence.bundle import Binding
from evidence.citedevents import UP_TO_CHECKPOINT
from evidence.kinds import Table
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame
from evidence.tables import from_rows
from reviews.manifest import canonical_text

DISPOSITIONS: Final = """
SELECT d.id AS disposition, r.name AS review, i.n AS item, i.kind, i.title, i.severity, i.since, i.until, i.late,
    d.outcome, d.reason, d.ticket, v.name AS reviewer, d.seen_seconds, d.disposed_at,
    EXISTS (SELECT 1 FROM reviews_disposition l WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id
        AND l.disposed_at < %(now)s) AS superseded, f.due_at AS follow_up_due_at,
    CASE WHEN f.closed_at < %(now)s THEN f.closed_at END AS follow_up_closed_at,
    CASE WHEN f.closed_at < %(now)s THEN f.resolution END AS resolution
FROM reviews_disposition d
JOIN reviews_logreview r ON r.tenant_id = d.tenant_id AND r.id = d.review_id
JOIN reviews_logitem i ON i.tenant_id = d.tenant_id AND i.id = d.item_id
LEFT JOIN identities_identity v ON v.tenant_id = d.tenant_id AND v.id = d.reviewer_id
LEFT JOIN reviews_followup f ON f.tenant_id = d.tenant_id AND f.disposition_id = d.id
WHERE d.tenant_id = %(tenant)s AND d.disposed_at >= %(since)s AND d.disposed_at < %(until)s ORDER BY r.name, i.n, d.id
"""
LOG_SIGN_OFFS: Final = """
SELECT s.id AS log_sign_off, r.name AS review, r.begins_at, r.ends_at, s.printed_name, s.meaning, s.count, s.digest,
    s.level, s.authentication ->> 'assertion_sha256' AS assertion, s.authenticated_at, s.signed_at
FROM reviews_logsignature s JOIN reviews_logreview r ON r.tenant_id = s.tenant_id AND r.id = s.review_id
WHERE s.tenant_id = %(tenant)s AND s.signed_at >= %(since)s AND s.signed_at < %(until)s ORDER BY s.signed_at, s.id
"""
SIGNED: Final = """
SELECT s.id, s.manifest, s.level, s.authentication -> 'assertion' AS assertion FROM reviews_logsignature s
WHERE s.tenant_id = %(tenant)s AND s.signed_at >= %(since)s AND s.signed_at < %(until)s ORDER BY s.id
"""
ERASURES: Final = """
SELECT e.id::text AS erasure, found.records, e.count, e.legal_ref, e.reason, e.asked_by,
    e.answered_by AS confirmed_by, e.answered_at AS confirmed_at,
    CASE WHEN e.removed_at < %(now)s THEN e.removed_at END AS removed_at,
    encode(e.places_sha256, 'hex') AS places_sha256
FROM logs_erasure e CROSS JOIN LATERAL (SELECT count(*) AS records FROM logs_erasedleaf t
    WHERE t.tenant_id = e.tenant_id AND t.erasure_id = e.id AND t.quarter >= %(since)s AND t.quarter < %(until)s) found
WHERE e.tenant_id = %(tenant)s AND e.answer = 'confirmed' AND ((e.removed_at IS NOT NULL AND found.records > 0)
    OR (e.answered_at >= %(since)s AND e.answered_at < %(until)s))
ORDER BY e.answered_at, e.id
"""
"""Deeds of erasure that took records of the period, and all that were confirmed in it, the records still there or not.

``records`` of them occurred in the period, ``count`` in all.
"""
ALERTS_RAISED: Final = """
SELECT a.id AS alert, d.detail ->> 'rule' AS rule, (d.detail ->> 'severity')::int AS severity,
    (d.detail ->> 'events')::int AS events, a.subject, a.raised_at
FROM alerts_alert a JOIN tenants_auditentry d ON d.tenant_id = a.tenant_id AND d.verb = 'alert.raise'
    AND d.detail ->> 'alert' = a.id::text
WHERE a.tenant_id = %(tenant)s AND a.raised_at >= %(since)s AND a.raised_at < %(until)s ORDER BY a.id
"""
"""Alerts of the period as the ledger sealed them when they were raised; severity and events may have grown since."""
INCIDENT: Final = """
SELECT i.id AS incident, i.title, i.what, i.affected, i.found_at, i.known_at, i.opened_at, i.opened_by,
    i.alert_id AS alert FROM alerts_incident i WHERE i.tenant_id = %(tenant)s AND i.id = %(incident)s
"""
STEPS: Final = """
SELECT t.id AS step_id, t.step, t.happened_at, t.note, t.recorded_at, t.recorded_by FROM alerts_incidententry t
WHERE t.tenant_id = %(tenant)s AND t.incident_id = %(incident)s AND t.recorded_at < %(as_of)s ORDER BY t.id
"""
ALERT: Final = f"""
SELECT a.id AS alert, a.rule, coalesce(d.severity, a.severity) AS severity,
    CASE WHEN a.closed_at < %(now)s THEN 'closed' WHEN a.acknowledged_at < %(now)s THEN 'acknowledged' ELSE 'new' END
        AS state,
    a.subject, s.key AS system, e.event_count, e.first_at, e.last_at, a.raised_at,
    CASE WHEN a.acknowledged_at < %(now)s THEN a.acknowledged_at END AS acknowledged_at,
    CASE WHEN a.acknowledged_at < %(now)s THEN u.name END AS acknowledged_by,
    CASE WHEN a.closed_at < %(now)s THEN a.closed_at END AS closed_at,
    CASE WHEN a.closed_at < %(now)s THEN c.name END AS closed_by,
    CASE WHEN a.closed_at < %(now)s THEN a.close_reason ELSE '' END AS close_reason,
    CASE WHEN a.closed_at < %(now)s THEN a.close_note ELSE '' END AS close_note
FROM alerts_incident i JOIN alerts_alert a ON a.tenant_id = i.tenant_id AND a.id = i.alert_id
LEFT JOIN identities_system s ON s.tenant_id = a.tenant_id AND s.id = a.system_id
LEFT JOIN tenants_user u ON u.id = a.acknowledged_by_id LEFT JOIN tenants_user c ON c.id = a.closed_by_id
CROSS JOIN LATERAL (SELECT max((t.detail ->> 'severity')::int) AS severity FROM tenants_auditentry t
    WHERE t.tenant_id = a.tenant_id AND t.verb IN ('alert.raise', 'alert.escalate') AND t.at < %(now)s
    AND t.detail ->> 'alert' = a.id::text) d
CROSS JOIN LATERAL (SELECT count(*) AS event_count, min(x.occurred_at) AS first_at, max(x.occurred_at) AS last_at
    FROM alerts_alertevent x WHERE x.tenant_id = a.tenant_id AND x.alert_id = a.id AND {UP_TO_CHECKPOINT}) e
WHERE i.tenant_id = %(tenant)s AND i.id = %(incident)s
"""  # noqa: S608 -- constant text
"""The alert as it stood: people's deeds by their time, severity by its deeds, events as the checkpoint covers them."""
COLUMNS: Final = {
    DISPOSITIONS: "disposition review item kind title severity since until late outcome reason ticket reviewer "
    "seen_seconds disposed_at superseded follow_up_due_at follow_up_closed_at resolution",
    LOG_SIGN_OFFS: "log_sign_off review begins_at ends_at printed_name meaning count digest level assertion "
    "authenticated_at signed_at",
    ERASURES: "erasure records count legal_ref reason asked_by confirmed_by confirmed_at removed_at places_sha256",
    ALERTS_RAISED: "alert rule severity events subject raised_at",
    INCIDENT: "incident title what affected found_at known_at opened_at opened_by alert",
    STEPS: "step_id step happened_at note recorded_at recorded_by",
    ALERT: "alert rule severity state subject system event_count first_at last_at raised_at acknowledged_at "
    "acknowledged_by closed_at closed_by close_reason close_note",
}
LOG_BINDINGS: Final = {
    "erasures": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("count", "legal_ref", "reason", "places_sha256")}
    ),
    "alerts_raised": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("rule", "severity", "events")}
    ),
    "dispositions": Binding("ledger_index", {name: ("subj", "detail", name) for name in ("outcome", "reason")}),
    "log_sign_offs": Binding(
        "ledger_index", {name: ("subj", "detail", name) for name in ("count", "digest", "level", "assertion")}
    ),
}


def log_statements(frame: Frame) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Returns the signed statements of log reviews, and what others signed over them, by the name of their file."""
    rows = Asked(frame).rows(SIGNED)
    statements = {f"log-{row['id']}": row["manifest"].encode() for row in rows}
    answered = [row for row in rows if row["assertion"]]
    return statements, {f"log-{row['id']}": canonical_text(json.loads(row["assertion"])).encode() for row in answered}


def incident_tables(frame: Frame, size: int, incident: int) -> tuple[tuple[Table, ...], dict[str, str]]:
    """Returns the tables about one incident under a checkpoint of `size` leaves, and the text of each one's query."""
    tables, texts = [], {}
    for name, title, statement in (
        ("incident", said("The incident"), INCIDENT),
        ("incident_steps", said("Steps, each with when it happened and when it was recorded"), STEPS),
        ("incident_alert", said("The alert behind it"), ALERT),
    ):
        asked, names = Asked(frame), COLUMNS[statement].split()
        rows = asked.rows(statement, incident=incident, size=size)
        tables.append(from_rows(name, title, names, [[row[column] for column in names] for row in rows]))
        texts[name] = asked.statements[0] + "\n"
    return tuple(tables), texts
