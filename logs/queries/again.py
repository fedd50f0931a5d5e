"""Records that an older parser or mapping has read: which there are, and what the present one makes of them."""

import heapq
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from logs.intake import KEPT_BYTES, Reading
from logs.kinds import Draft, Format, Ignored, LogType, Outcome, SourceSettings
from logs.models import (
    AccessEvent,
    Delivery,
    LogSource,
    QuarantinedLine,
    Rereading,
    ResolvedLine,
    Superseded,
    event_key,
)
from logs.ownsources import PROGRAMS, services_of
from logs.parsers import PARSERS
from logs.rereading import Change, Kept, body_of, changes, reader_name, reading_of, settled, taken, year_of
from logs.sealing import Place, projection, rfc3339
from tenants.kinds import WorkState
from tenants.models import Work

JOB: Final = "logs.read_again"
"""Begins the kind of the long work; the source's id ends it."""
SHOWN: Final = 20
LOOKED_AT: Final = 5000
"""Records that a preview reads at most: a second or two."""
_CHUNK: Final = 2000


def reader_of(source: LogSource) -> str:
    """Return who reads a source's records now: parser, version, and mapping version."""
    return reader_name(PARSERS[Format(source.format)], source.mapping_version if source.mapping else None)


def unread_batches(source: LogSource, since: datetime | None, until: datetime | None) -> QuerySet[Delivery]:
    """Return the batches that the source's present reader has not read, oldest receipt first.

    A batch of records that were read again counts by when they first came in.
    """
    reader = reader_of(source)
    done = Rereading.objects.filter(batch=OuterRef("pk"), reader=reader)
    before = Rereading.objects.filter(by_batch=OuterRef("pk")).values("first_received_at")[:1]
    rows = Delivery.objects.filter(Q(stored__gt=0) | Q(quarantined__gt=0), ~Exists(done), source=source)
    rows = rows.exclude(parser=reader).annotate(first_at=Coalesce(Subquery(before), F("received_at")))
    if since is not None:
        rows = rows.filter(first_at__gte=since)
    return (rows.filter(first_at__lt=until) if until is not None else rows).order_by("received_at", "id")


@dataclass(frozen=True, slots=True)
class Unread:
    """How many batches and records a source's present reader has not read, and who read them."""

    reader: str
    batches: int
    records: int
    readers: tuple[str, ...]


def unread(source: LogSource, since: datetime | None = None, until: datetime | None = None) -> Unread:
    """Return what there is to read again; a constant number of queries over batches, none over events."""
    rows = unread_batches(source, since, until)
    sums = rows.order_by().aggregate(events=Sum("stored"), lines=Sum("quarantined"))
    readers = tuple(rows.order_by("parser").values_list("parser", flat=True).distinct())
    number = rows.order_by().count()
    past = Rereading.objects.filter(batch__in=rows.order_by().values("pk"))
    gone = past.aggregate(superseded=Sum("superseded"), resolved=Sum("resolved"))
    records = sum(value or 0 for value in sums.values()) - sum(value or 0 for value in gone.values())
    return Unread(reader_of(source), number, records, readers)


def first_receipt(batch: Delivery) -> datetime:
    """Return when a batch's records came in: for records that were read again, the first time."""
    found = Rereading.objects.filter(by_batch=batch).values_list("first_received_at", flat=True).first()
    return found or batch.received_at


def stored_records(batch: Delivery) -> Iterator[Kept]:
    """Give a batch's current events and open quarantined records whose bytes are whole, in their order."""
    events = AccessEvent.objects.filter(received_at=batch.received_at, batch_id=batch.pk)
    events = events.filter(raw__isnull=False, subj__isnull=False).order_by("position", "id")
    rows = events.values_list("position", "raw", "ord", "core", "subj").iterator(chunk_size=_CHUNK)
    lines = QuarantinedLine.objects.filter(delivery=batch, resolved=None, raw_bytes__lte=KEPT_BYTES)
    held = lines.order_by("position").values_list("position", "raw", "pk").iterator(chunk_size=_CHUNK)
    return heapq.merge(
        (
            Kept(position, bytes(raw), number, None, reading_of(projection(bytes(core), bytes(subj))))
            for position, raw, number, core, subj in rows
            if raw is not None and subj is not None
        ),
        (Kept(position, bytes(raw), None, line_id, None) for position, raw, line_id in held),
        key=lambda kept: kept.position,
    )


def read_stored(batch: Delivery, source: LogSource, first_received_at: datetime) -> Iterator[tuple[Kept, Outcome]]:
    """Read a batch's records with the source's present parser and mapping; each with what it was.

    The receipt that years and clamped times go by is the first one. What the parser gives back for no stored record,
    and records that it gives nothing for, are left out.

    Raises:
        ParseError: the mapping cannot be used, or a table's column names do not fit it.
    """
    form, records = Format(source.format), stored_records(batch)
    head = next(records, None)
    if head is None:
        return
    settings = SourceSettings(
        time_zone=source.time_zone,
        year=year_of(head.reading, source.year),
        received_at=first_received_at,
        mapping=source.mapping,
        services=services_of(source.key),
        programs=PROGRAMS,
    )
    waiting: dict[bytes, list[Kept]] = {}
    body = body_of(chain([head], records), columns_of(batch, source), waiting)
    for outcome in PARSERS[form].parse(body, settings):
        kept = taken(waiting, outcome.raw)
        if kept is None:
            continue
        if isinstance(outcome, Draft) and kept.reading is not None:
            outcome = settled(outcome, kept.reading, form)  # noqa: PLW2901 -- the same outcome, settled
        yield kept, outcome


def columns_of(batch: Delivery, source: LogSource) -> bytes:
    """Return the line of column names that a batch's table began with, b"" for none."""
    if source.mapping and source.mapping.get("header"):
        return b""
    sealed: dict[str, Any] = json.loads(bytes(batch.core))
    return str(sealed.get("columns", "")).encode()


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that would be read otherwise: what it was, what it becomes, and the fields that differ."""

    raw: str
    was: str
    becomes: str
    fields: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What a look at some records found: the first differences, how many records were read, and a problem."""

    differences: tuple[Difference, ...] = ()
    looked_at: int = 0
    problem: str = ""


def preview_again(source: LogSource, since: datetime | None, until: datetime | None) -> Compared:
    """Return the first records that the present reader reads otherwise, the newest batches first; writes nothing."""
    found: list[Difference] = []
    looked_at = 0
    for batch in unread_batches(source, since, until).order_by("-received_at", "-id"):
        first = first_receipt(batch)
        for kept, outcome in read_stored(batch, source, first):
            looked_at += 1
            if difference := _difference(kept, _admitted(outcome, first)):
                found.append(difference)
            if len(found) == SHOWN or looked_at == LOOKED_AT:
                return Compared(tuple(found), looked_at)
    return Compared(tuple(found), looked_at)


def _admitted(outcome: Outcome, received_at: datetime) -> Outcome | str:
    """Return the outcome as a delivery takes it: its time clamped, or the sentence that refuses it."""
    if not isinstance(outcome, Draft):
        return outcome
    reading = Reading(Place("", "", 0, "", rfc3339(received_at)), received_at)
    (chunk,) = reading.chunks([outcome])
    return chunk.drafts[0] if chunk.drafts else chunk.rejected[0][1]


def _difference(kept: Kept, outcome: Outcome | str) -> Difference | None:
    shown = kept.raw[:200].decode("utf-8", "backslashreplace")
    if isinstance(outcome, Draft):
        kind = str(LogType(outcome.log_type).label)
        if kept.reading is None:
            return Difference(shown, "Quarantine", kind)
        fields = tuple(changes(outcome, kept.reading))
        return Difference(shown, str(LogType(kept.reading["log_type"]).label), kind, fields) if fields else None
    if kept.reading is None and isinstance(outcome, Ignored):
        return Difference(shown, "Quarantine", "No access event")
    return None


@dataclass(frozen=True, slots=True)
class Links:
    """What an event takes the place of and what takes its place, as names in addresses; "" for none."""

    supersedes: str = ""
    superseded_by: str = ""
    first_received_at: datetime | None = None


def links_of(event: AccessEvent) -> Links:
    """Return an event's older and newer reading, and when its record first came in; at most three queries."""
    older = Superseded.objects.filter(by_received_at=event.received_at, by_id=event.id).first()
    newer = Superseded.objects.filter(received_at=event.received_at, event_id=event.id).first()
    first = older.first_received_at if older else None
    if older is None:
        resolved = ResolvedLine.objects.filter(batch_id=event.batch_id, event_id=event.id).select_related("line")
        first = next((row.line.received_at for row in resolved), None)
    return Links(
        event_key(older.received_at, older.event_id) if older else "",
        event_key(newer.by_received_at, newer.by_id) if newer else "",
        first,
    )


def later_readings(
    places: Collection[tuple[datetime, int]], before: datetime | None = None
) -> Mapping[tuple[datetime, int], tuple[datetime, int]]:
    """Return for each place of an event the place of its newest reading, where it is another; a query a generation.

    Readings of the moment `before`, or later ones, are as if they were not there.
    """
    found = {place: place for place in places}
    asked = set(places)
    while asked:
        rows = Superseded.objects.filter(
            received_at__in={at for at, _id in asked}, event_id__in={n for _at, n in asked}
        )
        rows = rows if before is None else rows.filter(by_received_at__lt=before)
        later = {(row.received_at, row.event_id): (row.by_received_at, row.by_id) for row in rows}
        asked = {later[place] for place in asked if place in later}
        found = {first: later.get(newest, newest) for first, newest in found.items()}
    return {first: newest for first, newest in found.items() if first != newest}


def reading_again(source: LogSource) -> Work | None:
    """Return the work that reads a source's records again and is not over; None when there is none."""
    return Work.objects.filter(kind=f"{JOB}.{source.pk}", state__in=(WorkState.QUEUED, WorkState.RUNNING)).first()


def last_reading_again(source: LogSource) -> Work | None:
    """Return the newest work that reads, or read, a source's records again."""
    return Work.objects.filter(kind=f"{JOB}.{source.pk}").order_by("-id").first()


def rereadings_of(source: LogSource, limit: int = 10) -> list[Rereading]:
    """Return the newest times that batches of a source were read again."""
    rows = Rereading.objects.filter(batch__source=source).select_related("batch", "by_batch")
    return list(rows.order_by("-ended_at", "-id")[:limit])


def batch_ids(source: LogSource, since: datetime | None, until: datetime | None) -> list[UUID]:
    """Return the ids of the batches to read again, oldest first."""
    return list(unread_batches(source, since, until).values_list("pk", flat=True))
