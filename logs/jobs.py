"""Long work: files cut into parts, the portal's own logs, and reading again; each part is one transaction."""

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.utils import timezone

from logs.actions.again import read_batch_again
from logs.actions.own import Shipped, ensure_own_source, ship_part
from logs.actions.prune import BATCH, prune_own_files, prune_record_keys, prune_streams
from logs.actions.record import Envelope, record_events
from logs.answers import DeliveryAnswer
from logs.bodies import GZIP, BodyError
from logs.intake import ContentKeys
from logs.kinds import Format
from logs.models import Delivery, LogSource
from logs.ownsources import OWN_SOURCES, OwnSource
from logs.parts import parts
from logs.queries.again import batch_ids
from tenants.kinds import Actor, Cancelled
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Progress

STREAMS_KEPT: Final = timedelta(days=30)
"""How long the numbers of a stream are followed after its last record."""

_COUNTED: Final = ("read", "superseded", "resolved", "unchanged", "kept")


@dataclass(slots=True)
class FileAnswer:
    """What a delivered file became: the sums over its parts."""

    batches: list[DeliveryAnswer] = field(default_factory=list)
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    ignored: int = 0
    quarantined: int = 0
    bytes_read: int = 0

    def add(self, answer: DeliveryAnswer, size: int) -> None:
        """Add a part; a part that was delivered before counts as duplicates."""
        self.batches.append(answer)
        self.bytes_read += size
        self.received += answer.received
        self.ignored += answer.ignored
        self.quarantined += answer.quarantined
        self.stored += 0 if answer.replayed else answer.stored
        self.duplicates += answer.duplicates + (answer.stored if answer.replayed else 0)


def ingest_file(
    *, tenant: Tenant, source: LogSource, file: IO[bytes], by: Actor, say: Callable[[FileAnswer], None]
) -> FileAnswer:
    """Deliver an open file (gzip too) to a source in parts of 16 MB; ``say`` is told after each committed part.

    Safe to run again: parts that are stored change nothing. Raises `BodyError` when the file is empty, damaged gzip, or
    one JSON document longer than a delivery may be.
    """
    total, keys, number = FileAnswer(), ContentKeys(source.pk), 0
    named = bool((source.mapping or {}).get("header"))
    for number, body in enumerate(_sound(parts(_plain(file), Format(source.format), named=named)), start=1):
        with tenant_scope(tenant):
            envelope = Envelope(door="file", keys=keys, note={"part": number})
            answer = record_events(source=source, body=body, door=envelope, by=by)
        total.add(answer, len(body))
        say(total)
    if not number:
        raise BodyError(400, "empty", "The file is empty: nothing is stored.")
    return total


def _sound(bodies: Iterator[bytes]) -> Iterator[bytes]:
    """Give the parts until the file turns out to be damaged gzip."""
    try:
        yield from bodies
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        sentence = "The packed file is damaged or was cut: what was stored before that stays. Deliver the whole file."
        raise BodyError(400, "damaged", sentence) from error


def _plain(file: IO[bytes]) -> IO[bytes]:
    """Return the file, unpacked where it is gzip; what is not seekable (standard input) is looked into by peeking."""
    peek = getattr(file, "peek", None)
    begin = peek(2)[:2] if peek else b""
    return gzip.GzipFile(fileobj=file) if begin == GZIP else file  # type: ignore[return-value]  # it reads as a file


def prune(progress: Progress, tenant: Tenant) -> dict[str, int]:
    """Remove keys of records that nobody sends again, and delivered files of the own logs; run once a day."""
    by, now = Actor.system("scheduler", tenant.pk), timezone.now()
    last_sent = now - timedelta(days=settings.COUNTERSIGN_RESEND_DAYS)
    keys, removed = 0, BATCH
    while removed == BATCH:
        with tenant_scope(tenant):
            removed = prune_record_keys(before=last_sent, by=by)
        keys += removed
        progress.step(keys, 0, "Keys of records that nobody sends again")
    with tenant_scope(tenant):
        prune_streams(before=now - STREAMS_KEPT, by=by)
    written = now - timedelta(days=settings.COUNTERSIGN_OWN_LOG_DAYS)
    data = Path(settings.COUNTERSIGN_DATA)
    return {"keys": keys, "files": sum(_prune_own(own, tenant, data, written, by) for own in OWN_SOURCES)}


def _prune_own(own: OwnSource, tenant: Tenant, data: Path, before: datetime, by: Actor) -> int:
    with tenant_scope(tenant):
        source = LogSource.objects.filter(key=own.key).first()
        if source is None:
            return 0
        own.rotate(data)
        return len(prune_own_files(source=source, own=own, data=data, before=before, by=by))


def read_again(
    progress: Progress, tenant: Tenant, source_id: int, since: str, until: str, asked_by: str
) -> dict[str, int]:
    """Read a source's records again that an older parser or mapping has read, and were received between two moments.

    The moments are RFC 3339 texts, "" for no bound. Each batch is a transaction of its own: what is done stays, and a
    second run goes on where the first one stopped.

    Raises:
        Cancelled: the person no longer wants it; batches that were read again stay so.
    """
    by, totals = Actor.system(f"read again for {asked_by}", tenant.pk), Counter[str]()
    begin, end = (datetime.fromisoformat(text).astimezone(UTC) if text else None for text in (since, until))
    with tenant_scope(tenant):
        source = LogSource.objects.get(pk=source_id)
        ids = batch_ids(source, begin, end)
    for number, batch_id in enumerate(ids):
        message = f"Reading batch {number + 1:,} of {len(ids):,} again"
        try:
            progress.step(number, len(ids), message)
        except Cancelled:
            sentence = f"Cancelled. {number:,} of {len(ids):,} batches were read again and stay so; go on at any time."
            raise Cancelled(sentence) from None
        with tenant_scope(tenant):
            batch = Delivery.objects.select_related("source__tenant").get(pk=batch_id)
            answer = read_batch_again(batch=batch, by=by)
        if answer is not None:
            totals += Counter({"batches": 1, **{name: getattr(answer, name) for name in _COUNTED}})
    progress.step(len(ids), len(ids), "Every batch was read again")
    return {name: totals[name] for name in ("batches", *_COUNTED)}


def ship_own_logs(*, tenant: Tenant, data: Path, say: Callable[[str], None]) -> int:
    """Deliver what the portal's own logs hold that was not delivered before; return how many events were stored."""
    by = Actor.system("own-logs", tenant.pk)
    return sum(_ship(own, tenant, data, by, say) for own in OWN_SOURCES)


def _ship(own: OwnSource, tenant: Tenant, data: Path, by: Actor, say: Callable[[str], None]) -> int:
    paths, stored = own.files(data), 0
    if not paths:
        return 0
    with tenant_scope(tenant):
        source = ensure_own_source(own=own, by=by)
    if not source.enabled:
        return 0
    for path in paths:
        while shipped := _ship_part(tenant, source, path, by):
            stored += shipped.answer.stored if shipped.answer else 0
            if shipped.answer and shipped.answer.stored:
                say(f"{own.name}: {shipped.answer.stored} events from {shipped.path}, {shipped.filtered} left out.")
    return stored


def _ship_part(tenant: Tenant, source: LogSource, path: Path, by: Actor) -> Shipped | None:
    """Record one part in a transaction of its own."""
    try:
        with tenant_scope(tenant):
            return ship_part(source=source, path=path, by=by)
    except FileNotFoundError:
        return None  # rotated away between the look and the reading; the next look finds it under its new name
