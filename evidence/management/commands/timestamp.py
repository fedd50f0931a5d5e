"""Carries time stamps by hand, where the portal has no way to a time-stamping authority."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from evidence.actions import keep_anchor
from evidence.holders import TSA, Holder, HoldersError, holders_of
from evidence.timestamps import TimestampError, keep_token, make_query
from ledger.queries import checkpoint_of_note
from ledger.signer import sign_now
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Writes a request, or takes an answer in."""

    help = (
        "Time stamps of RFC 3161 by hand. `timestamp query FOLDER` writes checkpoint.txt and checkpoint.tsq; carry the "
        "request to the authority (curl -H 'Content-Type: application/timestamp-query' --data-binary @checkpoint.tsq), "
        "and take its answer in with `timestamp keep FOLDER`, which reads checkpoint.txt and checkpoint.tsr."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=("query", "keep"))
        parser.add_argument("folder", type=Path)
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="whose ledger")
        parser.add_argument("--name", default="", help="the authority, as its line of COUNTERSIGN_HOLDERS ends")

    def handle(self, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        try:
            if options["deed"] == "query":
                self._query(tenant, options["folder"])
            else:
                self._keep(tenant, options["folder"], options["name"])
        except (OSError, HoldersError, TimestampError, LookupError) as fault:
            raise CommandError(str(fault)) from fault

    def _query(self, tenant: Tenant, folder: Path) -> None:
        """Write a checkpoint and the request over it."""
        note = sign_now(tenant.uuid).note.encode()
        query = make_query(note)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint.txt").write_bytes(note)
        (folder / "checkpoint.tsq").write_bytes(query)
        self.stdout.write(f"{folder / 'checkpoint.tsq'} asks for a time stamp over {folder / 'checkpoint.txt'}.")

    def _keep(self, tenant: Tenant, folder: Path, name: str) -> None:
        """Keep an authority's answer with its checkpoint."""
        holder = _authority(tenant, name)
        note, token = (folder / "checkpoint.txt").read_bytes(), (folder / "checkpoint.tsr").read_bytes()
        certificates = Path(holder.key).read_text(encoding="ascii")
        with tenant_scope(tenant):
            signed = checkpoint_of_note(tenant.uuid, note.decode())
            receipt = keep_token(token, note, certificates, place="by hand", name=holder.name)
            keep_anchor(signed=signed, receipt=receipt, by=Actor.system("anchors", tenant.pk))
        if receipt.remark:
            raise CommandError(f"The answer is kept, and carries no claim. {receipt.remark}")
        self.stdout.write(
            f"{holder.name} holds {signed.size:,} entries since {receipt.stated_at:%Y-%m-%d %H:%M:%S} UTC."
        )


def _authority(tenant: Tenant, name: str) -> Holder:
    """Find the authority whose certificates are set."""
    known = holders_of(settings.COUNTERSIGN_HOLDERS, tenant.slug, TSA)
    found = [row for row in known if name in {"", row.name}]
    if len(found) != 1:
        names = ", ".join(row.name for row in known) or "none"
        raise CommandError(f"Name one authority of COUNTERSIGN_HOLDERS with --name (there are: {names}).")
    return found[0]
