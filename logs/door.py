"""The HTTP door of a log source: ``POST /api/v1/t/<slug>/ingest/<source key>``.

No session and no CSRF token: the source's own bearer token opens it. "Accepted" is answered only after the commit.
Overload is 503 with Retry-After and never 429, over which common senders drop the batch (ingest.md 3.1).
"""

import logging
import re
from collections.abc import Iterator
from typing import Any, Final

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from logs.actions import Envelope, KeyReusedError, record_events
from logs.actions.record import CHUNKED
from logs.answers import DeliveryAnswer
from logs.bodies import MAX_BODY_BYTES, Body, BodyError, spool
from logs.kinds import ParseError
from logs.models import LogSource
from logs.queries import source_by_token
from tenants.kinds import Actor, Refused
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope

RETRY_SECONDS: Final = 5
NOT_HERE: Final = "There is no such source, or the token is not its own."
CUT_IN_LINE: Final = (
    "A chunked body ends with a line feed; this one was cut in a record: nothing is stored, send it again."
)
CUT_OFF: Final = "The body ended before its end: nothing is stored, send it again."
_READ: Final = 256 * 1024
_KEY: Final = re.compile(r"^[\x21-\x7e]{1,200}$")
_log = logging.getLogger(__name__)


class DoorError(Exception):
    """A request that is answered with a problem: status, short code, and a sentence that says what to do."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence


@csrf_exempt
def ingest(request: HttpRequest, slug: str, source_key: str) -> HttpResponse:
    """Take one body of log records and answer what became of it, after the commit."""
    try:
        return JsonResponse(_taken(request, slug, source_key).as_json())
    except (DoorError, BodyError) as error:
        return _problem(request, error.status, error.code, error.sentence)
    except (KeyReusedError, Refused, ParseError, UnreadablePostError) as error:
        return _problem(request, *_told(error))
    except (DatabaseError, OSError):  # a full disk is an OSError
        _log.exception("A delivery could not be stored.")
        sentence = f"The delivery could not be stored now: nothing is kept of it. Send it again in {RETRY_SECONDS} s."
        return _problem(request, 503, "busy", sentence)


def _told(error: Exception) -> tuple[int, str, str]:
    """Return status, code and sentence of a refusal that was raised below the door."""
    if isinstance(error, KeyReusedError):
        return 409, "key_reused", str(error)
    if isinstance(error, Refused):
        return 403, "refused", error.verdict.reason
    if isinstance(error, ParseError):
        return 422, "mapping", f"The body cannot be read as the source's settings say: {error.reason}"
    return 400, "cut_off", CUT_OFF


def _taken(request: HttpRequest, slug: str, source_key: str) -> DeliveryAnswer:
    """Check the token before the body is read, read it outside of any transaction, and record it in one."""
    if request.method != "POST":
        raise DoorError(405, "method", "Send log records with POST.")
    tenant, source = _source(request, slug, source_key)
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.match(key):
        raise DoorError(400, "key", "An Idempotency-Key has 1 to 200 visible ASCII characters.")
    body = _body(request)
    door = "http" if request.META.get("CONTENT_LENGTH") else CHUNKED
    try:
        if door == CHUNKED and not body.ends_whole():
            raise DoorError(400, "cut_off", CUT_IN_LINE)
        with tenant_scope(tenant):
            envelope = Envelope(door=door, idempotency_key=key, address=request.META.get("REMOTE_ADDR") or None)
            by = Actor.system(f"source {source.key}", tenant.pk)
            return record_events(source=source, body=body, door=envelope, by=by)
    finally:
        body.close()


def _source(request: HttpRequest, slug: str, source_key: str) -> tuple[Tenant, LogSource]:
    """Return the source that the bearer token belongs to; the address must name the same one."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise DoorError(401, "token_missing", "Send the source's token: Authorization: Bearer csn_src_...")
    tenant = tenant_by_slug(slug)
    if tenant is None:
        raise DoorError(404, "not_here", NOT_HERE)
    with tenant_scope(tenant):
        found = source_by_token(text.strip())
    if found is None:
        raise DoorError(404, "not_here", NOT_HERE)
    if not found.live:
        raise DoorError(401, "token_ended", "This token was revoked or has expired. Issue a new one for the source.")
    if found.source.key != source_key:
        raise DoorError(404, "not_here", NOT_HERE)
    return tenant, found.source


def _body(request: HttpRequest) -> Body:
    """Read the whole body, chunked or not; a form with files is refused."""
    if request.content_type == "multipart/form-data":
        raise DoorError(415, "media_type", "Send the records as the body itself, not as a form with a file.")
    length = request.META.get("CONTENT_LENGTH") or ""
    encoding = request.headers.get("Content-Encoding", "")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise DoorError(413, "too_long", f"The body has more than {MAX_BODY_BYTES:,} bytes: send it in smaller parts.")
    return spool(_chunks(request, int(length) if length.isdigit() else None), encoding=encoding)


def _chunks(request: HttpRequest, length: int | None) -> Iterator[bytes]:
    """Give the body as it arrives.

    Django takes a body without a Content-Length for empty, so a chunked one is read from the server's own input, and
    only where the server says that this input ends with the body (facts: ingest.md 3.1).
    """
    if length is None and not request.META.get("wsgi.input_terminated"):
        raise DoorError(411, "length", "This server cannot read a chunked body: send a Content-Length.")
    source: Any = request.META["wsgi.input"] if length is None else request
    received = 0
    while chunk := source.read(_READ):
        received += len(chunk)
        yield bytes(chunk)
    if length is not None and received != length:
        raise DoorError(400, "cut_off", CUT_OFF)


def _problem(request: HttpRequest, status: int, code: str, sentence: str) -> JsonResponse:
    """Return a problem (RFC 9457)."""
    members = {
        "type": f"/api/v1/#problem-{status}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": sentence,
        "instance": request.path,
        "code": code,
    }
    answer = JsonResponse(members, status=status, content_type="application/problem+json")
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    if status == 405:
        answer["Allow"] = "POST"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    503: "Service Unavailable",
}
