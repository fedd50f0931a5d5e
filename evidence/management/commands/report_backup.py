"""Tells every tenant that a backup was made, or that it failed: the evidence of Art. 32(1)(c) GDPR and SOC 2 A1.2."""

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence.registers.actions import Report, report_operation
from evidence.registers.kinds import Operation
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Runs after each backup; reads the file that was made, so that its size and hash are what lies there."""

    help = "Report a backup to every tenant: the file that it made, or --failed with the reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="the dump or archive that was made")
        parser.add_argument("--failed", default="", metavar="WHY", help="the backup failed, and why")

    def handle(self, **options: Any) -> None:
        report = _report(options["file"], options["failed"].strip())
        for tenant in Tenant.objects.order_by("slug"):
            with tenant_scope(tenant):
                report_operation(report=report, by=Actor.system("report_backup", tenant.pk))
        self.stdout.write("Reported to every tenant.")


def _report(file: Path | None, failed: str) -> Report:
    """Return what is reported; an empty or missing file is no backup."""
    if failed:
        return Report(Operation.BACKUP, timezone.now(), succeeded=False, what=file.name if file else "", said=failed)
    if file is None:
        raise CommandError("Name the file that the backup made, or say --failed with the reason.")
    try:
        with file.open("rb") as body:
            digest = hashlib.file_digest(body, "sha256").hexdigest()
        size = file.stat().st_size
    except OSError as error:
        raise CommandError(f"The backup cannot be read: {error}. If it failed, report that with --failed.") from error
    if not size:
        raise CommandError("The backup is empty: report it with --failed.")
    return Report(Operation.BACKUP, timezone.now(), succeeded=True, what=file.name, sha256=digest, size_bytes=size)
