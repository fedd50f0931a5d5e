"""Splunk's HTTP Event Collector: ``/services/collector`` with its kin, under the root and under ``/api/v1/t/<slug>/``.

All or nothing: one bad event refuses the request, so that sending it again is safe. Codes and answers are Splunk's
(docs.splunk.com, "Troubleshoot HTTP Event Collector"; the first fifteen as in its cloudfwd). Tokens in the query are
refused: they would stand in every access log on the way.
"""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from logs.actions import give_ack
from logs.bodies import Body, Unwrapped, unwrapped
from logs.doors.entry import (
    CUT_OFF,
    REFUSALS,
    RETRY_SECONDS,
    DoorError,
    Opened,
    body_of_request,
    deliver,
    door_name,
    opened,
    place,
    token_of,
    told,
)
from logs.doors.hecbody import WRAPPING, HecError, is_whole, values
from logs.doors.unwrap import one_line, reads_wrapping, unwrap
from logs.kinds import Format
from logs.queries import acknowledged
from tenants.kinds import Actor
from tenants.scope import tenant_scope

MAX_ACKS: Final = 10_000
"""Most ids of one question about acknowledgements; a longer one is refused."""

_CHANNEL: Final = re.compile(r"^[\x21-\x7e]{1,100}$")
_acks: Final = msgspec.json.Decoder(dict[str, list[int]])
_STATUS: Final = {1: 403, 2: 401, 3: 401, 4: 403, 8: 500, 9: 503, 17: 200, 18: 503}
_CODES: Final = {"token_missing": (2, "Token is required"), "not_here": (4, "Invalid token")}
_CODES_BY_STATUS: Final = {401: (4, "Invalid token"), 403: (1, "Token disabled"), 503: (9, "Server is busy")}
_log: Final = logging.getLogger(__name__)


@csrf_exempt
def events(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Take objects that hold one event each."""
    return _guarded(request, lambda: _taken(request, slug, _unwrapped))


@csrf_exempt
def raw(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Take records as they are, line by line."""
    return _guarded(request, lambda: _taken(request, slug, _whole))


@csrf_exempt
def ack(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Say which of the ids that the channel was given are committed."""
    return _guarded(request, lambda: _acknowledged(request, slug))


@csrf_exempt
def health(request: HttpRequest, slug: str = "") -> HttpResponse:  # noqa: ARG001 -- tells nothing of a tenant
    """Say whether events can be taken: the database answers. Open to all, as load balancers ask without a token."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        _log.exception("The database does not answer the health check.")
        return _said(18, "HEC is unhealthy, queues are full")
    return _said(17, "HEC is healthy")


def _guarded(request: HttpRequest, take: Callable[[], HttpResponse]) -> HttpResponse:
    """Run one of the doors and answer what it refuses as Splunk does."""
    try:
        if request.method != "POST":
            answer = _said(6, "Send events with POST", status=405)
            answer["Allow"] = "POST"
            return answer
        return take()
    except HecError as error:
        return _said(error.code, error.text, **({"invalid-event-number": error.number} if error.code != 5 else {}))
    except REFUSALS as error:
        return _refused(told(error))


def _refused(refusal: DoorError) -> HttpResponse:
    known = _CODES.get(refusal.code) or _CODES_BY_STATUS.get(refusal.status)
    if known:
        return _said(*known)
    code = 5 if refusal.code == "empty" else 6
    text = "No data" if code == 5 else refusal.sentence
    return _said(code, text, status=refusal.status)


def _said(code: int, text: str, *, status: int = 0, **more: int) -> HttpResponse:
    status = status or (200 if code == 0 else _STATUS.get(code, 400))
    answer = JsonResponse({"text": text, "code": code, **more}, status=status)
    if status == 401:
        answer["WWW-Authenticate"] = "Splunk"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _opened(request: HttpRequest, slug: str) -> Opened:
    """Return what the token opens; a token in the query is refused, and so is a header that cannot be read."""
    if "token" in request.GET:
        raise HecError(16, "Query string authorization is not enabled")
    text = token_of(request)
    if not text and request.headers.get("Authorization", "").strip():
        raise HecError(3, "Invalid authorization")
    return opened(text, slug)


def _channel(request: HttpRequest) -> str:
    """Return the channel of the request, "" where it uses none."""
    channel = request.headers.get("X-Splunk-Request-Channel") or request.GET.get("channel") or ""
    if channel and not _CHANNEL.match(channel):
        raise HecError(11, "Invalid data channel")
    return channel


@place()
def _taken(request: HttpRequest, slug: str, open_body: Callable[[Body, Opened], Body]) -> HttpResponse:
    """Record the events and answer after the commit, with an id to ask for where there is a channel."""
    found, channel = _opened(request, slug), _channel(request)
    body, door = body_of_request(request), door_name(request, "hec")
    try:
        if door != "hec" and open_body is _whole and not body.ends_whole():
            raise DoorError(400, "cut_off", CUT_OFF)
        body = open_body(body, found)
        deliver(request, found, body, door)
    finally:
        body.close()
    if not channel:
        return _said(0, "Success")
    with tenant_scope(found.tenant):
        by = Actor.system(f"source {found.source.key}", found.tenant.pk)
        return _said(0, "Success", ackId=give_ack(source=found.source, channel=channel, by=by))


def _whole(body: Body, found: Opened) -> Body:  # noqa: ARG001 -- the same shape as `_unwrapped`
    return body


def _unwrapped(body: Body, found: Opened) -> Unwrapped:
    form = Format(found.source.format)
    whole = is_whole(form, wrapping=reads_wrapping(found.source.mapping, WRAPPING))
    body.file.seek(0)
    return unwrapped(body, _records(body.file.read(), form, whole=whole))


def _records(data: bytes, form: Format, *, whole: bool) -> Iterator[bytes]:
    for number, (wrapped, event) in enumerate(values(data)):
        found = [one_line(wrapped)] if whole else unwrap(form, event)
        if not found:
            raise HecError(13, "Event field cannot be blank", number)
        yield from found


def _acknowledged(request: HttpRequest, slug: str) -> HttpResponse:
    found, channel = _opened(request, slug), _channel(request)
    if not channel:
        raise HecError(10, "Data channel is missing")
    body = body_of_request(request)
    try:
        body.file.seek(0)
        asked = _acks.decode(body.file.read()).get("acks", [])
    except (ValueError, RecursionError) as error:
        raise HecError(6, "Invalid data format") from error
    finally:
        body.close()
    if len(asked) > MAX_ACKS:
        raise HecError(6, f"Ask for at most {MAX_ACKS} ids")
    with tenant_scope(found.tenant):
        known = acknowledged(found.source, channel, asked)
    return JsonResponse({"acks": {str(number): number in known for number in asked}})
