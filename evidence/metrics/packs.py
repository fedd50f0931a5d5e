"""Measures evidence packs: issued in the period, signed, and still verifying byte for byte."""

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row
from evidence.models import FileStage
from evidence.packfolder import PackGoneError, StoreError
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
    """Return the packs of the period; each is read back and checked by its own verifier, unless its store is silent."""
    asked = Asked(frame)
    rows = [{**row, "holds": _holds(row)} for row in asked.rows(PACKS)]
    unread = sum(row["holds"] is None for row in rows)
    metrics = {
        "issued": len(rows),
        "unsigned": sum(not row["signed"] for row in rows),
        "verification_failures": None if unread else sum(not row["holds"] for row in rows),
    }
    unknown = said("{packs} packs could not be read where packs are kept: not known whether they hold.", packs=unread)
    notes, title = (unknown,) if unread else (), said("Evidence packs issued")
    return asked.answer("packs", metrics, rows, columns=COLUMNS, notes=notes, title=title)


def _holds(row: Row) -> bool | None:
    """Tell whether the stored file has the recorded hash and verifies; None where it cannot be read."""
    try:
        source, digest = stored_zip(row["id"], FileStage.ISSUED)
    except PackGoneError:
        return False
    except StoreError:
        return None
    try:
        with source:
            return bool(digest == row["sha256"] and not Pack(source).check())
    except Broken:
        return False
