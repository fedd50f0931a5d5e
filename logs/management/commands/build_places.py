"""Builds the table of countries and networks from npm's packages."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from logs.placebuild import build
from logs.places import OWN, SHIPPED

SOURCES = "SOURCES.json"


class Command(BaseCommand):
    """Builds the table from three tarballs; it is used from the next start on.

    Fetch them with ``npm pack @ip-location-db/geo-whois-asn-country @ip-location-db/asn-country @ip-location-db/asn``:
    npm compares each with the registry's digest. Any tarball of the same shape will do.
    """

    help = "Build the table of countries and networks (ASN) of addresses from three tarballs of CSV lists."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("country", type=Path, help="tarball of geo-whois-asn-country")
        parser.add_argument("delegated", type=Path, help="tarball of asn-country: the registries' delegations")
        parser.add_argument("asn", type=Path, help="tarball of asn")
        parser.add_argument(
            "--shipped", action="store_true", help="write the table that the product ships (developers)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        into = SHIPPED if options["shipped"] else Path(settings.COUNTERSIGN_DATA) / OWN
        into.mkdir(parents=True, exist_ok=True)
        try:
            made = build({role: options[role] for role in ("country", "delegated", "asn")}, into)
        except (OSError, KeyError, ValueError) as error:
            message = f"The table was not built: {error}"
            raise CommandError(message) from error
        (into / SOURCES).write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        self.stdout.write(f"The table of {made['made_on']} is in {into}; it is used from the next start on.")
