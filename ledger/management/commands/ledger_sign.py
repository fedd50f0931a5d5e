"""Signs checkpoints: once, or for ever as a process of its own."""

from __future__ import annotations

import logging
import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connections

from ledger.kinds import Outcome
from ledger.signer import sign_all

logger = logging.getLogger("countersign.signer")

LONGEST_WAIT = 60


class Command(BaseCommand):
    """Signs every log that has grown."""

    help = "Signs a checkpoint of every log that has grown. Without --once it runs until it is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="sign what has grown, then end; fails if any is refused"
        )
        parser.add_argument(
            "--every", type=int, default=15, metavar="SECONDS", help="pause between two rounds, 1 to 60 (default 15)"
        )

    def handle(self, **options: Any) -> None:
        if not 1 <= options["every"] <= LONGEST_WAIT:
            raise CommandError("A checkpoint follows growth within 60 seconds: --every takes 1 to 60.")
        if options["once"]:
            self._once()
        else:
            self._for_ever(options["every"])

    def _once(self) -> None:
        refused = 0
        for outcome in sign_all():
            refused += bool(outcome.refused)
            self._say(outcome)
        if refused:
            raise CommandError(f"{refused} of the logs refused. What was found stands in signer/refusals.ndjson.")

    def _for_ever(self, pause: int) -> None:
        stopped = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stopped.set())
        self.stdout.write("The signer is running.")
        while not stopped.is_set():
            try:
                for outcome in sign_all():
                    if outcome.is_new:
                        self._say(outcome)
                    if stopped.is_set():
                        break
            except Error:
                # The database restarts, the signer goes on: its state is in its own files.
                logger.exception("The database does not answer; the signer tries again in %s seconds.", pause)
            connections.close_all()
            stopped.wait(pause)
        self.stdout.write("The signer has stopped.")

    def _say(self, outcome: Outcome) -> None:
        if outcome.signed is None:
            self.stderr.write(f"{outcome.origin}: refused. {outcome.refused}")
        else:
            verb = "signed" if outcome.is_new else "stands"
            root = outcome.signed.root.hex()[:16]
            self.stdout.write(f"{outcome.origin}: {verb} at {outcome.signed.size} leaves, root {root}...")
