"""Tells every tenant of a restore that was tried: whether the copy recomputed the root that its ledger has."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence.registers.actions import Report, report_operation
from evidence.registers.kinds import Operation
from ledger.queries import root_at
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Runs on the original with what `restored_ledgers` wrote on the copy; ends with status 1 where they differ."""

    help = "Report a restore test to every tenant, from the file that restored_ledgers wrote on the restored copy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="what restored_ledgers wrote")
        parser.add_argument("--failed", default="", metavar="WHY", help="the restore failed, and why")

    def handle(self, **options: Any) -> None:
        told = {} if options["failed"].strip() else _read(options["file"])
        differ = []
        for tenant in Tenant.objects.order_by("slug"):
            with tenant_scope(tenant):
                report = _report(tenant, told, options["failed"].strip())
                report_operation(report=report, by=Actor.system("report_restore", tenant.pk))
            if not report.succeeded or not report.root_agrees:
                differ.append(f"{tenant.slug}: {report.said}")
        if differ:
            raise CommandError("Reported. The restore is not whole. " + " ".join(differ))
        self.stdout.write("Reported to every tenant: each restored ledger has the root that it had.")


def _read(file: Path | None) -> dict[str, Any]:
    """Return what the copy recomputed, by the log's id, with the moment."""
    if file is None:
        raise CommandError("Name the file that restored_ledgers wrote, or say --failed with the reason.")
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        at = datetime.fromisoformat(told["restored_at"])
        logs = {
            row["log"]: (int(row["epoch"]), int(row["size"]), str(row["root"]), row["failures"])
            for row in told["ledgers"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"This is no file of restored_ledgers: {error}.") from error
    if at > timezone.now():
        raise CommandError("The file says that the restore lies in the future: compare the clocks of both machines.")
    return {"at": at, "logs": logs}


def _report(tenant: Tenant, told: Mapping[str, Any], failed: str) -> Report:
    """Return what is reported to a tenant; a copy that lacks its ledger is a failed restore."""
    at = told.get("at", timezone.now())
    found = told.get("logs", {}).get(str(tenant.uuid))
    if found is None:
        return Report(Operation.RESTORE, at, succeeded=False, said=failed or "The restored copy lacks this ledger.")
    epoch, size, root, failures = found
    try:
        agrees = root_at(tenant.uuid, size, epoch=epoch).hex() == root and not failures
    except ValueError:
        agrees = False
    said = "" if agrees else f"At {size} entries the copy has another root than this ledger, or is not whole."
    return Report(Operation.RESTORE, at, True, ledger_size=size, ledger_root=root, root_agrees=agrees, said=said)  # noqa: FBT003 -- it ended
