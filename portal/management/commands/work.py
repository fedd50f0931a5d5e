"""Runs the job queue's workers, and ends when they stand still, so that the supervisor starts them afresh."""

import os
import signal
import subprocess
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.utils import timezone

from portal.watchdog import queue_stands_still

LOOK_SECONDS = 15.0
STOP_SECONDS = 6.0


class Command(BaseCommand):
    """Keeps one cluster of django-q2 under watch."""

    help = "Work off the job queue (evidence packs, campaigns, the schedule)."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked.set())
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster", "--skip-checks"]
        alone = {**os.environ, "COUNTERSIGN_KEEP_CONNECTION": "false"}
        cluster = subprocess.Popen(command, env=alone)  # noqa: S603 -- our own program
        try:
            while not asked.wait(LOOK_SECONDS):
                if cluster.poll() is not None:
                    message = f"The job queue ended by itself with {cluster.returncode}."
                    raise CommandError(message)
                if self._stands_still():
                    message = "The job queue stands still: a task has been due for minutes. It is started afresh."
                    raise CommandError(message)
        finally:
            self._end(cluster)

    def _stands_still(self) -> bool:
        try:
            return queue_stands_still(timezone.now())
        except OperationalError as error:
            self.stderr.write(f"The database does not answer: {error}")
            return False
        finally:
            connection.close()

    @staticmethod
    def _end(cluster: "subprocess.Popen[bytes]") -> None:
        cluster.terminate()
        try:
            cluster.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            cluster.kill()
