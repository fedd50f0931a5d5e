"""What the registers' pages and the query modules ask: newest versions, standing responses, silences of sources."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from evidence.models import ControlResult
from evidence.registers.kinds import REQUIRED, DocumentKind
from evidence.registers.models import ControlResponse, Document, GapNote, OperatingReport, ProcessingRecord
from logs.models import LogSource
from logs.queries import coverage
from tenants.models import Membership, Tenant

LOOK_BACK = timedelta(days=60)
"""A silence that goes on at the period's start is followed back to its own begin, this far at most."""
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Gap:
    """One stretch of expected hours of a source without an event; aware UTC, `end` is the hour after the last.

    `notes` are what people wrote about it, oldest first: the first one is when it was noticed, the last one holds.
    """

    source_id: int
    source: str
    begin: datetime
    end: datetime
    is_open: bool
    notes: tuple[GapNote, ...] = ()

    @property
    def hours(self) -> float:
        """Hours from the first missing hour to the hour after the last one."""
        return (self.end - self.begin).total_seconds() / 3600

    @property
    def hour(self) -> int:
        """The first missing hour, in hours from 1970 (UTC)."""
        return int(self.begin.timestamp()) // 3600

    @property
    def noticed_at(self) -> datetime | None:
        """When somebody first wrote that it was noticed."""
        return self.notes[0].recorded_at if self.notes else None

    @property
    def newest(self) -> GapNote | None:
        """The note that holds."""
        return self.notes[-1] if self.notes else None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One kind of document with its newest version, or None where there is none."""

    kind: DocumentKind
    required: bool
    newest: Document | None
    overdue: bool


def gaps_between(
    since: datetime, until: datetime | None = None, *, source_ids: Collection[int] | None = None
) -> list[Gap]:
    """Return the silences that reach into a period, longest first; those still going on at its end are open."""
    now = timezone.now()
    end = min(until or now, now)
    answers = coverage(since=since - LOOK_BACK, until=end, source_ids=source_ids)
    notes = list(GapNote.objects.filter(recorded_at__lt=end).order_by("id"))
    found = []
    for answer in answers:
        mine = [note for note in notes if note.source_id == answer.source_id]
        for begin, after in answer.gaps:
            if after > since:
                told = tuple(note for note in mine if begin <= note.gap_from < after)
                is_open = (end - after) < timedelta(hours=2)
                found.append(Gap(answer.source_id, answer.name, begin, after, is_open, told))
    return sorted(found, key=lambda gap: (-gap.hours, gap.begin, gap.source))


def notes_on(source: LogSource, begin: datetime) -> list[GapNote]:
    """Return what was noted of a silence, oldest first."""
    return list(GapNote.objects.filter(source=source, gap_from=begin).order_by("id"))


def documents() -> QuerySet[Document]:
    """Return every version of every document, newest first, without the files."""
    return Document.objects.defer("data").order_by("-id")


def document_lines(today: datetime) -> list[DocumentLine]:
    """Return what has to be on file, and what else is, each with its newest version."""
    newest: dict[str, Document] = {}
    for row in documents():
        newest.setdefault(row.kind if row.kind in REQUIRED else f"{row.kind}:{row.title}", row)
    lines = [_line(DocumentKind(kind), newest.pop(kind, None), today) for kind in REQUIRED]
    return lines + [_line(DocumentKind(row.kind), row, today) for row in newest.values()]


def _line(kind: DocumentKind, newest: Document | None, today: datetime) -> DocumentLine:
    overdue = newest is not None and newest.valid_until < today.date()
    return DocumentLine(kind, kind in REQUIRED, newest, overdue)


def newest_processing() -> ProcessingRecord | None:
    """Return the version of the record of processing that holds."""
    return ProcessingRecord.objects.order_by("-version").first()


def processing_history() -> list[ProcessingRecord]:
    """Return the versions of the record of processing, newest first."""
    return list(ProcessingRecord.objects.order_by("-version")[:20])


def newest_result(control: str) -> ControlResult | None:
    """Return a row's newest result."""
    return ControlResult.objects.filter(control=control).order_by("-run_id").first()


def responses_to(control: str) -> list[ControlResponse]:
    """Return what management said about a row, newest first."""
    return list(ControlResponse.objects.filter(control=control).order_by("-id")[:SHOWN])


def responses_in_force() -> list[ControlResponse]:
    """Return the newest response to each row, soonest due first; ended ones too."""
    newest = ControlResponse.objects.order_by("control", "-id").distinct("control")
    return sorted(newest, key=lambda row: (row.stand == "end", row.due_on, row.control))


def owners(tenant: Tenant) -> list[tuple[str, str]]:
    """Return the people who may own a response: the tenant's current members, by e-mail address."""
    now = timezone.now()
    rows = Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__email")
    return [(row.user.email, str(row.user)) for row in rows if row.is_current(now)]


def operating_reports() -> list[OperatingReport]:
    """Return what tools reported, newest first."""
    return list(OperatingReport.objects.order_by("-done_at", "-id")[:SHOWN])
