"""Delivers the portal's own logs to the operator's tenant, all the time or once."""

import os
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connections

from logs.jobs import ship_own_logs
from logs.ownsources import APPLICATION
from tenants.kinds import TenantKind
from tenants.models import Tenant

PAUSE_SECONDS = 15.0
TROUBLE_SECONDS = 10.0


class Command(BaseCommand):
    """Reads the database's jsonlog and the portal's own log and records them through the door that all sources use."""

    help = "Deliver the portal's own logs (its database's and its own) to the operator's tenant; --once for one round."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.name_sessions()
        ended = threading.Event()
        if not options["once"]:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_arguments: ended.set())
        while True:
            pause = self.round(said=options["once"])
            if options["once"] or ended.wait(pause):
                return

    def name_sessions(self) -> None:
        """Give the shipper's sessions their name, by which their own lines are left out."""
        os.environ["PGAPPNAME"] = APPLICATION

    def round(self, *, said: bool) -> float:
        """Ship once and say what, if asked to; return the seconds to wait before the next round."""
        say = self.stdout.write if said else _quietly
        try:
            tenant = Tenant.objects.filter(kind=TenantKind.BPO).order_by("id").first()
            if tenant is not None:
                ship_own_logs(tenant=tenant, data=Path(settings.COUNTERSIGN_DATA), say=say)
        except (DatabaseError, OSError) as error:
            self.stderr.write(f"The own logs wait: {error}")
            connections["default"].close()
            return TROUBLE_SECONDS
        return PAUSE_SECONDS


def _quietly(_text: str) -> None:
    """Keep routine out of the output of the whole portal."""
