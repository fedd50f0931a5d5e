"""Measures the register of documents: required ones that are missing, and ones whose validity has passed."""

from evidence.kinds import KindEvidence
from evidence.languages import joined, said
from evidence.metrics.frame import Asked, Frame
from evidence.registers.kinds import REQUIRED

DOCUMENTS = """
SELECT DISTINCT ON (d.kind, CASE WHEN d.kind = 'other' THEN d.title ELSE '' END) d.kind, d.title, d.version,
    d.approved_by, d.approved_on, d.valid_until, d.reference, d.file_name, d.size_bytes, d.sha256, d.recorded_at,
    d.recorded_by, d.valid_until < %(as_of)s::timestamptz::date AS overdue
FROM evidence_document d WHERE d.tenant_id = %(tenant)s AND d.recorded_at < %(as_of)s
ORDER BY d.kind, CASE WHEN d.kind = 'other' THEN d.title ELSE '' END, d.id DESC
"""
COLUMNS = (
    *("kind", "title", "version", "approved_by", "approved_on", "valid_until", "reference", "file_name"),
    *("size_bytes", "sha256", "recorded_at", "recorded_by", "overdue"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return the newest version of each document as of the period's end."""
    asked = Asked(frame)
    rows = asked.rows(DOCUMENTS)
    missing = [kind for kind in REQUIRED if kind not in {row["kind"] for row in rows}]
    asked.parameters["required"] = ", ".join(REQUIRED)
    metrics = {
        "required": len(REQUIRED),
        "missing": len(missing),
        "overdue_review": sum(row["overdue"] for row in rows),
    }
    names = joined(", ", (said(str(kind.label)) for kind in missing))
    notes = (said("Not on file: {names}.", names=names) if missing else said("Every required document is on file."),)
    return asked.answer("documents", metrics, rows, columns=COLUMNS, notes=notes, title=said("Documents on file"))
