"""Examines the installation and prints one sentence for each check."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.doctor import State, examine

MARKS = {State.WELL: "ok  ", State.CARE: "care", State.ILL: "BAD "}


class Command(BaseCommand):
    """Prints the findings; ends with status 1 when one of them is bad."""

    help = "Examine the installation: database, role, row security, migrations, clock, Pango, signer, disk."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        findings = examine()
        for finding in findings:
            self.stdout.write(f"{MARKS[finding.state]} {finding.name:<13}{finding.sentence}")
        ill = [finding.name for finding in findings if finding.state is State.ILL]
        if ill:
            raise CommandError(f"Not well: {', '.join(ill)}.")
