"""Elastic's bulk protocol, for Beats, Logstash, Fluent Bit, Vector and rsyslog's omelasticsearch.

The base address is ``/elastic`` or ``/api/v1/t/<slug>/elastic``. An item's `_id` is the native id of its record, unless
the record has one of its own. What cannot be stored now is answered 200 with 429 for each item: every client sends such
items again, while omelasticsearch drops the batch over a whole 503 (ingest.md 3.1).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final

import msgspec
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from logs.answers import DeliveryAnswer
from logs.bodies import Body, BodyError, Unwrapped, unwrapped
from logs.doors.bulkbody import BulkError, Item, items
from logs.doors.entry import (
    REFUSALS,
    RETRY_SECONDS,
    BusyError,
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
from logs.doors.unwrap import one_line, unwrap
from logs.intake import GivenIds
from logs.kinds import Format
from logs.parsers.text import record_id

VERSION: Final = "9.0.0"
"""The release whose bulk protocol is spoken; clients only compare its first number."""

_COMPATIBLE: Final = re.compile(r"compatible-with=(\d)")
_KINDS: Final = {
    400: "parse_exception",
    401: "security_exception",
    403: "security_exception",
    404: "security_exception",
    429: "es_rejected_execution_exception",
}


@csrf_exempt
def root(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Say what this is, as clients ask before they send."""
    version = {"number": VERSION, "build_flavor": "default", "minimum_wire_compatibility_version": "8.0.0"}
    about = {"name": "countersign", "cluster_name": "countersign", "version": version}
    return _told(request, slug, {**about, "tagline": "You Know, for Search"})


@csrf_exempt
def licence(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Say that everything that is offered here may be used, as Logstash and Beats ask."""
    return _told(request, slug, {"license": {"status": "active", "type": "basic", "mode": "basic"}})


@csrf_exempt
def bulk(request: HttpRequest, slug: str = "", index: str = "") -> HttpResponse:
    """Take documents and answer what became of each, after the commit."""
    try:
        if request.method not in {"POST", "PUT"}:
            raise DoorError(405, "method", "Send documents with POST or PUT.")
        return _answered(request, 200, _bulk(request, slug, index))
    except BulkError as error:
        return _refused(request, DoorError(400, "body", str(error)))
    except REFUSALS as error:
        return _refused(request, told(error))


def _told(request: HttpRequest, slug: str, about: dict[str, Any]) -> HttpResponse:
    try:
        opened(token_of(request), slug)
        if request.method not in {"GET", "HEAD"}:
            raise DoorError(405, "method", "Ask with GET or HEAD.")
    except REFUSALS as error:
        return _refused(request, told(error))
    return _answered(request, 200, about)


def _bulk(request: HttpRequest, slug: str, index: str) -> dict[str, Any]:
    """Return the answer for each item: 429, whoever asks, while the database cannot say whose token it is."""
    try:
        found = opened(token_of(request), slug)
    except DatabaseError as error:
        with closing(body_of_request(request)) as body:
            return _later(list(items(iter(body), index)), error)
    return _taken(request, found, index)


def _taken(request: HttpRequest, found: Opened, index: str) -> dict[str, Any]:
    """Record the documents and return the answer for each item."""
    body, door, ids = body_of_request(request), door_name(request, "elastic"), GivenIds()
    asked: list[Item] = []
    places: list[int] = []
    try:
        body = unwrapped(body, _lines(body, found, index, (asked, places, ids)))
        with place():
            answer = deliver(request, found, body, door, ids=ids)
    except BodyError as error:
        if error.code != "empty" or not asked:
            raise
        return _result(asked, None, {})
    except (BusyError, DatabaseError, OSError) as error:
        if not isinstance(body, Unwrapped):
            raise  # not all items are known
        return _later(asked, error)
    finally:
        body.close()
    unread = {places[one["index"]]: (400, str(one["detail"])) for one in answer.errors if one["index"] < len(places)}
    return _result(asked, answer, unread)


def _lines(body: Body, found: Opened, index: str, kept: tuple[list[Item], list[int], GivenIds]) -> Iterator[bytes]:
    """Give the documents as lines; keeps the items, the item of each line, and the ids of the lines."""
    form = Format(found.source.format)
    asked, places, ids = kept
    for number, item in enumerate(items(iter(body), index)):
        document, item.document = item.document, b"" if item.document is not None else None
        asked.append(item)
        if document is None:
            continue
        name = record_id(item.given_id)
        for part, line in enumerate(unwrap(form, document) or [one_line(document)]):
            if name:
                ids.give(line, f"{name}/{part}" if part else name)
            places.append(number)
            yield line


def _later(asked: Sequence[Item], error: Exception) -> dict[str, Any]:
    """Return the answer that has every client send each item again."""
    return _result(asked, None, dict.fromkeys(range(len(asked)), (429, told(error).sentence)))


def _result(asked: Sequence[Item], answer: DeliveryAnswer | None, faults: dict[int, tuple[int, str]]) -> dict[str, Any]:
    batch = str(answer.batch) if answer else "none"
    answers, failed = [], False
    for number, item in enumerate(asked):
        said: dict[str, Any] = {"_index": item.index or "countersign", "_id": item.given_id or f"{batch}-{number}"}
        status, sentence = faults.get(number, (201, ""))
        if item.document is None:
            status, sentence = 400, f"The action {item.action} changes what is stored: evidence is never changed."
        if status == 201:
            said |= {"_version": 1, "result": "created", "_seq_no": number, "_primary_term": 1}
        else:
            failed = True
            kind = "document_parsing_exception" if status == 400 else _KINDS[status]
            said["error"] = {"type": kind, "reason": sentence}
        answers.append({item.action: {**said, "status": status}})
    return {"took": 0, "errors": failed, "items": answers}


def _refused(request: HttpRequest, refusal: DoorError) -> HttpResponse:
    status = 401 if refusal.status == 404 else refusal.status
    kind = _KINDS.get(refusal.status, "illegal_argument_exception")
    reason = {"type": kind, "reason": refusal.sentence}
    answer = _answered(request, status, {"error": {**reason, "root_cause": [reason]}, "status": status})
    if status == 401:
        answer["WWW-Authenticate"] = 'Basic realm="countersign"'
    if status == 405:
        answer["Allow"] = "POST, PUT"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _answered(request: HttpRequest, status: int, content: dict[str, Any]) -> HttpResponse:
    """Answer in the media type that the client asks for, with the header that it insists on."""
    kind = "application/json"
    if asked := _COMPATIBLE.search(request.headers.get("Accept", "")):
        kind = f"application/vnd.elasticsearch+json;compatible-with={asked[1]}"
    answer = HttpResponse(msgspec.json.encode(content), status=status, content_type=kind)
    answer["X-Elastic-Product"] = "Elasticsearch"
    return answer
