"""The syslog door as a process of its own: listens until it is told to stop."""

import asyncio
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from logs.syslog.listening import Contexts, Listener
from logs.syslog.ports import PortError, read_ports
from logs.syslog.tls import OWN_CERTIFICATE, make_context, own_certificate


class Command(BaseCommand):
    """Takes syslog over TLS and TCP and records it; SIGTERM ends it after the last delivery."""

    help = "Listen for syslog (RFC 5425 over TLS, RFC 6587 over TCP) on the ports of COUNTERSIGN_SYSLOG_*."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            ports = read_ports(settings.COUNTERSIGN_SYSLOG_LISTEN, settings.COUNTERSIGN_SYSLOG_PORTS)
            if not ports:
                raise CommandError("The syslog door is switched off: COUNTERSIGN_SYSLOG_LISTEN is off.")
            asyncio.run(self.listen(Listener(ports, contexts())))
        except (PortError, OSError) as error:
            raise CommandError(f"The syslog door cannot listen. {error}") from error

    async def listen(self, listener: Listener) -> None:
        """Listen until a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, listener.stop)
        await listener.run()
        self.stdout.write("The syslog door has stopped.")


def contexts() -> Contexts:
    """Return the server's TLS with the certificate of the settings, or with one of the door's own."""
    given = settings.COUNTERSIGN_SYSLOG_CERTIFICATE
    if given:
        file = Path(given)
    else:
        file = own_certificate(
            Path(settings.COUNTERSIGN_DATA) / OWN_CERTIFICATE, urlsplit(settings.PORTAL_URL).hostname or "localhost"
        )
    return Contexts(asking=make_context(file, ask=True), bound=make_context(file, ask=False))
