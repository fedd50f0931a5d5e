"""Searches a tenant's events from the command line, in the language of the search page."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.actions import export_events, look_at_events
from logs.exporting import exported, manifest
from logs.exports import FORMS
from logs.models import AccessEvent, EventExport
from logs.queries import Filters, condition, search_events
from logs.querylang import QueryError, parse, span, written
from tenants.kinds import Actor, Purpose
from tenants.models import Tenant
from tenants.queries import purpose_list, tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Prints the newest events that match, or writes all of them to a file with a manifest beside it."""

    help = "Search a tenant's events: search northwind 'user:ana outcome:denied after:7d'. Looking is recorded."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("query", nargs="?", default="", help="the query; docs/search.md explains it")
        parser.add_argument("--days", type=int, default=7, help="length of the window where the query names none")
        parser.add_argument("--limit", type=int, default=50, help="most events to print, newest first")
        parser.add_argument("--form", choices=sorted(FORMS), default="ndjson", help="form of the file")
        parser.add_argument("--purpose", default="", help="what for: one of the tenant's purposes of looks")
        parser.add_argument("--reference", default="", help="a ticket, case or request")
        parser.add_argument("--export", type=Path, help="write all that matches to this file, and FILE.manifest.json")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        if not (1 <= options["days"] <= 36_500 and 1 <= options["limit"] <= 100_000):
            raise CommandError("Give 1 to 36,500 days and 1 to 100,000 events; --export has no limit.")
        stated = Purpose(options["purpose"], options["reference"]) if options["purpose"] else None
        by = replace(Actor.system("search", tenant.pk), purpose=stated)
        try:
            with tenant_scope(tenant):
                self.check_purpose(stated)
                text, filters = self.asked(tenant, options)
                facts = {"q": text, "since": filters.since, "until": filters.until}
                if options["export"] is None:
                    self.show(filters, facts, options["limit"], by)
                    return
                export_id = uuid4()
                export_events(export_id=export_id, form=options["form"], asked=facts, by=by)
        except QueryError as wrong:
            raise CommandError(wrong.sentence) from wrong
        body = exported(export_id=export_id, tenant=tenant, form=options["form"], q=text, filters=filters, by=by)
        try:
            with options["export"].open("wb") as file:
                file.writelines(body)
            self.seal(tenant, export_id, options["export"])
        except OSError as error:
            raise CommandError(f"The file cannot be written: {error}") from error

    def check_purpose(self, stated: Purpose | None) -> None:
        """Refuse a purpose that the tenant does not list."""
        kept = purpose_list() if stated else None
        if stated and kept and stated.name not in kept.names:
            raise CommandError(f"--purpose is none of the tenant's purposes: {', '.join(kept.names)}.")

    def asked(self, tenant: Tenant, options: dict[str, Any]) -> tuple[str, Filters]:
        """Return the query as it was read, and what it asks for.

        Raises:
            QueryError: it cannot be read.
        """
        query, now, days = parse(options["query"]), timezone.now() + timedelta(minutes=2), options["days"]
        usual = timedelta(days=days)
        since, until = span(query, zone=tenant.zone, now=now, usual=usual) or (now - usual, now)
        return written(query), Filters(since, until, condition(query))

    def show(self, filters: Filters, facts: dict[str, Any], limit: int, by: Actor) -> None:
        """Print the newest events, one line each, and the window."""
        page = search_events(filters, limit=limit)
        look_at_events(what="Search, by the command line", asked=facts, shown=len(page.events), by=by)
        for event in page.events:
            self.stdout.write(line(event))
        more = "; there are more" if page.cursor else ""
        window = f"from {filters.since:%Y-%m-%d %H:%M:%S} up to {filters.until:%Y-%m-%d %H:%M:%S} UTC"
        self.stderr.write(f"{len(page.events)} events {window}{more}.")

    def seal(self, tenant: Tenant, export_id: UUID, path: Path) -> None:
        """Write the manifest beside the file."""
        with tenant_scope(tenant):
            facts = manifest(EventExport.objects.get(pk=export_id), tenant)
        beside = path.with_name(path.name + ".manifest.json")
        beside.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        self.stderr.write(f"{facts['rows']:,} events in {path}, SHA-256 {facts['sha256']}; the manifest is {beside}.")


def line(event: AccessEvent) -> str:
    """Return an event as one line: when, outcome, who, what, from where, to what."""
    outcome = {1: "allowed", 2: "denied"}.get(event.status_id, "unstated")
    target = event.target_name or event.resource or event.table or event.database or event.dst_host
    parts = (event.actor_name or event.actor_uid, event.action, event.src_ip or event.src_host, target)
    words = "  ".join("".join(c if c.isprintable() else "\ufffd" for c in part) or "-" for part in parts)
    return f"{event.occurred_at:%Y-%m-%dT%H:%M:%SZ}  {outcome:8}  {words}  {event.key}"
