"""Verifies the ledger of every tenant, or of some, and says what failed by class."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from evidence.absence import absent_logs
from evidence.findings import LogReport
from evidence.verification import HeldElsewhere, verify_tenant
from ledger.notes import NoteError, parse_vkey
from tenants.models import Tenant
from tenants.work import Printed, Silent


class Command(BaseCommand):
    """Reads as the read-only role; ends with an error when anything was found. Ctrl-C stops it at any time."""

    help = (
        "Hashes everything stored again and compares it with the ledger, its checkpoints and the signer's own record. "
        "Ends with status 1 when anything failed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", action="append", metavar="SLUG", help="only this tenant; may be given again")
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="VKEY",
            help="a ledger key from elsewhere; may be repeated",
        )
        parser.add_argument(
            "--against",
            action="append",
            default=[],
            type=Path,
            metavar="PATH",
            help="a checkpoint that somebody else kept, or a folder of them (*.txt); may be repeated",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report to this file")
        parser.add_argument("--quiet", action="store_true", help="print no progress")

    def handle(self, **options: Any) -> None:
        using = settings.COUNTERSIGN_VERIFIER_CONNECTION
        try:
            tenants = self._tenants(options["tenant"], using)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        progress = Silent() if options["quiet"] else Printed(sys.stdout)
        held, reports = self._held(options), []
        for tenant in tenants:
            self.stdout.write(f"{tenant.name} ({tenant.slug})")
            reports.append(verify_tenant(tenant, progress=progress, using=using, held=held))
            self._say(reports[-1])
        for report in absent_logs(held.notes, using=using) if not options["tenant"] else ():
            self.stdout.write(report.tenant)
            reports.append(report)
            self._say(report)
        if options["json"]:
            text = json.dumps([report.as_json() for report in reports], indent=1, ensure_ascii=False)
            options["json"].write_text(text + "\n", encoding="utf-8")
        failed = [report.tenant for report in reports if not report.holds]
        if failed:
            raise CommandError(f"Verification failed for {', '.join(failed)}.")
        self.stdout.write(f"Everything holds: {sum(report.size for report in reports):,} leaves.")

    def _held(self, options: dict[str, Any]) -> HeldElsewhere:
        """Reads the keys and checkpoints that the reader brings along."""
        try:
            keys = tuple(parse_vkey(text.strip()) for text in options["key"])
            paths = [file for path in options["against"] for file in _files(path)]
            return HeldElsewhere(keys, {str(path): path.read_bytes() for path in paths})
        except (NoteError, OSError) as error:
            raise CommandError(f"What you brought along cannot be read: {error}") from error

    def _tenants(self, slugs: list[str] | None, using: str) -> list[Tenant]:
        """Finds the tenants that were asked for."""
        rows = Tenant.objects.using(using).order_by("slug")
        found = list(rows.filter(slug__in=slugs) if slugs else rows)
        unknown = set(slugs or ()) - {tenant.slug for tenant in found}
        if unknown:
            raise CommandError(f"There is no tenant {', '.join(sorted(unknown))}.")
        return found

    def _say(self, report: LogReport) -> None:
        """Prints what was covered and what was found."""
        self.stdout.write(
            f"  {report.size:,} leaves: {report.events:,} events in {report.deliveries:,} deliveries, {report.deeds:,} "
            f"audit entries; {report.checkpoints:,} checkpoints, signed up to {report.signed_size:,}; "
            f"key from {report.key_from or 'nowhere yet'}; {report.seconds:.1f} s."
        )
        if report.epochs > 1:
            self.stdout.write(
                f"  {report.epochs} epochs; a restore lost {report.lost:,} signed leaves, and the log says so."
            )
        if report.held:
            self.stdout.write(f"  Compared with {report.held:,} checkpoints that were held elsewhere.")
        for prune in report.prunes:
            self.stdout.write(
                f"  Removed under retention: {prune.leaves:,} of {prune.announced:,} announced events received in "
                f"{prune.month}; ledger entry {prune.leaf:,} says so."
            )
        for erasure in report.erasures:
            self.stdout.write(
                f"  Erased by the deed at ledger entry {erasure.leaf:,}: {erasure.leaves:,} of {erasure.announced:,} "
                f"records ({erasure.legal_ref}){'' if erasure.removed else '; confirmed, not carried out yet'}."
            )
        if report.silences:
            self.stdout.write(
                f"  Nothing was written, not even a heartbeat, {report.silences:,} times for more than an hour; "
                f"at most {report.longest_silence / 3600:.1f} hours."
            )
        for failure, count in sorted(report.findings.counts.items()):
            self.stdout.write(f"  FAILED {failure}: {count:,}. {failure.meaning}")
        for finding in report.findings.shown:
            self.stdout.write(f"    {finding.failure}: {finding.where}: {finding.detail}")


def _files(path: Path) -> list[Path]:
    """Returns the file, or the checkpoints in a folder and those below it."""
    return sorted(path.rglob("*.txt")) if path.is_dir() else [path]
