"""Measures backups and restore tests as the host's tools report them; what nobody reports is no data."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row, days_between

EVERY = timedelta(hours=24)
REPORTS = """
SELECT operation, done_at, succeeded, what, sha256, size_bytes, ledger_size, ledger_root, root_agrees, said,
    reported_at, reported_by
FROM evidence_operatingreport WHERE tenant_id = %(tenant)s AND reported_at < %(as_of)s AND done_at < %(as_of)s
ORDER BY done_at, id
"""
COLUMNS = (
    *("operation", "done_at", "succeeded", "what", "sha256", "size_bytes", "ledger_size", "ledger_root"),
    *("root_agrees", "said", "reported_at", "reported_by"),
)


def measure(frame: Frame) -> KindEvidence:
    """Return backups of the period against one a day, and the age of the last good backup and restore test."""
    asked = Asked(frame)
    found = asked.rows(REPORTS)
    asked.parameters["a_backup_is_due_every_hours"] = str(int(EVERY.total_seconds() // 3600))
    backups = [row for row in found if row["operation"] == "backup"]
    good = [row["done_at"] for row in backups if row["succeeded"]]
    tests = [row for row in found if row["operation"] == "restore"]
    tried = [row["done_at"] for row in tests if row["succeeded"]]
    age = days_between(max(good, default=None), frame.as_of)
    due, missed = due_and_missed(good, backups, frame)
    in_period = [row for row in found if row["done_at"] >= frame.period.start]
    metrics = {
        "runs_due": due,
        "runs_failed": missed + sum(not row["succeeded"] for row in in_period if row["operation"] == "backup"),
        "last_good_hours": None if age is None else age * 24,
        "days_since_restore_test": days_between(max(tried, default=None), frame.as_of),
        "restore_root_mismatches": sum(row["root_agrees"] is False for row in in_period) if tests else None,
    }
    notes = (
        said(
            "A backup is due in every 24 hours from the first one that was reported; a day without a good one counts "
            "as failed. Reports come from manage.py report_backup and report_restore on the host: the portal does not "
            "see the backup itself."
        ),
    )
    return asked.answer(
        "backup", metrics, in_period, columns=COLUMNS, notes=notes, title=said("Backups and restore tests")
    )


def due_and_missed(good: Sequence[datetime], backups: Sequence[Row], frame: Frame) -> tuple[int, int]:
    """Return how many whole days of the period ask for a backup, and in how many there was no good one.

    Days count back from the end of what is known, in steps of 24 hours, to the period's start or the first report.
    """
    if not backups:
        return 0, 0
    begin = max(frame.period.start, backups[0]["done_at"] - EVERY)
    due, missed, end = 0, 0, frame.as_of
    while end - EVERY >= begin:
        due += 1
        missed += not any(end - EVERY <= at < end for at in good)
        end -= EVERY
    return (due, missed) if due else (1, int(not good))
