"""Proves that a later checkpoint of a ledger continues an earlier one."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.merkle import ProofError
from ledger.notes import NoteError, parse_checkpoint, parse_note, parse_vkey
from ledger.proofs import verify_growth
from ledger.queries import NotSignedError, growth_proof
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Reads as the read-only role."""

    help = (
        "Prove that a checkpoint continues an earlier one: give the earlier one as its size, or as the file that "
        "somebody kept. The proof is what a C2SP witness takes; witness.py checks it elsewhere."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("old", help="size of the earlier checkpoint, or a file that holds it")
        parser.add_argument("new", nargs="?", type=int, help="size of the later checkpoint (default: the newest)")
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="whose ledger")
        parser.add_argument("--key", default="", metavar="VKEY", help="check with this ledger key before printing")

    def handle(self, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        try:
            kept = "" if options["old"].isdecimal() else Path(options["old"]).read_text(encoding="utf-8")
            size = parse_checkpoint(parse_note(kept).text).size if kept else int(options["old"])
            text = _prove(tenant, size, options["new"])
            if kept and options["key"]:
                verify_growth(kept, text, [parse_vkey(options["key"])])
        except (OSError, NoteError, ProofError, NotSignedError, ValueError) as error:
            raise CommandError(f"There is no such proof: {error}") from error
        self.stdout.write(text, ending="")


def _prove(tenant: Tenant, old: int, new: int | None) -> str:
    """Read the proof as the role that can change nothing."""
    using = settings.COUNTERSIGN_VERIFIER_CONNECTION
    with tenant_scope(tenant, using=using):
        return growth_proof(tenant.uuid, old, new, using=using)
