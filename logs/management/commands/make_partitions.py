"""Makes the months of the event table ahead of time."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection
from django.utils import timezone

from logs.partitions import MONTHS_AHEAD, make_partitions


class Command(BaseCommand):
    """Makes this month's partition and those of the next months; run it as the owner, once a day is plenty."""

    help = "Make the event table's partitions for this month and the next ones (COUNTERSIGN_ROLE=owner)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ahead", type=int, default=MONTHS_AHEAD, help="months after the present one")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            made = make_partitions(connection, now=timezone.now(), ahead=max(1, options["ahead"]))
        except ProgrammingError as error:
            message = f"Partitions are made by the owner of the tables: set COUNTERSIGN_ROLE=owner. ({error})"
            raise CommandError(message) from error
        self.stdout.write(f"Made {', '.join(made)}." if made else "All months are there already.")
