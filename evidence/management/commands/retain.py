"""Removes what is past its term: announced in the ledger, signed, and handed over where that is set up."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from evidence.anchoring import AnchorError, anchor
from evidence.erasures.carrying import carry_out
from ledger.signer import RefusedToSignError, SignerAwayError, sign_now
from ledger.signerstate import SignerFilesError
from logs.retaining import NotSettledError, planned, retain
from logs.retentionrole import BusyError
from tenants.models import Tenant


class Command(BaseCommand):
    """Runs once a day under `run`; safe to run again at any time, also after it was killed."""

    help = (
        "Remove events whose term has passed, and those that two officers have erased, in the ledger's order: "
        "announced, signed, handed over, removed. "
        "Ends with status 1 when something had to stay. It cannot be undone: look with --dry-run first."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")

    def handle(self, **options: Any) -> None:
        if settings.COUNTERSIGN_ROLE != "app":
            raise CommandError("Run it as the app role (leave COUNTERSIGN_ROLE unset): removing has a role of its own.")
        try:
            tenants = list(Tenant.objects.order_by("slug"))
            if options["dry_run"]:
                self._say_plan(tenants)
                return
            erasing = carry_out(tenants, settle=settle, say=self.stdout.write)
            outcome = retain(tenants, settle=settle, say=self.stdout.write)
        except (BusyError, OperationalError) as error:
            raise CommandError(str(error)) from error
        if not outcome.carried_out and not outcome.dropped and not outcome.faults:
            self.stdout.write("Nothing is past its term.")
        if faults := [*erasing, *outcome.faults]:
            raise CommandError("\n".join(faults))

    def _say_plan(self, tenants: list[Tenant]) -> None:
        """Print what would go."""
        plans = [(tenant, plan) for tenant in tenants for plan in planned(tenant)]
        for tenant, plan in plans:
            kinds = ", ".join(kind.label for kind in plan.kinds)
            self.stdout.write(
                f"{tenant.slug}: received in {plan.month:%Y-%m}: {plan.events:,} events and {plan.quarantined:,} "
                f"unreadable records would go, {plan.held:,} are held ({kinds})."
            )
        if not plans:
            self.stdout.write("Nothing is past its term.")


def settle(tenant: Tenant) -> None:
    """Have what was announced signed, and handed over to whoever is to hold it: only then may anything be removed."""
    try:
        sign_now(tenant.uuid)
        anchor(tenant)
    except (RefusedToSignError, SignerFilesError, SignerAwayError, AnchorError) as fault:
        raise NotSettledError(str(fault)) from fault
