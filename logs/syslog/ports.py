"""Where the syslog door listens, as its two settings say. Pure.

``COUNTERSIGN_SYSLOG_LISTEN``: the address of the port for senders with certificates, or ``off``.
``COUNTERSIGN_SYSLOG_PORTS``: ports that each belong to one source, ``[tls:|tcp:][host:]port=token``; ``tcp:`` is
without TLS and stands on this machine unless a host is named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tenants.tokens import tenant_named, well_formed

OFF: Final = "off"
_LOOPBACK: Final = "127.0.0.1"
_PORT: Final = re.compile(
    r"(?:(?P<kind>tls|tcp):)?(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]*[A-Za-z.][\w.-]*):)?(?P<port>\d{1,5})"
)


class PortError(ValueError):
    """A setting that names no port; its words say what to write."""


@dataclass(frozen=True, slots=True)
class Port:
    """One listening port. Without a token a client certificate is asked for; with one the port is that source's."""

    host: str
    number: int
    tls: bool = True
    token: str = ""

    @property
    def shown(self) -> str:
        """The port as the log names it."""
        return f"{self.host}:{self.number}"


def read_ports(listen: str, bound: Sequence[str]) -> list[Port]:
    """Return the ports of the settings; raises `PortError`."""
    main = None if listen == OFF else _read(listen, _LOOPBACK, "COUNTERSIGN_SYSLOG_LISTEN")
    if main and not main.tls:
        raise PortError("COUNTERSIGN_SYSLOG_LISTEN is for TLS: name a port without TLS in COUNTERSIGN_SYSLOG_PORTS.")
    ports = [main] if main else []
    for number, text in enumerate(bound, 1):
        where, _equals, token = text.partition("=")
        what = f"The entry {number} of COUNTERSIGN_SYSLOG_PORTS"
        if not well_formed(token, "src") or tenant_named(token) is None:
            raise PortError(f"{what} holds no token of a source: write [tcp:][host:]port=csn_src_...")
        one = _read(where, main.host if main else _LOOPBACK, what)
        ports.append(Port(one.host, one.number, one.tls, token))
    seen = [(port.host, port.number) for port in ports]
    twice = next((port for port in ports if seen.count((port.host, port.number)) > 1), None)
    if twice:
        raise PortError(f"The syslog port {twice.shown} is named twice.")
    return ports


def _read(text: str, host: str, what: str) -> Port:
    found = _PORT.fullmatch(text.strip())
    if found is None or not 0 < int(found["port"]) < 65536:
        raise PortError(f"{what} names no port: write host:port, such as 0.0.0.0:6514.")
    tls = found["kind"] != "tcp"
    named = (found["host"] or "").strip("[]")
    return Port(named or (host if tls else _LOOPBACK), int(found["port"]), tls)
