"""The native door of a log source: ``POST /api/v1/t/<slug>/ingest/<source key>``.

No session and no CSRF token: the source's own bearer token opens it. "Accepted" is answered only after the commit.
Overload is 503 with Retry-After and never 429, over which common senders drop the batch (ingest.md 3.1).
"""

import re
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from logs.answers import DeliveryAnswer, joined
from logs.bodies import MAX_BODY_BYTES, MAX_LONG_BODY_BYTES, Body, body_of
from logs.doors.entry import (
    CUT_IN_LINE,
    NOT_HERE,
    REFUSALS,
    RETRY_SECONDS,
    DoorError,
    Opened,
    body_of_request,
    deliver,
    door_name,
    opened,
    place,
    told,
)
from logs.kinds import Format
from logs.parts import parts

_LONGEST_PLAIN_KEY: Final = 190
_KEY: Final = re.compile(r"^[\x21-\x7e]{1,200}$")


@csrf_exempt
def ingest(request: HttpRequest, slug: str, source_key: str) -> HttpResponse:
    """Take one body of log records and answer what became of it, after the commit."""
    try:
        return JsonResponse(_taken(request, slug, source_key).as_json())
    except REFUSALS as error:
        return _problem(request, told(error))


@place()
def _taken(request: HttpRequest, slug: str, source_key: str) -> DeliveryAnswer:
    """Check the token before the body is read, read it outside of any transaction, and record it in one."""
    if request.method != "POST":
        raise DoorError(405, "method", "Send log records with POST.")
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise DoorError(401, "token_missing", "Send the source's token: Authorization: Bearer csn_src_...")
    found = opened(text.strip(), slug)
    if found.source.key != source_key:
        raise DoorError(404, "not_here", NOT_HERE)
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.match(key):
        raise DoorError(400, "key", "An Idempotency-Key has 1 to 200 visible ASCII characters.")
    body, door = body_of_request(request, MAX_LONG_BODY_BYTES), door_name(request, "http")
    try:
        if door != "http" and not body.ends_whole():
            raise DoorError(400, "cut_off", CUT_IN_LINE)
        if body.size <= MAX_BODY_BYTES:
            return deliver(request, found, body, door, key=key)
        return joined(list(_in_parts(request, found, body, door, key)))
    finally:
        body.close()


def _in_parts(request: HttpRequest, found: Opened, body: Body, door: str, key: str) -> Iterator[DeliveryAnswer]:
    """Store a long body part by part, each in a transaction of its own (docs/adr/0307).

    Whoever is refused in the middle sends the whole body again: the same bytes give the same parts, and those that are
    stored are answered as before.
    """
    source, stored = found.source, 0
    body.file.seek(0)
    try:
        for part in parts(body.file, Format(source.format), named=bool((source.mapping or {}).get("header"))):
            with closing(body_of(part)) as one:
                yield deliver(request, found, one, door, key=_part_key(key, stored + 1))
            stored += 1
    except REFUSALS as error:
        refusal = told(error)
        if not stored:
            raise refusal from error
        sentence = f"{refusal.sentence} Before that {stored} parts of the body were stored and are known by it."
        raise DoorError(refusal.status, refusal.code, sentence) from error


def _part_key(key: str, number: int) -> str:
    """Return the key of a part; a given key holds no space, so that no part's key is another body's."""
    if not key:
        return ""
    return f"{key if len(key) <= _LONGEST_PLAIN_KEY else sha256(key.encode()).hexdigest()} {number}"


def _problem(request: HttpRequest, refusal: DoorError) -> JsonResponse:
    """Return a problem (RFC 9457)."""
    status = refusal.status
    members = {
        "type": f"/api/v1/#problem-{status}",
        "title": _TITLES.get(status, "Refused"),
        "status": status,
        "detail": refusal.sentence,
        "instance": request.path,
        "code": refusal.code,
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
