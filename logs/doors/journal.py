"""systemd's journal: ``POST <base>/upload``, for systemd-journal-upload, under ``/journal`` and ``/api/v1/t/<slug>/``.

The journal of a machine may be gigabytes in one request. It is stored in parts while it arrives, each in a transaction
of its own, and "accepted" is answered after the last. A sender that is cut off goes on from its last accepted cursor;
what was stored already is known by its cursor and stored once.
"""

from collections.abc import Iterator
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from logs.bodies import BodyError, body_of, unwrapped
from logs.doors.entry import (
    REFUSALS,
    RETRY_SECONDS,
    DoorError,
    Opened,
    chunks_of,
    deliver,
    opened,
    place,
    token_of,
    told,
)
from logs.doors.journalbody import Entry, JournalError, JournalReader
from logs.doors.unwrap import unwrap
from logs.intake import GivenIds
from logs.kinds import Format
from logs.parsers.text import record_id

KIND: Final = "application/vnd.fdo.journal"
PART_BYTES: Final = 8 * 1024 * 1024
"""Bytes of entries that are stored in one transaction."""

BEFORE: Final = "What came before is stored and known by its cursors: send it again from the last accepted one."


@csrf_exempt
def upload(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Take a stream of journal entries and answer after the last of them is committed."""
    try:
        return _plain(200, f"OK: {_taken(request, slug)} entries are stored.")
    except REFUSALS as error:
        return _refused(told(error))


@place()
def _taken(request: HttpRequest, slug: str) -> int:
    if request.method != "POST":
        raise DoorError(405, "method", "Send journal entries with POST.")
    found = opened(token_of(request), slug)
    if request.content_type != KIND:
        raise DoorError(415, "media_type", f"Send {KIND}.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise DoorError(415, "encoding", "Send the entries unpacked.")
    return sum(_stored(request, found, part) for part in _parts(request))


def _parts(request: HttpRequest) -> Iterator[list[Entry]]:
    """Give the entries as they arrive, in parts; raises `DoorError` where the stream ends within an entry."""
    reader = JournalReader()
    part: list[Entry] = []
    size = 0
    fault: Exception | None = None
    try:
        for chunk in chunks_of(request):
            for entry in reader.feed(chunk):
                part.append(entry)
                size += len(entry.line)
            if size > PART_BYTES:
                yield part
                part, size = [], 0
    except (JournalError, DoorError) as error:
        fault = error
    if part:
        yield part
    if fault or not reader.between:
        raise _end(fault) from fault


def _end(fault: Exception | None) -> DoorError:
    """Return what the sender is told about a stream that did not end between two entries."""
    if isinstance(fault, JournalError):
        return DoorError(400, "body", f"{fault} {BEFORE}")
    if isinstance(fault, DoorError) and fault.code != "cut_off":
        return fault
    return DoorError(400, "cut_off", f"The stream ended within an entry. {BEFORE}")


def _stored(request: HttpRequest, found: Opened, part: list[Entry]) -> int:
    """Store one part; entries without any text are none of a log."""
    body, ids = body_of(b"\n".join(entry.line for entry in part)), GivenIds()
    try:
        body = unwrapped(body, _lines(found, part, ids))
        deliver(request, found, body, "journal", ids=ids)
    except BodyError as error:
        if error.code != "empty":
            raise
    finally:
        body.close()
    return len(part)


def _lines(found: Opened, part: list[Entry], ids: GivenIds) -> Iterator[bytes]:
    form = Format(found.source.format)
    for entry in part:
        name = record_id(entry.cursor)
        for number, line in enumerate(unwrap(form, entry.line)):
            if name:
                ids.give(line, f"{name}/{number}" if number else name)
            yield line


def _refused(refusal: DoorError) -> HttpResponse:
    status = 401 if refusal.status == 404 else refusal.status
    answer = _plain(status, refusal.sentence)
    if status == 401:
        answer["WWW-Authenticate"] = 'Basic realm="countersign"'
    if status == 405:
        answer["Allow"] = "POST"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
