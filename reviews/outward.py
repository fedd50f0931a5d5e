"""Posts to an address that a tenant chose, and never to the inside of the operator's network (OWASP SSRF cheat sheet).

The name is resolved once, every answer is judged, and the connection goes to a judged address and to nothing else; the
name stays for TLS and for the Host header. Redirects are not followed, proxies of the environment are not used. Knows
no model.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

SECONDS: Final = 10
"""The whole exchange, from connecting to the answer's status."""
MAX_ANSWER: Final = 4096
PORTS: Final = {"https": 443, "http": 80}
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
AZURE_WIRE: Final = ipaddress.ip_address("168.63.129.16")
"""The one metadata service on a public address (Azure's wire server)."""
REDIRECTS: Final = range(300, 400)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutwardError(Exception):
    """An address is not posted to, or did not take what was posted; the message is a sentence for the officer."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a post goes: the parts of the address, and the one judged address of its host."""

    parts: SplitResult
    host: str
    port: int
    ip: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, and from which address."""

    status: int
    ip: str


def target_of(url: str, *, inside: Collection[str]) -> Target:
    """Returns where a post to an address would go.

    Args:
        url: the address.
        inside: hosts (`name` or `name:port`) of the operator's own network that are allowed, also without TLS.

    Raises:
        OutwardError: it is no address to post to, cannot be resolved, or leads to the inside.
    """
    parts, host, port = _parts(url)
    allowed = host in inside or f"{host}:{port}" in inside
    if parts.scheme != "https" and not allowed:
        raise OutwardError("Use an address that begins with https://.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise OutwardError(f"The name {host} cannot be resolved.") from fault
    ips = [str(one[4][0]).partition("%")[0] for one in found]
    for ip in ips:
        _judge(host, ip, allowed=allowed)
    if not ips:
        raise OutwardError(f"The name {host} has no address.")
    return Target(parts, host, port, ips[0])


def _parts(url: str) -> tuple[SplitResult, str, int]:
    """Returns the parts of an address with its host in lower case and its port."""
    wrong = OutwardError("Give an address such as https://tickets.example.com/hooks/countersign, without a password.")
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as fault:
        raise wrong from fault
    host = (parts.hostname or "").lower()
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not port or not host or "@" in parts.netloc or parts.fragment or not plain:
        raise wrong
    return parts, host, port


def _judge(host: str, text: str, *, allowed: bool) -> None:
    """Refuses an address that is not of the open internet; of an allowed host only the worst ones."""
    ip = _unwrapped(ipaddress.ip_address(text))
    never = ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == AZURE_WIRE
    if never or not (allowed or ip.is_global):
        raise OutwardError(
            f"{host} leads to {text}, an address inside of a network. Tickets go to the open internet; whoever runs "
            "this installation can allow a host inside (COUNTERSIGN_TICKET_HOSTS)."
        )


def _unwrapped(ip: Address) -> Address:
    """Returns the IPv4 address that an IPv6 address carries, or the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    carried = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if carried is None and (ip in NAT64 or int(ip) < 2**32):
        carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if int(ip) > 1 else None
    return carried if carried is not None else ip


class _Judged(http.client.HTTPConnection):
    """Connects to the judged address and speaks to the name."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.target = target
        self.default_port = PORTS[target.parts.scheme]

    def connect(self) -> None:
        """Open the socket; TLS checks the certificate against the name."""
        self.sock = socket.create_connection((self.target.ip, self.target.port), timeout=self.timeout)
        if self.target.parts.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.target.host)


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, inside: Collection[str], seconds: float = SECONDS
) -> Reply:
    """Sends a body and returns the status of the answer, whatever it is but for a redirect.

    Raises:
        OutwardError: it may not be posted to, nobody answers in time, or the answer is a redirect or no HTTP.
    """
    target = target_of(url, inside=inside)
    connection = _Judged(target, seconds)
    end = threading.Timer(seconds, _hang_up, [connection])  # a socket's timeout begins anew with every byte
    end.daemon = True
    try:
        end.start()
        path = (target.parts.path or "/") + (f"?{target.parts.query}" if target.parts.query else "")
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        answer.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException, AttributeError) as fault:  # AttributeError: hung up while reading
        words = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        raise OutwardError(f"{target.host} ({target.ip}) gave no answer within {seconds:g} s: {words}.") from fault
    finally:
        end.cancel()
        connection.close()
    if answer.status in REDIRECTS:
        raise OutwardError(
            f"{target.host} answered {answer.status}; a redirect is not followed. Set its final address."
        )
    return Reply(answer.status, target.ip)


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """Ends an exchange that takes too long, wherever it is."""
    if connection.sock is not None:
        with suppress(OSError):  # closed at the same moment
            connection.sock.shutdown(socket.SHUT_RDWR)
