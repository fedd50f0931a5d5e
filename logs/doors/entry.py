"""What all doors share: whose token it is, the body's bytes, the delivery, and how a refusal reads.

A token opens its own source of its own tenant, whatever the address or the body says (ingest.md 7, 12). Where the
address names no tenant, the token names it (docs/adr/0302): its rows are then looked up under that tenant's row
security, so that a forged name finds nothing.
"""

import base64
import binascii
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final

from django.db import Error as DatabaseError
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from logs.actions import Envelope, KeyReusedError, record_events
from logs.actions.record import CHUNKED_SUFFIX
from logs.answers import DeliveryAnswer
from logs.bodies import MAX_BODY_BYTES, Body, BodyError, spool
from logs.intake import GivenIds
from logs.kinds import ParseError
from logs.models import LogSource
from logs.queries import source_by_token
from tenants.kinds import Actor, Refused
from tenants.models import Tenant
from tenants.queries import tenant_by_slug, tenant_by_uuid
from tenants.scope import tenant_scope
from tenants.tokens import tenant_named

RETRY_SECONDS: Final = 5
PLACES: Final = 6
"""Deliveries that one process reads and stores at a time; it has more threads (`run`), which are left to the pages."""
_free = BoundedSemaphore(PLACES)
NOT_HERE: Final = "There is no such source, or the token is not its own."
CUT_IN_LINE: Final = (
    "A chunked body ends with a line feed; this one was cut in a record: nothing is stored, send it again."
)
CUT_OFF: Final = "The body ended before its end: nothing is stored, send it again."
MISSING: Final = "Send the source's token, which begins with csn_src_, in the header Authorization."
_READ: Final = 256 * 1024
_log = logging.getLogger(__name__)


class DoorError(Exception):
    """A request that is refused: HTTP status, short code, and a sentence that says what to do."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence


class BusyError(DoorError):
    """All places of this process are taken: nothing of the delivery was read, and it has to come again."""

    def __init__(self) -> None:
        sentence = f"{PLACES} deliveries are being stored already: nothing is kept of this one. "
        super().__init__(503, "busy", f"{sentence}Send it again in {RETRY_SECONDS} s.")


@contextmanager
def place() -> Iterator[None]:
    """Hold one of the places in which deliveries are read and stored, so that senders never hold every thread.

    Raises:
        BusyError: there is none.
    """
    if not _free.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        _free.release()


REFUSALS: Final = (
    DoorError,
    BodyError,
    KeyReusedError,
    Refused,
    ParseError,
    UnreadablePostError,
    DatabaseError,
    OSError,  # a full disk
)
"""What a door answers with `told`; anything else is a fault of the portal."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A door that a token has opened."""

    tenant: Tenant
    source: LogSource


def token_of(request: HttpRequest) -> str:
    """Return the token of the request, however its protocol sends it; "" where there is none.

    ``Bearer T``, ``Splunk T``, ``ApiKey T``, ``ApiKey base64(id:T)`` and Basic, whose password is the token.
    """
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    text = text.strip()
    kind = scheme.lower()
    if kind == "basic" or (kind == "apikey" and not text.startswith("csn_")):
        try:
            text = base64.b64decode(text, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return text if kind in {"bearer", "splunk", "apikey", "basic"} else ""


def opened(text: str, slug: str = "") -> Opened:
    """Return what the token opens, in the address's tenant or in the one that the token names.

    Raises:
        DoorError: 401 without a token or with one that has ended, 404 with one that belongs to nobody here.
    """
    if not text:
        raise DoorError(401, "token_missing", MISSING)
    named = tenant_named(text)
    tenant = tenant_by_slug(slug) if slug else tenant_by_uuid(named) if named else None
    if tenant is None:
        raise DoorError(404, "not_here", NOT_HERE)
    with tenant_scope(tenant):
        found = source_by_token(text)
    if found is None:
        raise DoorError(404, "not_here", NOT_HERE)
    if not found.live:
        raise DoorError(401, "token_ended", "This token was revoked or has expired. Issue a new one for the source.")
    return Opened(tenant, found.source)


def body_of_request(request: HttpRequest, limit: int = MAX_BODY_BYTES) -> Body:
    """Read the whole body, chunked or not, and unpack it; a form with files is refused."""
    if request.content_type == "multipart/form-data":
        raise DoorError(415, "media_type", "Send the records as the body itself, not as a form with a file.")
    length = request.META.get("CONTENT_LENGTH") or ""
    encoding = request.headers.get("Content-Encoding", "")
    if length.isdigit() and int(length) > limit:
        raise DoorError(413, "too_long", f"The body has more than {limit:,} bytes: send it in smaller parts.")
    return spool(chunks_of(request), encoding=encoding, limit=limit)


def chunks_of(request: HttpRequest) -> Iterator[bytes]:
    """Give the body as it arrives, still packed.

    Django takes a body without a Content-Length for empty, so a chunked one is read from the server's own input, and
    only where the server says that this input ends with the body (facts: ingest.md 3.1).
    """
    said = request.META.get("CONTENT_LENGTH") or ""
    length = int(said) if said.isdigit() else None
    if length is None and not request.META.get("wsgi.input_terminated"):
        raise DoorError(411, "length", "This server cannot read a chunked body: send a Content-Length.")
    source: Any = request.META["wsgi.input"] if length is None else request
    received = 0
    while chunk := source.read(_READ):
        received += len(chunk)
        yield bytes(chunk)
    if length is not None and received != length:
        raise DoorError(400, "cut_off", CUT_OFF)


def door_name(request: HttpRequest, name: str) -> str:
    """Return the door as deliveries store it: a chunked body may have been cut, which a later one shows."""
    return name if request.META.get("CONTENT_LENGTH") else f"{name}{CHUNKED_SUFFIX}"


def deliver(
    request: HttpRequest, found: Opened, body: Body, door: str, *, key: str = "", ids: GivenIds | None = None
) -> DeliveryAnswer:
    """Record the body in one transaction; what is returned is committed, unless the caller holds a scope open."""
    with tenant_scope(found.tenant):
        address = request.META.get("REMOTE_ADDR") or None
        envelope = Envelope(door=door, idempotency_key=key, address=address, ids=ids)
        by = Actor.system(f"source {found.source.key}", found.tenant.pk)
        return record_events(source=found.source, body=body, door=envelope, by=by)


def told(error: Exception) -> DoorError:
    """Return the refusal that one of `REFUSALS` means."""
    if isinstance(error, DoorError):
        return error
    if isinstance(error, DatabaseError | OSError) and not isinstance(error, UnreadablePostError):
        _log.error("A delivery could not be stored.", exc_info=error)
        sentence = f"The delivery could not be stored now: nothing is kept of it. Send it again in {RETRY_SECONDS} s."
        return DoorError(503, "busy", sentence)
    return DoorError(*_words(error))


def _words(error: Exception) -> tuple[int, str, str]:
    """Return status, code and sentence of a body that is refused, whenever it comes."""
    if isinstance(error, BodyError):
        return error.status, error.code, error.sentence
    if isinstance(error, KeyReusedError):
        return 409, "key_reused", str(error)
    if isinstance(error, Refused):
        return 403, "refused", error.verdict.reason
    if isinstance(error, ParseError):
        return 422, "mapping", f"The body cannot be read as the source's settings say: {error.reason}"
    return 400, "cut_off", CUT_OFF
