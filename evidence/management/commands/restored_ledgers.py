"""Run on a restored copy: verifies every ledger and writes what it recomputed, for `report_restore` on the original."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from evidence.verification import verify_tenant
from ledger.queries import head, root_at
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Hashes everything that the copy holds again; it writes nothing to the copy."""

    help = "Verify the ledgers of a restored copy and write their sizes and recomputed roots to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the JSON file to write")

    def handle(self, **options: Any) -> None:
        found = []
        for tenant in Tenant.objects.order_by("slug"):
            report = verify_tenant(tenant)
            with tenant_scope(tenant):
                log = head(tenant.uuid)
                root = root_at(tenant.uuid, log.size).hex()
            failures = {str(name): count for name, count in report.findings.counts.items()}
            found.append(
                {"log": str(tenant.uuid), "epoch": log.epoch, "size": log.size, "root": root, "failures": failures}
            )
            self.stdout.write(f"{tenant.slug}: {log.size:,} entries, {'whole' if report.holds else 'NOT whole'}")
        told = {"restored_at": timezone.now().isoformat(), "ledgers": found}
        options["file"].write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
