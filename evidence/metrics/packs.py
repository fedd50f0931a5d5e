"""Measures evidence packs: issued in the period, signed, and still verifying byte for byte."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row
from evidence.models import FileStage
from evidence.storedpacks import stored_zip
from evidence.verifier.check import Pack
from evidence.verifier.primitives import Broken

PACKS = """
SELECT p.id, p.uuid::text AS pack, p.title, p.recipient, p.issued_at, p.requested_by, p.sha256, p.manifest_sha256,
    p.size_bytes, p.signer_key <> '' AS signed
FROM evidence_evidencepack p
WHERE p.tenant_id = %(tenant)s AND p.state = 'issued' AND p.issued_at >= %(since)s AND p.issued_at < %(until)s
ORDER BY p.issued_at, p.id
"""
COLUMNS = (
    *("pack", "title", "recipient", "issued_at", "requested_by", "sha256", "manifest_sha256", "size_bytes", "signed"),
    "holds",
)


def measure(frame: Frame) -> KindEvidence:
    """Return the packs of the period; each is read back and checked by its own verifier."""
    asked = Asked(frame)
    rows = [{**row, "holds": _holds(row)} for row in asked.rows(PACKS)]
    metrics = {
        "issued": len(rows),
        "unsigned": sum(not row["signed"] for row in rows),
        "verification_failures": sum(not row["holds"] for row in rows),
    }
    return asked.answer("packs", metrics, rows, columns=COLUMNS, title=said("Evidence packs issued"))


def _holds(row: Row) -> bool:
    """Tell whether the stored file has the recorded hash and the verifier finds no fault in it."""
    source, digest = stored_zip(row["id"], FileStage.ISSUED)
    try:
        with source:
            return bool(digest == row["sha256"] and not Pack(source).check())
    except Broken:
        return False
