"""Delivers a log file to a source from the command line."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from logs.actions import SourcePlan, add_source
from logs.bodies import BodyError
from logs.jobs import FileAnswer, ingest_file
from logs.kinds import Format, ParseError
from logs.models import Grade, LogSource
from tenants.kinds import Actor, Refused
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Stores a file's records, in parts, with progress; running it again stores nothing twice."""

    help = "Deliver a log file (or - for standard input; gzip too) to a source of a tenant."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the file, or - for standard input")
        parser.add_argument("--tenant", required=True, help="short name of the tenant")
        parser.add_argument("--source", required=True, help="key of the source; made when --format is given")
        parser.add_argument("--format", choices=Format.values, help="format of a source that is to be made")
        parser.add_argument("--year", type=int, help="year of the first record, for formats without one")
        parser.add_argument("--time-zone", default="UTC", help="IANA zone of records without one")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        by = Actor.system("ingest", tenant.pk)
        source = self.source(tenant, options, by)
        try:
            with opened(options["file"]) as file:
                total = ingest_file(tenant=tenant, source=source, file=file, by=by, say=self.progress)
        except (OSError, BodyError, Refused, ParseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{total.received:,} records: {total.stored:,} stored, {total.duplicates:,} were there before, "
            f"{total.ignored:,} are no access events, {total.quarantined:,} in quarantine."
        )

    def progress(self, total: FileAnswer) -> None:
        """Show how far the file is stored."""
        self.stderr.write(f"{total.bytes_read:,} bytes read, {total.stored:,} events stored")

    def source(self, tenant: Tenant, options: dict[str, Any], by: Actor) -> LogSource:
        """Return the source, making it where a format is given."""
        with tenant_scope(tenant):
            found = LogSource.objects.select_related("tenant").filter(key=options["source"]).first()
            if found is not None:
                return found
            if not options["format"]:
                raise CommandError(f"There is no source {options['source']!r}: name its --format to make it.")
            plan = SourcePlan(
                name=options["source"],
                key=options["source"],
                format=Format(options["format"]),
                year=options["year"],
                time_zone=options["time_zone"],
                grade=Grade.MANUAL,
            )
            try:
                return add_source(plan=plan, by=by)
            except ValidationError as error:
                raise CommandError(f"The source cannot be made. {' '.join(error.messages)}") from error


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """Open a file by name; "-" is standard input."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file
