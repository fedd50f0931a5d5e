"""Reads of the auditor's rooms: an auditor's own by their engagement, an officer's all of the tenant."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from django.db.models import Model, QuerySet

from evidence.models import EvidencePack
from evidence.packtypes import PackKind
from evidence.room.models import AuditRequest, Population, RequestEntry, Sample, SampleMark
from evidence.states import Mark, PackState
from tenants.models import Engagement

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One drawn thing: its rank's hash, its cells under the population's columns, and the newest mark, or None."""

    item: str
    rank: str
    columns: Sequence[str]
    cells: Sequence[str]
    mark: SampleMark | None

    @property
    def said(self) -> list[tuple[str, str]]:
        """What the population says of it, each under its column, without its id and what is empty."""
        named = zip(self.columns[1:], self.cells[1:], strict=True)
        return [(name.replace("_", " "), cell) for name, cell in named if cell]


def within(rows: QuerySet[M], engagement: Engagement | None) -> QuerySet[M]:
    """Return the rows of the asking auditor's engagement; an officer (no engagement) gets those of all rooms."""
    return rows if engagement is None else rows.filter(engagement=engagement)


def requests(engagement: Engagement | None) -> QuerySet[AuditRequest]:
    """Return the requests in sight, newest first."""
    return within(AuditRequest.objects.select_related("engagement").order_by("-id"), engagement)


def thread(request: AuditRequest) -> QuerySet[RequestEntry]:
    """Return a request's turns, oldest first, without the documents' bytes."""
    rows = RequestEntry.objects.filter(request=request).select_related("pack", "population", "sample__population")
    return rows.defer("document", "population__data", "sample__population__data").order_by("id")


def populations(engagement: Engagement | None) -> QuerySet[Population]:
    """Return the frozen populations in sight, newest first, without their rows."""
    return within(Population.objects.select_related("engagement").defer("data").order_by("-id"), engagement)


def samples(engagement: Engagement | None) -> QuerySet[Sample]:
    """Return the samples in sight, newest first."""
    rows = Sample.objects.select_related("engagement", "population").defer("population__data")
    return within(rows.order_by("-id"), engagement)


def packs_within(engagement: Engagement) -> QuerySet[EvidencePack]:
    """Return the issued packs that a room can hold: inside its period and frameworks; none where names are hidden."""
    rows = EvidencePack.objects.filter(state=PackState.ISSUED).order_by("-id")
    if engagement.controlled:
        return rows.none()
    span = {"period_start__gte": engagement.period_start, "period_end__lte": engagement.period_end}
    # An incident pack names no framework, and the empty set is contained in every engagement's.
    rows = rows.exclude(kind=PackKind.INCIDENT).exclude(frameworks=[])
    return rows.filter(frameworks__contained_by=engagement.frameworks, **span)


def table_of(population: Population) -> list[list[str]]:
    """Return a population's lines, the column names first."""
    return list(csv.reader(io.StringIO(bytes(population.data).decode())))


def ids_of(population: Population) -> list[str]:
    """Return the ids of a population, in its order."""
    return [row[0] for row in table_of(population)[1:]]


def sample_rows(sample: Sample) -> tuple[list[str], list[SampleRow]]:
    """Return the population's columns and the drawn things in the order of their ranks."""
    columns, *rows = table_of(sample.population)
    cells = {row[0]: row for row in rows}
    newest = {row.item: row for row in SampleMark.objects.filter(sample=sample).order_by("id")}
    seed = sample.seed.encode()
    return columns, [
        SampleRow(item, sha256(seed + b"\0" + item.encode()).hexdigest(), columns, cells[item], newest.get(item))
        for item in sample.ids
    ]


def sheet_of(sample: Sample) -> list[list[str]]:
    """Return the attribute sheet's lines: rank, the thing's own columns, and the auditor's mark and note."""
    columns, rows = sample_rows(sample)
    lines = [["rank", "rank_sha256", *columns, "mark", "note", "marked_by", "marked_at"]]
    for number, row in enumerate(rows, start=1):
        one = row.mark
        said = [Mark(one.mark).value, one.note, one.marked_by, one.marked_at.isoformat()] if one else [""] * 4
        lines.append([str(number), row.rank, *row.cells, *said])
    return lines
