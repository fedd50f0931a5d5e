"""Removing what is kept for a time only: keys of delivered records, and delivered files of the portal's own logs.

Nothing here is evidence: events, deliveries and their proofs stay.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.db import connections, transaction

from logs.models import LogSource, ReadPosition, SourceStream
from logs.ownsources import OwnSource
from logs.policies import can_prune
from logs.tailing import head_of, next_part
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.scope import current_tenant_id

BATCH: Final = 20_000
"""Keys removed in one transaction: what a resend may have to wait for stays under a second."""

_DELETE: Final = """
DELETE FROM logs_recordkey WHERE tenant_id = %(tenant)s AND received_at < %(before)s AND ctid = ANY (ARRAY(
    SELECT ctid FROM logs_recordkey WHERE tenant_id = %(tenant)s AND received_at < %(before)s
    ORDER BY received_at LIMIT %(limit)s
))
"""


@transaction.atomic
def prune_record_keys(*, before: datetime, by: Actor, limit: int = BATCH) -> int:
    """Remove up to ``limit`` keys of records that were last delivered before the moment; return how many went."""
    enforce(can_prune(by))
    with connections["default"].cursor() as cursor:
        cursor.execute(_DELETE, {"tenant": current_tenant_id(), "before": before, "limit": limit})
        count = int(cursor.rowcount)
    if count:
        audit("record_key.prune", by=by, target="Keys of delivered records", detail={"keys": count, "before": before})
    return count


@transaction.atomic
def prune_streams(*, before: datetime, by: Actor) -> int:
    """Forget the streams of numbered records that were last seen before the moment; return how many went."""
    enforce(can_prune(by))
    count, _kinds = SourceStream.objects.filter(seen_at__lt=before).delete()
    if count:
        audit("source_stream.prune", by=by, target="Streams of numbered records", detail={"streams": count})
    return count


@transaction.atomic
def prune_own_files(*, source: LogSource, own: OwnSource, data: Path, before: datetime, by: Actor) -> list[str]:
    """Remove the files of an own log that were last written before the moment and are delivered; return their names.

    The newest file stays, as its program may hold it open. The files go after the commit.
    """
    enforce(can_prune(by))
    old = [path for path in own.files(data)[:-1] if _written_before(path, before) and not _waits(source, path)]
    old += [path for path in own.files_aside(data)[:-1] if _written_before(path, before)]
    names = [path.name for path in old]
    if old:
        audit("own_log.prune", by=by, target=own.name, detail={"files": len(names), "newest": names[-1]})
        transaction.on_commit(lambda: _remove(old))
    return names


def _written_before(path: Path, moment: datetime) -> bool:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC) < moment


def _waits(source: LogSource, path: Path) -> bool:
    """Return whether a file holds a complete line that was not delivered."""
    head = head_of(path)
    if head is None:
        return False
    position = ReadPosition.objects.filter(source=source, head=head).first()
    return next_part(path, head, position.offset if position else 0, limit=1) is not None


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
