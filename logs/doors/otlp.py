"""OTLP/HTTP for logs: ``POST /v1/logs``, protobuf or JSON, under the root and under ``/api/v1/t/<slug>/``.

Answers as the specification says (OTLP 1.9, "OTLP/HTTP Response"): 200 in the encoding of the request, with
`partialSuccess` where records could not be read (they are kept in quarantine); a google.rpc.Status otherwise. Senders
try again after 429, 502, 503 and 504 only, and old ones drop on 429: what cannot be stored now is 503 with Retry-After.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from logs.answers import DeliveryAnswer
from logs.bodies import Body, BodyError, unwrapped
from logs.doors.entry import (
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
from logs.doors.otlpbody import (
    WRAPPING,
    OtlpError,
    lines_of_record,
    records_of_json,
    records_of_protobuf,
    uid_of,
)
from logs.doors.unwrap import reads_wrapping
from logs.intake import GivenIds
from logs.kinds import Format
from logs.parsers.text import record_id

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_READERS: Final = {JSON: records_of_json, PROTOBUF: records_of_protobuf}
_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 16, 405: 12, 413: 3, 415: 3, 422: 9, 503: 14}
"""google.rpc.Code of an HTTP status: INVALID_ARGUMENT 3, PERMISSION_DENIED 7, UNAUTHENTICATED 16, UNAVAILABLE 14."""


@csrf_exempt
def logs(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Take log records and answer what became of them, after the commit."""
    encoding = PROTOBUF if request.content_type == PROTOBUF else JSON
    try:
        return _success(_taken(request, slug), encoding)
    except OtlpError as error:
        return _status(DoorError(400, "body", str(error)), encoding)
    except REFUSALS as error:
        return _status(told(error), encoding)


@place()
def _taken(request: HttpRequest, slug: str) -> DeliveryAnswer | None:
    """Record the request's log records; None where there are none."""
    if request.method != "POST":
        raise DoorError(405, "method", "Send logs with POST.")
    found = opened(token_of(request), slug)
    if request.content_type not in _READERS:
        raise DoorError(415, "media_type", f"Send {PROTOBUF} or {JSON}.")
    try:
        body, door, ids = body_of_request(request), door_name(request, "otlp"), GivenIds()
    except BodyError as error:
        if error.code == "empty":
            return None  # protobuf's empty request
        raise
    try:
        body = unwrapped(body, _lines(body, request.content_type or "", found, ids))
        return deliver(request, found, body, door, ids=ids)
    except BodyError as error:
        if error.code == "empty":
            return None
        raise
    finally:
        body.close()


def _lines(body: Body, kind: str, found: Opened, ids: GivenIds) -> Iterator[bytes]:
    """Give the records as lines and note the ids that they were given."""
    form = Format(found.source.format)
    whole = form == Format.JSON and reads_wrapping(found.source.mapping, WRAPPING)
    body.file.seek(0)
    for record in _READERS[kind](body.file.read()):
        uid = record_id(uid_of(record))
        for number, line in enumerate(lines_of_record(form, record, whole=whole)):
            if uid:
                ids.give(line, f"{uid}/{number}" if number else uid)
            yield line


def _success(answer: DeliveryAnswer | None, encoding: str) -> HttpResponse:
    rejected = answer.quarantined if answer else 0
    words = f"{rejected} records could not be read as the source's format; they are kept in quarantine."
    if encoding == JSON:
        partial = {"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": words}}
        return HttpResponse(msgspec.json.encode(partial if rejected else {}), content_type=JSON)
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = words
    return HttpResponse(response.SerializeToString(), content_type=PROTOBUF)


def _status(refusal: DoorError, encoding: str) -> HttpResponse:
    """Answer with a google.rpc.Status in the request's encoding."""
    status = 401 if refusal.status == 404 else refusal.status
    code, text = _CODES.get(refusal.status, 3), refusal.sentence
    if encoding == JSON:
        content = msgspec.json.encode({"code": code, "message": text})
    else:
        said = text.encode()[:16_000]
        content = bytes([0x08, code, 0x12, *_varint(len(said))]) + said
    answer = HttpResponse(content, status=status, content_type=encoding)
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    if status == 405:
        answer["Allow"] = "POST"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _varint(number: int) -> bytes:
    """Return a protobuf varint of at most two bytes."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])
