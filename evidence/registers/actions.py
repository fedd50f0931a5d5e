"""The deeds of the registers: file a document, record processing, answer a control, note a gap, report an operation."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from evidence.catalogue import load
from evidence.models import ControlResult
from evidence.registers.kinds import DocumentFacts, GapCause, Operation, ProcessingFacts, ResponseFacts, Stand
from evidence.registers.models import ControlResponse, Document, GapNote, OperatingReport, ProcessingRecord
from evidence.registers.policies import (
    can_answer_control,
    can_file_document,
    can_note_gap,
    can_record_processing,
    can_report_operation,
)
from evidence.registers.queries import gaps_between, newest_processing, newest_result
from logs.models import LogSource
from tenants.audit import audit
from tenants.kinds import Actor, enforce


@dataclass(frozen=True, slots=True)
class Report:
    """What a tool says: of a backup the file's hash and size, of a restore what the copy recomputed of the ledger."""

    operation: Operation
    done_at: datetime
    succeeded: bool
    what: str = ""
    sha256: str = ""
    size_bytes: int = 0
    ledger_size: int | None = None
    ledger_root: str = ""
    root_agrees: bool | None = None
    said: str = ""


@transaction.atomic
def file_document(*, facts: DocumentFacts, by: Actor) -> Document:
    """File one version of a document with the hash of its bytes; earlier versions stay."""
    enforce(can_file_document(by))
    digest = hashlib.sha256(facts.data).hexdigest() if facts.data else ""
    row = Document(**asdict(facts), size_bytes=len(facts.data), sha256=digest, recorded_by=by.name)
    row.save(force_insert=True)
    detail = {"kind": row.kind, "approved_by": row.approved_by, "valid_until": row.valid_until, "sha256": digest}
    audit("document.file", by=by, target=str(row), detail={**detail, "reference": row.reference})
    return row


@transaction.atomic
def record_processing(*, facts: ProcessingFacts, by: Actor) -> ProcessingRecord:
    """Record a version of the record of processing; saving it unchanged says that it was looked through."""
    enforce(can_record_processing(by))
    before = newest_processing()
    values: dict[str, Any] = {**asdict(facts), "sources": sorted(facts.sources)}
    row = ProcessingRecord(**values, version=before.version + 1 if before else 1, recorded_by=by.name)
    row.save(force_insert=True)
    audit("processing.record", by=by, target=str(row), detail=values)
    return row


@transaction.atomic
def answer_control(*, facts: ResponseFacts, by: Actor) -> ControlResponse:
    """Say what management does about a row's newest result, who owns it and until when; or end the matter."""
    result: ControlResult | None = newest_result(facts.control)
    state = result.state if result else ""
    enforce(can_answer_control(by, load().control(facts.control), facts.stand, state, facts.said))
    row = ControlResponse(**asdict(facts), result=result, recorded_by=by.name)
    row.save(force_insert=True)
    detail = {"owner": row.owner, "due_on": row.due_on, "said": row.said, "state": state, "stand": Stand(row.stand)}
    audit("control.answer", by=by, target=f"control {row.control}", detail=detail)
    return row


@transaction.atomic
def note_gap(*, source: LogSource, gap_from: datetime, cause: GapCause, said: str, by: Actor) -> GapNote:
    """Note that a source's silence was noticed, and its cause."""
    known = any(gap.begin == gap_from for gap in gaps_between(gap_from, source_ids=[source.pk]))
    enforce(can_note_gap(by, said, known=known))
    row = GapNote(source=source, gap_from=gap_from, cause=cause, said=said.strip(), recorded_by=by.name)
    row.save(force_insert=True)
    audit(
        "gap.note", by=by, target=f"{source}, from {gap_from:%Y-%m-%d %H:%M} UTC", detail={"cause": cause, "said": said}
    )
    return row


@transaction.atomic
def report_operation(*, report: Report, by: Actor) -> OperatingReport:
    """Keep what a tool on the host reports of a backup or of a restore that was tried."""
    enforce(can_report_operation(by))
    row = OperatingReport(**asdict(report), reported_by=by.name)
    row.save(force_insert=True)
    audit(f"{report.operation}.report", by=by, target=str(row), detail=asdict(report))
    return row
