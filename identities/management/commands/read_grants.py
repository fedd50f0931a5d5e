"""Reads who may do what from a PostgreSQL server or a directory, and seals it as a snapshot of a system."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from identities.actions import import_snapshot
from identities.connecting import ServerAnswer, ask_server
from identities.csvtable import BadFile
from identities.directories import Asked, ask_directory
from identities.kinds import SnapshotUpload
from identities.ldapclient import Place
from identities.models import System
from tenants.kinds import Actor, Refused
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope

PASSWORD: Final = "COUNTERSIGN_LDAP_PASSWORD"  # noqa: S105 -- the variable's name


class Command(BaseCommand):
    """Asks the server without changing it: PostgreSQL in a transaction that cannot write, a directory by searches."""

    help = "Read the rights of a PostgreSQL server, or the groups of a directory, and seal them as a snapshot."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "dsn",
            help="where the server is, such as 'host=db1 dbname=crm user=auditor' (see PGPASSFILE), "
            "ldaps://dc.example.com, or ldap://dc.example.com for StartTLS",
        )
        parser.add_argument("--bind", default="", help="directory: the name to log in with; its password: " + PASSWORD)
        parser.add_argument("--base", default="", help="directory: where to read from; by default the server's own")
        parser.add_argument("--accounts", default="", help="directory: filter of the accounts")
        parser.add_argument("--groups", default="", help="directory: filter of the groups")
        parser.add_argument("--ca-file", default="", help="directory: PEM of the authority, if not of this machine")
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
                answer = _asked(options)
                upload = SnapshotUpload(
                    body=answer.body,
                    captured_at=answer.captured_at,
                    source_total=answer.rows,
                    file_name=answer.file_name,
                    query=answer.query,
                    filters=answer.filters,
                    delivered_by=f"read_grants as {answer.asked_as}"[:200],
                    form=answer.form,
                )
                by = Actor.system("read_grants", tenant.pk)
                snapshot = import_snapshot(system=system, upload=upload, by=by)
            except (BadFile, Refused) as refusal:
                raise CommandError(str(refusal)) from refusal
        state = "complete" if snapshot.complete else "incomplete"
        self.stdout.write(f"{snapshot.row_total:,} grants of {system.name} sealed, {state}: {snapshot.digest}")


def _asked(options: dict[str, Any]) -> ServerAnswer:
    """Returns what the server answers that the operator named."""
    dsn = str(options["dsn"])
    if not dsn.lower().startswith(("ldap:", "ldaps:")):
        return ask_server(dsn)
    place = Place(dsn, options["bind"], _password(), options["ca_file"])
    return ask_directory(place, Asked(options["accounts"], options["groups"], options["base"]))


def _password() -> str:
    """Returns the password of the directory from the environment, or from the file that it names."""
    file = os.environ.get(f"{PASSWORD}_FILE", "")
    if not file:
        return os.environ.get(PASSWORD, "")
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        raise BadFile(f"{PASSWORD}_FILE names {file}, which cannot be read as text.") from error
