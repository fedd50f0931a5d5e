"""Judges new events for alerts, until stopped or once."""

import signal
from argparse import ArgumentParser
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from alerts.watch import look_round, send_round, watch


class Command(BaseCommand):
    """Runs the watch process."""

    help = "Judge new events by the tenants' alert rules, raise alerts and send the mail about them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="judge what is there, send what is due, and end")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        if options["once"]:
            seen = look_round()
            sent = send_round()
            self.stdout.write(f"Judged {seen} events, sent {sent} mails.")
            return
        stop = Event()

        def finish(_number: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, finish)
        signal.signal(signal.SIGINT, finish)
        self.stdout.write("Watching for alerts.")
        watch(stop)
        self.stdout.write("Stopped watching for alerts.")
