"""Seeds the demonstration through the product's own doors, once, and says how to sign in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.demo.cast import SignIns
from portal.demo.offer import offers
from portal.demo.seed import CAST, HOME, Seed, is_begun, is_finished
from tenants.work import Printed


class Command(BaseCommand):
    """A BPO with two clients, a hundred days of logs, reviews, alerts and a pack."""

    help = "Seed the demonstration (once) and print a sign-in for each kind of user."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        data = Path(settings.COUNTERSIGN_DATA)
        if not is_begun():
            Seed(data, Printed(self.stdout)).run()
        elif is_finished():
            self.stdout.write("The demonstration is there already; nothing was seeded again.")
        else:
            self.stdout.write(
                "The demonstration was interrupted while it was seeded, so parts of it are missing. To have all of it, "
                f"stop Countersign, remove {data} and start again."
            )
        self._say_sign_ins(SignIns(data))
        for command in offers(HOME):
            self.stdout.write(f"\nThis machine keeps its own log-ins; to take them in as well:\n  {command}")

    def _say_sign_ins(self, sign_ins: SignIns) -> None:
        self.stdout.write(f"\nSign in at {settings.PORTAL_URL} as:")
        seen = set()
        for part in CAST:
            if part.email not in seen:
                self.stdout.write(f"  {part.what:36} {part.email:28} {sign_ins.password(part.email)}")
            seen.add(part.email)
