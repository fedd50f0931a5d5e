"""Migrates, but no database that stopped in the middle of migrations which others replace (docs/adr/0022)."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

Key = tuple[str, str]


def half_way(files: Mapping[Key, Migration], applied: Collection[Key]) -> list[str]:
    """Return the apps in which only some of what a migration replaces was applied, and the rest has no file any more.

    Django would leave out the migration that replaces, without a word where no other one stands on it.
    """
    apps = set()
    for (app, _name), migration in files.items():
        done = [old in applied for old in migration.replaces if old not in files]
        if any(done) and not all(done):
            apps.add(app)
    return sorted(apps)


class Command(DjangoCommand):
    """Django's own command behind that one question."""

    def handle(self, *args: Any, **options: Any) -> None:
        applied = MigrationRecorder(connections[options["database"]]).applied_migrations()
        if apps := half_way(MigrationLoader(None).disk_migrations, applied):
            raise CommandError(
                f"This database stopped in the middle of migrations that this version replaces ({', '.join(apps)}): "
                "bring it to the end of the version before first (docs/operating.md, Upgrade). Nothing was changed."
            )
        super().handle(*args, **options)
