"""Keeping the numbers of records, in the transaction that stores the delivery and under its source's lock."""

from datetime import datetime

from logs.models import LogSource, SourceStream
from logs.sequences import Seen, Track, follow
from tenants.scope import current_tenant_id


def keep_numbers(source: LogSource, seen: Seen, at: datetime) -> None:
    """Add the numbers of one delivery to what is known of the source's streams; no statement without numbers."""
    if not seen.streams:
        return
    rows = SourceStream.objects.filter(source_id=source.pk, stream__in=list(seen.streams))
    known = {
        row.stream: Track(row.first, [(first, last) for first, last in row.runs], row.lost, row.restarts)
        for row in rows
    }
    kept = []
    for stream, runs in sorted(seen.streams.items()):
        track = follow(known.get(stream), runs)
        kept.append(
            SourceStream(
                tenant_id=current_tenant_id(),
                source_id=source.pk,
                stream=stream,
                first=track.first,
                runs=list(track.runs),
                lost=track.lost,
                restarts=track.restarts,
                missing=track.missing,
                seen_at=at,
            )
        )
    SourceStream.objects.bulk_create(
        kept,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["tenant_id", "source_id", "stream"],
        update_fields=["first", "runs", "lost", "restarts", "missing", "seen_at"],
    )
