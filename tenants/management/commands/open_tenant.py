"""Opens a tenant, the first one of a new installation too, and lets its first people in."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tenants.actions import add_person, grant_role, open_tenant
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope
from tenants.zones import known_zones


class Command(BaseCommand):
    """All or nothing; whoever may run it holds the installation itself."""

    help = "Open a BPO, or with --parent one of its clients; people join it with --operator and --officer."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name, as it stands in addresses: lower-case letters, digits and -")
        parser.add_argument("--name", required=True, help="name of the company")
        parser.add_argument("--parent", default="", help="short name of the BPO, for one of its clients")
        parser.add_argument("--time-zone", default="UTC", help="IANA name, such as Europe/Madrid")
        for role in (Role.OPERATOR, Role.OFFICER):
            text = f"e-mail address of a person who becomes its {role.label.lower()}; may be repeated"
            parser.add_argument(f"--{role}", action="append", default=[], metavar="EMAIL", help=text)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                tenant = self.open(options)
                joined = [self.join(tenant, email, role) for role in Role for email in options.get(role) or []]
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{tenant.name} is open: /t/{tenant.slug}/")
        for line in joined:
            self.stdout.write(line)

    def open(self, options: dict[str, Any]) -> Tenant:
        """Open the tenant."""
        parent, zone = tenant_by_slug(options["parent"]) if options["parent"] else None, options["time_zone"]
        if options["parent"] and parent is None:
            raise CommandError(f"There is no tenant {options['parent']!r}.")
        if zone not in known_zones():
            raise CommandError(f"{zone!r} is no time zone: give an IANA name, such as Europe/Madrid.")
        kind = TenantKind.CLIENT if parent else TenantKind.BPO
        return open_tenant(slug=options["slug"], name=options["name"], kind=kind, time_zone=zone, parent=parent)

    def join(self, tenant: Tenant, email: str, role: Role) -> str:
        """Let a person in; return what to say about them."""
        by = Actor.system("installation", tenant.pk)
        with tenant_scope(tenant):
            user = add_person(tenant=tenant, email=email, name=email.partition("@")[0], by=by)
            grant_role(tenant=tenant, user=user, role=role, by=by)
        said = "" if user.has_usable_password() else f" They have no password: `manage.py changepassword {user.email}`."
        return f"{user.email} is its {role.label.lower()}.{said}"
