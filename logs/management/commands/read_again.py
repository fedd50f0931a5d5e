"""Reads a source's old records again from the command line."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from logs.jobs import read_again
from logs.kinds import ParseError
from logs.models import LogSource
from logs.queries.again import unread
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope
from tenants.work import run_now


class Command(BaseCommand):
    """Supersedes what a newer parser or mapping reads otherwise, batch by batch; running it again goes on."""

    help = (
        "Read the records of a source again that an older parser or mapping has read; nothing that is stored changes."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="key of the source")
        parser.add_argument("--tenant", required=True, help="short name of the tenant")
        parser.add_argument("--since", type=_moment, help="received from, ISO 8601 (UTC without an offset)")
        parser.add_argument("--until", type=_moment, help="received before, likewise")
        parser.add_argument("--dry-run", action="store_true", help="say how many records there are, and do nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        since, until = options["since"] or "", options["until"] or ""
        with tenant_scope(tenant):
            source = LogSource.objects.filter(key=options["source"]).first()
            if source is None:
                raise CommandError(f"There is no source {options['source']!r}.")
            window = (datetime.fromisoformat(text) if text else None for text in (since, until))
            waiting = unread(source, *window)
        self.stdout.write(f"{waiting.records:,} records in {waiting.batches:,} batches; {waiting.reader} reads now.")
        if options["dry_run"]:
            return
        try:
            told = run_now(read_again, tenant, source.pk, since, until, "the command line", out=self.stderr)
        except ParseError as error:
            raise CommandError(f"The records cannot be read. {error.reason}") from error
        self.stdout.write(
            f"{told['read']:,} records read again: {told['superseded']:,} superseded, {told['resolved']:,} left "
            f"quarantine, {told['unchanged']:,} the same, {told['kept']:,} stay as they were."
        )


def _moment(text: str) -> str:
    """Return an ISO 8601 text with its offset; argparse says what is wrong with another."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
