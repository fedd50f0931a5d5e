"""Collectors that run as docs/doors.md tells, each delivering to a source of its own.

A collector is a context: while it is open it delivers what it is given, failed log-ins with the numbers asked for.
"""

import logging
import runpy
import subprocess
import threading
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests
from opentelemetry._logs import LogRecord
from splunk_hec_handler import SplunkHecHandler

from logs.actions import issue_source_token
from logs.models import AccessEvent, Delivery
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.logs.collectors import (
    JOURNAL_REMOTE,
    JOURNAL_UPLOAD,
    doors_text,
    environment,
    hand,
    rsyslog_command,
    running,
    syslog_ng_command,
)
from tests.logs.sources import failures, lines, source
from tests.logs.test_journal_door import entry

Send = Callable[[range], None]
BOOT = b"0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Served:
    """A tenant of a served portal, with one source, its token, and a folder for its collector."""

    port: int
    token: str
    tenant: Tenant
    home: Path

    @property
    def door(self) -> str:
        """The native door of the source."""
        return f"/api/v1/t/{self.tenant.slug}/ingest/bastion"

    def settings(self, words: str, **more: str) -> str:
        """Return the settings that docs/doors.md tells, without TLS and for this address and token."""
        own = {"https://countersign.example": f"http://localhost:{self.port}", "TOKEN": self.token}
        return doors_text(words, own | more)

    def stored(self) -> int:
        """Return how many events there are."""
        with tenant_scope(self.tenant):
            return AccessEvent.objects.count()

    def numbers(self) -> list[int]:
        """Return the numbers of the stored records, which their ports tell."""
        with tenant_scope(self.tenant):
            ports = AccessEvent.objects.values_list("src_port", flat=True)
            return sorted((port or 0) - 20000 for port in ports)

    def doors(self) -> set[str]:
        """Return through which doors something was delivered."""
        with tenant_scope(self.tenant):
            return set(Delivery.objects.values_list("door", flat=True))


def served_tenant(slug: str, port: int, home: Path) -> Served:
    """Make a tenant with one source, and the folder."""
    tenant = make.tenant(slug)
    home.mkdir(exist_ok=True)
    with tenant_scope(tenant):
        token = issue_source_token(source=source(), by=Actor.system("tests", tenant.pk))
    return Served(port, token, tenant, home)


def written(numbers: range) -> bytes:
    """Return failed log-ins with these numbers."""
    return lines(*failures(len(numbers), numbers.start))


def journal(file: Path, numbers: range) -> None:
    """Append failed log-ins with these numbers to a journal."""
    said = (entry(number, __MONOTONIC_TIMESTAMP=b"%d" % number, _BOOT_ID=BOOT) for number in numbers)
    command = [str(JOURNAL_REMOTE), "-o", str(file), "-"]
    told = b"".join(said)
    subprocess.run(command, input=told, check=True, capture_output=True, timeout=60, env=environment())


@contextmanager
def rsyslog(to: Served) -> Iterator[Send]:
    plain = {"countersign.example:443": f"localhost:{to.port}", 'usehttps="on"': 'usehttps="off"', "TOKEN": to.token}
    with running(rsyslog_command(to.home, doors_text("omelasticsearch", plain)), to.home / "out"):
        yield lambda numbers: hand(to.home, written(numbers))


@contextmanager
def syslog_ng(to: Served) -> Iterator[Send]:
    told = to.settings("use-uniqid", **{"/var/lib/syslog-ng": str(to.home)})
    with running(syslog_ng_command(to.home, told, "countersign"), to.home / "out"):
        yield lambda numbers: hand(to.home, written(numbers))


@contextmanager
def journal_upload(to: Served) -> Iterator[Send]:
    """Append to a journal from which the service uploads; it is started again as systemd is told."""
    upload, unit, ended = RawConfigParser(), RawConfigParser(), threading.Event()
    address = {"https://any:TOKEN@countersign.example:443": f"http://any:{to.token}@localhost:{to.port}"}
    upload.read_string(doors_text("[Upload]", address))
    unit.read_string(doors_text("[Service]", {"RestartSec=5": "RestartSec=1"}))
    assert unit["Service"]["Restart"] == "always"
    own = [f"--file={to.home}/web1.journal", f"--save-state={to.home}/state", "--follow"]
    command = [str(JOURNAL_UPLOAD), f"--url={upload['Upload']['URL']}", *own]

    def keep_running() -> None:
        while not ended.wait(unit.getint("Service", "RestartSec")):
            with running(command, to.home / "out") as service:
                while service.poll() is None and not ended.wait(0.1):
                    pass

    keeper = threading.Thread(target=keep_running)
    keeper.start()
    try:
        yield lambda numbers: journal(to.home / "web1.journal", numbers)
    finally:
        ended.set()
        keeper.join()


@contextmanager
def otlp_exporter(to: Served) -> Iterator[Send]:
    file = to.home / "exporting.py"
    file.write_text(to.settings("OTLPLogExporter"))
    provider = runpy.run_path(str(file))["provider"]
    logger = provider.get_logger("auth")
    flushes: list[threading.Thread] = []

    def send(numbers: range) -> None:
        for line in failures(len(numbers), numbers.start):
            logger.emit(LogRecord(body=line.decode()))
        flushes.append(threading.Thread(target=provider.force_flush))  # sooner than after its five seconds
        flushes[-1].start()

    yield send
    for flush in flushes:
        flush.join()
    provider.shutdown()


@contextmanager
def curl(to: Served) -> Iterator[Send]:
    door = {"t/northwind/": f"t/{to.tenant.slug}/"}
    with ExitStack() as started:
        programs: list[subprocess.Popen[bytes]] = []

        def send(numbers: range) -> None:
            file = to.home / f"{numbers.start}.log"
            file.write_bytes(written(numbers))
            command = to.settings("--data-binary", **door, **{"auth.log": str(file)})
            programs.append(started.enter_context(running(["sh", "-c", f"exec {command}"], to.home / "out")))

        yield send
        assert [program.wait(30) for program in programs] == [0] * len(programs)


@contextmanager
def hec_handler(to: Served) -> Iterator[Send]:
    """Send events one by one, as programs log them; what is refused is gone."""
    handler = SplunkHecHandler("localhost", to.token, port=to.port, proto="http")
    threads: list[threading.Thread] = []

    def emit(numbers: range) -> None:
        for line in failures(len(numbers), numbers.start):
            with suppress(requests.RequestException):
                handler.emit(logging.LogRecord("auth", logging.INFO, __file__, 1, line.decode(), None, None))

    def send(numbers: range) -> None:
        threads.append(threading.Thread(target=emit, args=(numbers,)))
        threads[-1].start()
        threads[-1].join(1)  # all is sent or refused by then, but for what the server holds

    yield send
    for thread in threads:
        thread.join()
