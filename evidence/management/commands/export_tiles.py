"""Exports a tenant's ledger as static files that any C2SP tlog-tiles client reads."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.kinds import HASH_BYTES
from ledger.queries import latest_checkpoint
from ledger.tiles import TileError, edge, full_tiles, path_of
from ledger.tilestore import StoredTiles
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope

TILES_AHEAD = 128


class Command(BaseCommand):
    """Reads as the read-only role; holds hashes only, no log content."""

    help = (
        "Write the tree under the newest checkpoint as static files (C2SP tlog-tiles): checkpoint, tile/. Full tiles "
        "that are there already are not written again. Entries are left out: they are personal data."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="made if it is missing; one folder for each ledger and epoch")
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="whose ledger")

    def handle(self, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        using = settings.COUNTERSIGN_VERIFIER_CONNECTION
        with tenant_scope(tenant, using=using):
            signed = latest_checkpoint(tenant.uuid, using=using)
            if signed is None:
                raise CommandError("Nothing is signed yet: the signer writes the first checkpoint within a minute.")
            store = StoredTiles(tenant.uuid, signed.epoch, ahead=TILES_AHEAD, using=using)
            try:
                written = write_tree(options["folder"], signed.size, store)
            except TileError as error:
                raise CommandError(f"{error} Run verify_ledger.") from error
        # Last, so that a reader never sees a checkpoint whose tiles are not there yet.
        (options["folder"] / "checkpoint").write_text(signed.note, encoding="utf-8")
        self.stdout.write(f"{signed.origin}: {signed.size:,} entries, {written:,} tiles written.")


def write_tree(folder: Path, size: int, store: StoredTiles) -> int:
    """Write the tiles of a tree of this size that are not there yet; returns how many."""
    written = 0
    for level, count in full_tiles(size):
        for n in range(count):
            path = folder / path_of(level, n)
            if not path.exists():
                written += _write(path, store.read(level, n))
    for level, n, width in edge(size):
        written += _write(folder / path_of(level, n, width), store.read(level, n)[: width * HASH_BYTES])
    return written


def _write(path: Path, data: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return 1
