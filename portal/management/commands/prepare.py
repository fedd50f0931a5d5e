"""Brings the database's schema up to date and makes the months of the event table ahead of time."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Does what only the owner of the tables may, in one process; `run` calls it at every start."""

    help = "Migrate and make the event table's next months (COUNTERSIGN_ROLE=owner)."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        if settings.COUNTERSIGN_ROLE != "owner":
            raise CommandError("Only the owner of the tables may prepare them: set COUNTERSIGN_ROLE=owner.")
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        call_command("make_partitions", stdout=self.stdout)
