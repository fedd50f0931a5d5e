"""Measures incidents: triage, closure with a cause, and the clocks of Art. 33 GDPR and 45 CFR 164.410 for breaches."""

from datetime import datetime

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, ratio

INCIDENTS = """
SELECT i.id, i.title, i.alert_id, i.found_at, i.known_at, i.opened_at, i.opened_by, i.affected, s.*
FROM alerts_incident i CROSS JOIN LATERAL (
    SELECT min(happened_at) FILTER (WHERE step = 'triaged') AS triaged_at,
        coalesce((array_agg(step ORDER BY id DESC) FILTER (WHERE step IN ('breach', 'no_breach')))[1] = 'breach', false)
            AS breach,
        min(happened_at) FILTER (WHERE step = 'client_told') AS client_told_at,
        min(happened_at) FILTER (WHERE step = 'authority_told') AS authority_told_at,
        bool_or(step = 'authority_not_due') IS TRUE AS authority_not_due,
        bool_or(step = 'effects') IS TRUE AS has_effects, bool_or(step = 'remedy') IS TRUE AS has_remedy,
        bool_or(step = 'cause') IS TRUE AS has_cause, min(happened_at) FILTER (WHERE step = 'closed') AS closed_at
    FROM alerts_incidententry t WHERE t.tenant_id = i.tenant_id AND t.incident_id = i.id AND t.recorded_at < %(as_of)s
) s
WHERE i.tenant_id = %(tenant)s AND i.opened_at < %(until)s AND (s.closed_at IS NULL OR s.closed_at >= %(since)s)
ORDER BY i.opened_at, i.id
"""
COLUMNS = (
    *("id", "title", "alert_id", "found_at", "known_at", "opened_at", "opened_by", "affected", "triaged_at"),
    *("hours_to_triage", "breach", "client_told_at", "hours_to_client", "authority_told_at", "authority_not_due"),
    *("hours_to_authority", "has_effects", "has_remedy", "has_cause", "closed_at", "open_over_limit"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the incidents that were open in the period, with their clocks in hours.

    The client's clock runs from when the processor knew (Art. 33(2)); the authority's from when the client was told,
    since the controller knows from then on (Art. 33(1), EDPB guidelines 9/2022, 44).
    """
    asked = Asked(frame)
    rows = [_clocked(row, frame) for row in asked.rows(INCIDENTS)]
    opened = [row for row in rows if row["opened_at"] >= frame.period.start]
    triaged = sorted(row["hours_to_triage"] for row in opened if row["triaged_at"])
    breaches = [row for row in rows if row["breach"]]
    to_client = [row["hours_to_client"] for row in breaches]
    to_authority = [row["hours_to_authority"] for row in breaches if row["hours_to_authority"] is not None]
    metrics = {
        "opened": len(opened),
        "triaged_ratio": ratio(len(triaged), len(opened)),
        "triage_p95_hours": triaged[min(len(triaged) - 1, int(0.95 * len(triaged)))] if triaged else None,
        "open_over_limit": sum(row["open_over_limit"] for row in rows),
        "without_root_cause": sum(row["closed_at"] is not None and not row["has_cause"] for row in rows),
        "breaches": len(breaches),
        "breach_records_incomplete": sum(not (row["has_effects"] and row["has_remedy"]) for row in breaches),
        "client_notify_max_hours": max(to_client, default=None),
        "client_notify_late": sum(hours > frame.params["processor_notify_hours"] for hours in to_client),
        "authority_clock_missing": sum(row["client_told_at"] is None for row in breaches),
        "authority_notify_late": sum(hours > frame.params["authority_notify_hours"] for hours in to_authority),
        "client_notify_over_60_days": sum(hours > frame.params["hipaa_notify_days"] * 24 for hours in to_client),
    }
    notes = (
        said(
            "Times are as people recorded them; each record is sealed in the ledger with the moment it was made. What "
            "has not happened yet counts as lasting until now."
        ),
        said("A breach's record is whole with its effects and the remedial action (Art. 33(5))."),
    )
    return asked.answer("incidents", metrics, rows, columns=COLUMNS, notes=notes, title=said("Incidents"))


def _clocked(row: Row, frame: Frame) -> Row:
    """Add the hours of each clock, and whether the incident waits longer than it may."""
    triage = _hours(row["known_at"], row["triaged_at"], frame)
    told = row["client_told_at"]
    authority = None if told is None or row["authority_not_due"] else _hours(told, row["authority_told_at"], frame)
    is_open = row["closed_at"] is None or row["closed_at"] >= frame.as_of
    late = not row["triaged_at"] and triage > frame.params["triage_hours"]
    long = _hours(row["opened_at"], None, frame) > frame.params["incident_open_days"] * 24
    return {
        **row,
        "hours_to_triage": triage,
        "hours_to_client": _hours(row["known_at"], told, frame) if row["breach"] else None,
        "hours_to_authority": authority if row["breach"] else None,
        "open_over_limit": is_open and (late or long),
    }


def _hours(start: datetime, end: datetime | None, frame: Frame) -> float:
    """Return the hours between two moments; without an end up to the end of what is known."""
    return max(0.0, ((end or frame.as_of) - start).total_seconds() / 3600)
