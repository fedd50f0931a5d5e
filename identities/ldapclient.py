"""Speaks LDAP to a directory: over TLS only, and nothing but bind and search (RFC 4511, 4513, 2696).

The messages are sansldap's, which knows no sockets; connection, TLS and the check of the certificate are Python's own.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sansldap import (
    BindResponse,
    ExtendedOperations,
    ExtendedResponse,
    LDAPClient,
    LDAPError,
    LDAPFilter,
    LDAPMessage,
    LDAPResult,
    LDAPResultCode,
    PagedResultControl,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
    SearchScope,
)

from identities.csvtable import MAX_BYTES, BadFile

WAIT_SECONDS: Final = 30
PAGE: Final = 500
"""Entries a page; Active Directory gives 1,000 at most and OpenLDAP 500 unless it is told otherwise."""

MOST_PAGES: Final = 20_000
PORTS: Final = {"ldaps": 636, "ldap": 389}
RANGE: Final = re.compile(r"^(?P<name>[^;]+);range=(?P<first>\d{1,9})-(?P<last>\d{1,9}|\*)$", re.IGNORECASE)
CUT: Final = {LDAPResultCode.SIZE_LIMIT_EXCEEDED, LDAPResultCode.TIME_LIMIT_EXCEEDED}
CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Holds where a directory is and as whom it is asked; the password is never shown.

    `url` is ldaps://host, or ldap://host, where StartTLS comes before anything else is said.
    """

    url: str
    bind_dn: str
    password: str = field(repr=False)
    ca_file: str = ""

    @property
    def host(self) -> str:
        """The name that the server's certificate has to have."""
        return urlsplit(self.url).hostname or ""

    @property
    def scheme(self) -> str:
        """Either ldaps or ldap."""
        return urlsplit(self.url).scheme.lower()

    @property
    def port(self) -> int:
        """The port, that of the scheme where none is given."""
        return urlsplit(self.url).port or PORTS[self.scheme]


@dataclass(frozen=True, slots=True)
class Found:
    """Holds one entry as the directory gave it: its name, and its attributes with all their values."""

    dn: str
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]

    def texts(self, name: str) -> list[str]:
        """Returns the values of an attribute as text."""
        held = {known.lower(): values for known, values in self.attributes}
        return [value.decode("utf-8", "replace") for value in held.get(name.lower(), ())]


class Connection:
    """Asks over one connection; `references` are the other servers that the directory named, which are not asked."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream, self._ldap, self._received = stream, LDAPClient(), 0
        self.references: set[str] = set()

    def search(
        self,
        base: str,
        wanted: str,
        attributes: Sequence[str],
        *,
        page: int = PAGE,
    ) -> Iterator[Found]:
        """Yields the entries under a base that a filter fits, page after page (RFC 2696), each with all its values.

        Raises:
            BadFile: with one sentence where the filter is none, or the server does not give everything.
        """
        try:
            asked = LDAPFilter.from_string(wanted)
        except ValueError as error:
            raise BadFile(f"The filter {wanted[:200]} is not one of LDAP (RFC 4515): {error}.") from error
        cookie = b""
        for _page in range(MOST_PAGES):
            control = PagedResultControl(critical=True, size=page, cookie=cookie)
            number = self._ldap.search_request(base, filter=asked, attributes=list(attributes), controls=[control])
            entries, done = self._page(number)
            for entry in entries:
                yield self._whole(entry)
            cookie = next((one.cookie for one in done.controls if isinstance(one, PagedResultControl)), b"")
            if not cookie:
                return
        raise BadFile(f"The directory answers in more than {MOST_PAGES:,} pages, which are not read.")

    def entry(self, dn: str, attributes: Sequence[str]) -> Found | None:
        """Returns one entry with these attributes as the server gives them, None where it gives none."""
        number = self._ldap.search_request(dn, SearchScope.BASE, attributes=list(attributes))
        entries, _done = self._page(number)
        return _found(entries[0]) if entries else None

    def _page(self, number: int) -> tuple[list[SearchResultEntry], SearchResultDone]:
        """Returns the entries of one page and what ended it."""
        entries: list[SearchResultEntry] = []
        for message in self._answers(number):
            if isinstance(message, SearchResultEntry):
                entries.append(message)
            elif isinstance(message, SearchResultReference):
                self.references |= set(message.uris)
            elif isinstance(message, SearchResultDone):
                _succeeded(message.result, "search")
                return entries, message
        raise BadFile("The directory ended the connection in the middle of its answer.")

    def _whole(self, entry: SearchResultEntry) -> Found:
        """Returns an entry with all values: Active Directory gives long lists in ranges (MS-ADTS 3.1.1.3.1.3.3)."""
        held: dict[str, list[bytes]] = {}
        for name, given in _found(entry).attributes:
            part = RANGE.match(name)
            values = held.setdefault(part["name"] if part else name, [])
            values += given
            while part and part["last"] != "*":
                part, more = self._range(entry.object_name, part["name"], int(part["last"]) + 1)
                values += more
        return Found(entry.object_name, tuple((name, tuple(values)) for name, values in held.items()))

    def _range(self, dn: str, name: str, first: int) -> tuple[re.Match[str], tuple[bytes, ...]]:
        """Returns the next range of an attribute of an entry."""
        found = self.entry(dn, [f"{name};range={first}-*"])
        for told, values in found.attributes if found else ():
            part = RANGE.match(told)
            if part and part["name"].lower() == name.lower() and int(part["first"]) == first:
                return part, values
        raise BadFile(f"The directory gave only {first:,} values of '{name}' of {dn[:200]}. Nothing was stored.")

    def start_tls(self) -> None:
        """Asks a server on its plain port for TLS (RFC 4511 4.14); this connection is left then."""
        self._do(self._ldap.extended_request(ExtendedOperations.LDAP_START_TLS.value), "StartTLS")

    def bind(self, dn: str, password: str) -> None:
        """Says who asks."""
        self._do(self._ldap.bind_simple(dn, password), "log-in")

    def unbind(self) -> None:
        """Takes leave of the server, which answers nothing."""
        self._ldap.unbind()
        self._stream.sendall(self._ldap.data_to_send())

    def _do(self, number: int, deed: str) -> None:
        """Waits until a request of one answer is done."""
        answer = next(self._answers(number))
        if not isinstance(answer, ExtendedResponse | BindResponse):
            raise BadFile(f"The directory answered the {deed} with something else.")
        _succeeded(answer.result, deed)

    def _answers(self, number: int) -> Iterator[LDAPMessage]:
        """Sends what waits and yields what comes back for one request, until the reader stops."""
        self._stream.sendall(self._ldap.data_to_send())
        while part := self._stream.recv(CHUNK):
            self._received += len(part)
            if self._received > 2 * MAX_BYTES:
                raise BadFile(f"The directory answers more than {2 * MAX_BYTES:,} bytes, which are not read.")
            yield from (one for one in self._ldap.receive(part) if one.message_id == number)
        raise BadFile("The directory ended the connection in the middle of its answer.")


def _found(entry: SearchResultEntry) -> Found:
    """Returns an answer of the server as an entry."""
    return Found(entry.object_name, tuple((one.name, tuple(one.values)) for one in entry.attributes))


@contextmanager
def connected(place: Place) -> Iterator[Connection]:
    """Opens a connection that is bound over TLS, and closes it.

    Raises:
        BadFile: with one sentence, without the password, where the place is none, the server's certificate is not
            trusted, or the server refuses.
    """
    _check(place)
    try:
        stream = _secured(place, _context(place.ca_file))
        try:
            connection = Connection(stream)
            connection.bind(place.bind_dn, place.password)
            yield connection
            connection.unbind()
        finally:
            stream.close()
    except (OSError, LDAPError) as error:
        raise BadFile(f"The directory cannot be read: {_words(error)}.") from error


def _secured(place: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Returns a socket over which TLS is spoken with the server that the place names."""
    stream = socket.create_connection((place.host, place.port), timeout=WAIT_SECONDS)
    try:
        if place.scheme == "ldap":
            # What a stranger put in before TLS stays with this connection, which is left (CVE-2011-0411).
            Connection(stream).start_tls()
        return context.wrap_socket(stream, server_hostname=place.host)
    except (OSError, LDAPError, BadFile):
        stream.close()
        raise


def _check(place: Place) -> None:
    """Refuses a place that is none, and a log-in that would be none (RFC 4513 5.1.2)."""
    try:
        known = place.scheme in PORTS and bool(place.host) and place.port > 0
    except ValueError:
        known = False
    if not known:
        raise BadFile("Write the directory as ldaps://host, or as ldap://host for StartTLS.")
    if not place.bind_dn or not place.password:
        raise BadFile(
            "Give the name to log in with (--bind) and its password in COUNTERSIGN_LDAP_PASSWORD, or in a file that "
            "COUNTERSIGN_LDAP_PASSWORD_FILE names."
        )


def _context(ca_file: str) -> ssl.SSLContext:
    """Returns the client's side of TLS 1.2 and 1.3, which checks the certificate and its name."""
    if ca_file and not Path(ca_file).is_file():
        raise BadFile(f"There is no file {ca_file} with the certificate of the authority.")
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise BadFile(f"The file {ca_file} holds no certificate as PEM.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _succeeded(result: LDAPResult, deed: str) -> None:
    """Refuses an answer that is not a success."""
    if result.result_code == LDAPResultCode.SUCCESS:
        return
    name = result.result_code.name.lower().replace("_", " ")
    said = f" ({' '.join(result.diagnostics_message.split())[:200]})" if result.diagnostics_message else ""
    if result.result_code in CUT:
        raise BadFile(f"The directory cut its answer off: {name}{said}. Have its limits raised for this log-in.")
    raise BadFile(f"The directory refused the {deed}: {name}{said}.")


def _words(error: Exception) -> str:
    """Returns what went wrong without the places in OpenSSL's code."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted, {error.verify_message.rstrip('.')}"
    if isinstance(error, TimeoutError):
        return f"no answer within {WAIT_SECONDS} s"
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split())[:300].rstrip(".") or type(error).__name__
