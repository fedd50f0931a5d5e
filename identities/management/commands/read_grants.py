"""Reads who may do what from a PostgreSQL server, and seals it as a snapshot of a system."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from identities.actions import import_snapshot
from identities.connecting import ask_server
from identities.csvtable import BadFile
from identities.kinds import ListFormat, SnapshotUpload
from identities.models import System
from identities.readers.postgres import QUERY
from tenants.kinds import Actor, Refused
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Asks the server in a transaction that cannot write; the server's own count is the total."""

    help = "Read the roles and rights of a PostgreSQL server and seal them as a snapshot of a system."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dsn", help="where the server is, such as host=db1 dbname=crm user=auditor; see PGPASSFILE")
        parser.add_argument("--tenant", required=True, help="short name of the tenant")
        parser.add_argument("--system", required=True, help="key of the system in the register")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        with tenant_scope(tenant):
            system = System.objects.filter(key=options["system"]).first()
            if system is None:
                raise CommandError(f"There is no system {options['system']!r}. Add it to the register first.")
            try:
                answer = ask_server(options["dsn"])
                upload = SnapshotUpload(
                    body=answer.body,
                    captured_at=answer.captured_at,
                    source_total=answer.rows,
                    file_name="roles.csv",
                    query=QUERY,
                    delivered_by=f"read_grants as {answer.asked_as}",
                    form=ListFormat.POSTGRES,
                )
                by = Actor.system("read_grants", tenant.pk)
                snapshot = import_snapshot(system=system, upload=upload, by=by)
            except (BadFile, Refused) as refusal:
                raise CommandError(str(refusal)) from refusal
        state = "complete" if snapshot.complete else "incomplete"
        self.stdout.write(f"{snapshot.row_total:,} grants of {system.name} sealed, {state}: {snapshot.digest}")
