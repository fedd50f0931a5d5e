"""Replaces the keys that sign the ledgers."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.signer import RefusedToSignError, is_separate, rotate, signer_files
from ledger.signerstate import SignerFilesError
from tenants.actions import announce_key
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.queries import all_tenants, tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Runs as the system user of the signer, beside the running signer; safe to run again after a crash."""

    help = (
        "Replace the key that signs a ledger, or all of them and the master key behind them. An entry announces the "
        "new key, one checkpoint is signed by both, and the old key is destroyed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", default="", help="only this tenant's; otherwise all")
        parser.add_argument("--reason", required=True, help="why, for auditors; it stands in the ledger")

    def handle(self, **options: Any) -> None:
        if is_separate():
            raise CommandError("The signer's keys belong to another system user: run this command as that user.")
        if not options["reason"].strip():
            raise CommandError("Say why the key is replaced: auditors read it.")
        chosen = tenant_by_slug(options["tenant"]) if options["tenant"] else None
        if options["tenant"] and chosen is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        failed = sum(not self._rotate(tenant, options["reason"]) for tenant in ([chosen] if chosen else all_tenants()))
        if failed:
            raise CommandError(f"{failed} of the keys were not replaced.")
        if chosen is None:
            signer_files().renew_master()
            self.stdout.write("The master key, from which keys of new ledgers come, was replaced too.")
        self.stdout.write("Give the new keys to clients and auditors; the old ones lead to them through every pack.")

    def _rotate(self, tenant: Tenant, reason: str) -> bool:
        try:
            done = rotate(tenant.uuid, partial(_announce, tenant, reason))
        except (RefusedToSignError, SignerFilesError) as error:
            self.stderr.write(f"{tenant.slug}: not replaced. {error}")
            return False
        self.stdout.write(f"{tenant.slug}: both keys signed the checkpoint of {done.size:,} leaves.")
        self.stdout.write(f"  old {done.old}\n  new {done.new}")
        return True


def _announce(tenant: Tenant, reason: str, old: str, new: str) -> None:
    """Commit the entry that announces the new key."""
    with tenant_scope(tenant):
        announce_key(old=old, new=new, reason=reason, by=Actor.system("installation", tenant.pk))
