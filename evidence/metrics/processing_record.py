"""Measures the record of processing (Art. 30(2) GDPR): fields that are empty, its age, and sources it does not name."""

from evidence.kinds import KindEvidence
from evidence.languages import Said, joined, said
from evidence.metrics.frame import Asked, Frame, days_between

FIELDS = ("processor", "controllers", "officer", "categories", "transfers", "security", "subprocessors")
RECORD = """
SELECT version, processor, controllers, officer, categories, transfers, security, subprocessors, sources, recorded_at,
    recorded_by
FROM evidence_processingrecord WHERE tenant_id = %(tenant)s AND recorded_at < %(as_of)s ORDER BY version DESC LIMIT 1
"""
USED = """
SELECT s.key AS source, s.name, sum(h.events) AS events FROM logs_logsource s
JOIN logs_sourcehour h ON h.tenant_id = s.tenant_id AND h.source_id = s.id
WHERE s.tenant_id = %(tenant)s AND h.hour >= %(since)s AND h.hour < %(until)s AND h.events > 0
GROUP BY s.key, s.name ORDER BY s.key
"""
COLUMNS = ("source", "name", "events", "declared")


def measure(frame: Frame) -> KindEvidence:
    """Return how whole the newest record is; where none is kept here, nothing is measured: it may be kept elsewhere."""
    asked = Asked(frame)
    found = asked.rows(RECORD)
    record = found[0] if found else None
    declared = set(record["sources"]) if record else set()
    rows = [{**row, "declared": row["source"] in declared} for row in asked.rows(USED)]
    metrics: dict[str, float | None] = {"tenants": 1, "incomplete": None, "stale": None, "undeclared_sources": None}
    notes: tuple[Said, ...] = (said("No record of processing is kept in the portal for this tenant."),)
    if record is not None:
        empty = [name for name in FIELDS if not record[name].strip()]
        age = days_between(record["recorded_at"], frame.as_of) or 0.0
        metrics |= {"incomplete": bool(empty), "stale": age > frame.params["record_stale_days"]}
        metrics["undeclared_sources"] = sum(not row["declared"] for row in rows)
        words = said("Empty fields: {names}.", names=", ".join(empty)) if empty else said("No field is empty.")
        which = said(
            "Version {version} by {person}, {days} days old.",
            version=str(record["version"]),
            person=record["recorded_by"],
            days=round(age),
        )
        notes = (joined(" ", (which, words)),)
    return asked.answer(
        "processing_record",
        metrics,
        rows,
        columns=COLUMNS,
        notes=notes,
        title=said("Sources against the record of processing"),
    )
