"""Imports a kept delivery: the background half of `stage_snapshot`."""

import zlib
from dataclasses import replace

from identities.actions import import_snapshot
from identities.kinds import SnapshotUpload
from identities.models import Snapshot, SnapshotFile, System
from tenants.kinds import Actor
from tenants.work import Progress


def import_staged(
    *, system: System, file_id: int, upload: SnapshotUpload, by: Actor, progress: Progress | None = None
) -> Snapshot:
    """Imports a kept file; running it twice gives the snapshot that the first run stored."""
    kept = SnapshotFile.objects.get(pk=file_id)
    known = Snapshot.objects.filter(system=system, captured_at=upload.captured_at, raw_sha256=kept.sha256).first()
    if known is not None:
        return known
    full = replace(upload, body=zlib.decompress(kept.packed))
    return import_snapshot(system=system, upload=full, by=by, progress=progress)
