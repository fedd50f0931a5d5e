"""Finds logs that are missing as a whole: an older copy of the database knows nothing of a tenant that came later.

Nothing inside such a database is wrong. What remembers the log lies outside of it: the signer's state, the anchors'
folder, checkpoints that somebody brings along; and the list of logs, where only the tenant was removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

from django.conf import settings

from evidence.findings import FailureClass, LogReport
from ledger.notes import NoteError, parse_checkpoint, parse_note
from ledger.queries import logs
from ledger.signermemory import signed_logs
from tenants.models import Tenant


def absent_logs(notes: Mapping[str, bytes], *, using: str = "default") -> list[LogReport]:
    """Returns a report with one finding for each log that no tenant has and that something else remembers.

    Args:
        notes: Checkpoints that the reader brings along, by file name.
        using: The database connection.
    """
    known = set(Tenant.objects.using(using).values_list("uuid", flat=True))
    found: dict[UUID, LogReport] = {}
    for log_id, origin, witness in _remembered(notes, using):
        if log_id in known:
            continue
        report = found.setdefault(log_id, LogReport(tenant=f"a tenant that is gone ({log_id})", origin=origin))
        detail = f"{witness} knows {origin or log_id}, no tenant in the database has it"
        report.findings.add(FailureClass.LOG_ROLLED_BACK, "the whole log", detail)
    return list(found.values())


def _remembered(notes: Mapping[str, bytes], using: str) -> Iterator[tuple[UUID, str, str]]:
    """Yields (log, origin, who remembers it)."""
    yield from ((log_id, origin, "the list of logs") for log_id, _epoch, origin in logs(using=using))
    yield from ((log_id, origin, "the signer") for log_id, origin in signed_logs())
    root = settings.COUNTERSIGN_ANCHOR_FOLDER
    for folder in sorted(Path(root).iterdir()) if root and Path(root).exists() else ():
        log_id = _uuid(folder.name)
        if log_id:
            yield log_id, "", "the anchors' folder"
    for name, note in notes.items():
        try:
            origin = parse_checkpoint(parse_note(note).text).origin
        except NoteError:
            continue  # the verification of each tenant names a note that is malformed
        start, _, rest = origin.partition("/t/")
        log_id = _uuid(rest.split("/")[0])
        if log_id and start == settings.COUNTERSIGN_INSTANCE:
            yield log_id, origin, name


def _uuid(text: str) -> UUID | None:
    """Reads a UUID; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None
