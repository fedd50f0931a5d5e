"""Runs the whole portal: database, web server, worker, alerts, signer and syslog door, under one supervisor."""

import http.client
import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError

from logs.ownsources import APPLICATION, PROGRAMS
from logs.syslog.ports import OFF
from portal import installation
from portal.postgres import Embedded, EmbeddedServerError
from portal.supervisor import Program, Supervisor, end_left_behind

OWN_LOGS = "own-logs"
SYSLOG = "syslog"
# Name shown, command, arguments. A command that is not there (yet) is left out and named once at the start.
BESIDE_THE_WEB = (
    ("worker", "work", ()),
    ("alerts", "alerts_watch", ()),
    ("signer", "ledger_sign", ()),
    (OWN_LOGS, "ship_own_logs", ()),
    (SYSLOG, "syslog_listen", ()),
)
WEB_ALONE_SECONDS = 15.0
"""How long the web server may start alone: beside six other programs on two cores its first page took twice as long."""
DATABASE_LOOK_SECONDS = 2.0
MONTHS_LOOK_SECONDS = 24 * 3600.0
RETAIN_AFTER_SECONDS = 600.0
"""When a start first removes what is past its term: after the first pages, and also where it runs for hours only."""
RETAIN_SECONDS = 24 * 3600.0


class Command(BaseCommand):
    """Starts everything, shows what it says, and stops it in order on Ctrl-C or SIGTERM."""

    help = "Run the whole portal: database, web, worker, alerts, signer and syslog door; Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="processes of the web server")
        parser.add_argument("--no-demo", action="store_true", help="do not seed the demonstration")

    def handle(self, *_args: Any, **options: Any) -> None:
        data = Path(settings.COUNTERSIGN_DATA)
        try:
            with installation.only_one(data):
                end_left_behind(str(data), say=self.stdout.write)
                installation.refuse_taken_port(options["host"], options["port"])
                _Run(self, data, options).do()
        except installation.NotReadyError as error:
            raise CommandError(str(error)) from error


class _Run:
    """One run from the first start to the last stop."""

    def __init__(self, command: Command, data: Path, options: dict[str, Any]) -> None:
        self.data = data
        self.host = str(options["host"])
        self.port = int(options["port"])
        self.workers = int(options["workers"])
        self.demo = not options["no_demo"] and "demo" in get_commands()
        self.command = command
        self.began = time.monotonic()
        self.next_database_look = 0.0
        self.next_months_look = self.began + MONTHS_LOOK_SECONDS
        # With erasures on the list the database may be a restored one, which shows again what two people erased.
        listed = any(Path(settings.COUNTERSIGN_ERASURES).glob("*/*.json"))
        self.next_retention = self.began + (0.0 if listed else RETAIN_AFTER_SECONDS)
        self.web_began = 0.0
        self.web_alone = True
        self.answered = False
        self.writing = threading.Lock()
        self.supervisor = Supervisor(say=self.say, mark=str(data))
        self.database: Embedded | None = None
        os.environ.setdefault("COUNTERSIGN_URL", f"http://localhost:{self.port}")
        os.environ.update(session_name("run"))

    def say(self, line: str) -> None:
        """Shows one line; programs speak from threads of their own."""
        with self.writing:
            self.command.stdout.write(line)
            self.command.stdout.flush()

    def do(self) -> None:
        """Prepares, supervises until a signal, stops."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.on_signal)
        try:
            self.prepare()
            self.supervisor.add(self.web())
            self.web_began = time.monotonic()
            self.supervisor.run(self.look)
        finally:
            if self.database is not None:
                self.database.stop()
            self.say("Countersign has stopped.")

    def on_signal(self, *_arguments: object) -> None:
        """Asks for the stop; said once."""
        if not self.supervisor.stopping:
            self.supervisor.stop()
            sys.stderr.write("Stopping ...\n")

    def prepare(self) -> None:
        """Brings database, schema and static files into place."""
        self.say("Starting the database ...")
        self.database = installation.start_database(self.data, log_statement="mod")
        with installation.preparing():
            installation.collect_static(self.data)

    def beside_the_web(self) -> list[Program]:
        """Returns those of the other programs that exist."""
        known = get_commands()
        missing = [name for name, command, _ in BESIDE_THE_WEB if command not in known]
        if missing:
            self.say(f"Not in this version: {', '.join(missing)}.")
        return [
            Program(name, (sys.executable, str(installation.MANAGE), command, *arguments), environment_of(name))
            for name, command, arguments in BESIDE_THE_WEB
            if command in known and (name != SYSLOG or syslog_is_on())
        ]

    def web(self) -> Program:
        """Returns granian serving the WSGI application, two processes of twelve threads unless asked otherwise."""
        # fmt: off
        command = (
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", self.host, "--port", str(self.port),
            "--workers", str(self.workers), "--blocking-threads", "12", "--no-ws", "--respawn-failed-workers",
            "--respawn-interval", "1", "--workers-kill-timeout", "5", "--log-level", "warning",
            "--working-dir", str(installation.MANAGE.parent), "portal.wsgi:application",
        )
        # fmt: on
        return Program("web", command, {"COUNTERSIGN_POOL": "1", **session_name("web")})

    def look(self) -> None:
        """Restarts a dead database, does what is due daily, and lets the others start when the first page answers."""
        if self.database is not None and time.monotonic() >= self.next_database_look:
            self.look_after_database(self.database)
            self.next_database_look = time.monotonic() + DATABASE_LOOK_SECONDS
        if time.monotonic() >= self.next_months_look:
            self.next_months_look += MONTHS_LOOK_SECONDS
            self.make_months()
        if time.monotonic() >= self.next_retention:
            self.next_retention += RETAIN_SECONDS
            self.retain()
        if not self.answered and self.page_answers():
            self.answered = True
            self.announce()
        if self.web_alone and (self.answered or time.monotonic() - self.web_began > WEB_ALONE_SECONDS):
            self.web_alone = False
            for program in self.beside_the_web():
                self.supervisor.add(program)

    def look_after_database(self, database: Embedded) -> None:
        """Starts the embedded server again where it died; the programs reconnect by themselves."""
        if database.running():
            return
        self.say("database ! is gone; it starts again.")
        try:
            database.start()
            self.say("database ! accepts connections again.")
        except EmbeddedServerError as error:
            self.say(f"database ! {error}")

    def make_months(self) -> None:
        """Makes the next months of the event table: once a day, so that a portal that never restarts has them too."""
        command = (sys.executable, str(installation.MANAGE), "make_partitions")
        environment = {**installation.OWNER_ENVIRONMENT, **session_name("months")}
        self.supervisor.add(Program("months", command, environment, once=True))

    def retain(self) -> None:
        """Removes what is past its term, in a program of its own: no process that serves pages ever does."""
        command = (sys.executable, str(installation.MANAGE), "retain")
        self.supervisor.add(Program("retain", command, session_name("retain"), once=True))

    def page_answers(self) -> bool:
        """Says whether the web server answers its first page without an error of its own."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "127.0.0.1") else self.host  # noqa: S104 -- compared, not bound
        connection = http.client.HTTPConnection(host, self.port, timeout=2)
        try:
            connection.request("GET", "/", headers={"Host": "localhost"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return status < 500

    def announce(self) -> None:
        """Says where the portal is, then seeds the demonstration through its doors."""
        seconds = time.monotonic() - self.began
        self.say(f"\nCountersign answers at {os.environ['COUNTERSIGN_URL']} after {seconds:.1f} s. Ctrl-C stops it.\n")
        if self.demo:
            command = (sys.executable, str(installation.MANAGE), "demo")
            self.supervisor.add(Program("demo", command, session_name("demo"), once=True))


def syslog_is_on() -> bool:
    """Says whether the syslog door has a port to listen on."""
    return settings.COUNTERSIGN_SYSLOG_LISTEN != OFF or bool(settings.COUNTERSIGN_SYSLOG_PORTS)


def environment_of(program: str) -> dict[str, str]:
    """Returns a program's environment: the syslog door, which speaks to the network, may only store events."""
    role = {"COUNTERSIGN_ROLE": "intake"} if program == SYSLOG else {}
    return {**session_name(program), **role}


def session_name(program: str) -> dict[str, str]:
    """Returns the environment that names a program's database sessions in the server's log, which is a source itself.

    By these names the portal's programs are told from people there, and the shipper leaves its own lines out.
    """
    return {"PGAPPNAME": APPLICATION if program == OWN_LOGS else f"{PROGRAMS}{program}"}
