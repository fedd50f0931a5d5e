"""Opens a new epoch of a tenant's ledger after a restore that lost signed entries."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from ledger.kinds import EpochStart
from ledger.signer import EpochNotNeededError, RefusedToSignError, is_separate, open_epoch
from ledger.signerstate import SignerFilesError
from tenants.actions import start_epoch
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Runs as the system user of the signer; safe to run again after a crash."""

    help = (
        "Go on after a restore that lost signed entries: close the ledger's epoch and open the next one. Its first "
        "entry quotes the last signed checkpoint, what survived, the reason and the approver. It cannot be undone."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", required=True, help="whose ledger")
        parser.add_argument("--reason", required=True, help="what happened, for auditors")
        parser.add_argument("--approved-by", required=True, help="who decided that the lost entries are not to be had")

    def handle(self, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        if is_separate():
            raise CommandError("The signer's keys belong to another system user: run this command as that user.")
        announce = partial(_announce, tenant, options["reason"], options["approved_by"])
        try:
            signed = open_epoch(tenant.uuid, announce)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except (EpochNotNeededError, RefusedToSignError, SignerFilesError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{tenant.name} goes on as {signed.origin}, signed at {signed.size} leaves by both keys.")
        self.stdout.write("Tell clients and auditors: their older checkpoints speak of the epoch before.")


def _announce(tenant: Tenant, reason: str, approved_by: str, start: EpochStart) -> None:
    """Close the epoch and commit the first entry of the next."""
    with tenant_scope(tenant):
        start_epoch(start=start, reason=reason, approved_by=approved_by, by=Actor.system("installation", tenant.pk))
