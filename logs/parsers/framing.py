"""Cut a body into records, each with its exact bytes and its position.

A body is an iterable of byte strings (an open file, a list with one whole body, a list of lines). An item never breaks
a line in two; several lines may stand in one item. Blank lines are no records.
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from logs.kinds import MAX_LINE_BYTES, Ignored, ParseError, Quarantined
from logs.parsers.text import sentence

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Longest JSON document over several lines that is held in memory, in bytes."""

MAX_COMMAS = 5_000_000
"""Most commas in one JSON value: 64 MB of ``[1,1,...`` would become 32 million objects. Events have one in 15 bytes."""

TOO_FULL = f"One JSON document holds more than {MAX_COMMAS:,} values: send its records line by line, or in parts."
TOO_LONG = f"The record is longer than {MAX_LINE_BYTES:,} bytes, the longest that is read."

_document = msgspec.json.Decoder(msgspec.Raw)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a body: its exact bytes without the line feed, and its position from 0."""

    raw: bytes
    position: int


def all_lines(body: Iterable[bytes]) -> Iterator[bytes]:
    """Give every line without its line feed; a carriage return stays, a byte order mark at the beginning does not."""
    for number, item in enumerate(body):
        if not number and item.startswith(BOM_UTF8):
            item = item[len(BOM_UTF8) :]  # noqa: PLW2901 -- the mark belongs to the file and to none of its records
        line = item[:-1] if item.endswith(b"\n") else item
        if b"\n" in line:
            yield from line.split(b"\n")
        else:
            yield line


def lines(body: Iterable[bytes]) -> Iterator[bytes]:
    """Give every line that is not blank, without its line feed; a carriage return stays."""
    for line in all_lines(body):
        if line and not line.isspace():
            yield line


def numbered_lines(body: Iterable[bytes]) -> Iterator[Record | Quarantined]:
    """Give the lines as records; one that is longer than `MAX_LINE_BYTES` is quarantined whole."""
    for position, line in enumerate(lines(body)):
        yield Record(line, position) if len(line) <= MAX_LINE_BYTES else Quarantined(line, TOO_LONG, position)


def _inner(raw: bytes, wrapper: str) -> Iterable[bytes] | str:
    """Give the records inside one JSON value, or the sentence that says why there are none."""
    start = raw.lstrip()[:1]
    if len(raw) > MAX_LINE_BYTES and raw.count(b",") > MAX_COMMAS:
        raise ParseError(TOO_FULL)
    try:
        if start == b"[":
            return map(bytes, _elements.decode(raw))
        if start != b"{":
            return "The line is not a JSON object."
        for name in wrapper.split("|") if wrapper else ():
            inner = _members.decode(raw).get(name) if f'"{name}"'.encode() in raw[:4096] else None
            if inner is not None and bytes(inner).lstrip()[:1] == b"[":
                return map(bytes, _elements.decode(inner))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return f"The record is not valid JSON. {sentence(error)}"
    return [raw]


def _whole(raw: bytes) -> bool:
    try:
        _document.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Give a document that was spread over lines as one value, or else its lines as they are."""
    held, size = [first], len(first)
    for line in rest:
        held.append(line)
        size += len(line) + 1
        if size > MAX_DOCUMENT_BYTES:
            break
    document = b"\n".join(held)
    yield from [document] if size <= MAX_DOCUMENT_BYTES and _whole(document) else held
    yield from rest


def json_records(body: Iterable[bytes], wrapper: str = "") -> Iterator[Record | Quarantined | Ignored]:
    """Give the JSON objects of a body, each with its exact bytes.

    Reads NDJSON, an array, an object with the array under `wrapper` ("Records", or
    several names "records|value"), one document spread over lines, and
    any line-wise mixture of them.
    """
    source = lines(body)
    first = next(source, None)
    if first is None:
        return
    values = chain([first], source) if _whole(first) else _joined(first, source)
    position = 0
    for value in values:
        inner = _inner(value, wrapper)
        if isinstance(inner, str):
            yield Quarantined(value, inner, position)
            position += 1
            continue
        before = position
        for raw in inner:
            yield Record(raw, position) if len(raw) <= MAX_LINE_BYTES else Quarantined(raw, TOO_LONG, position)
            position += 1
        if position == before:
            yield Ignored(value, "empty list", position)
            position += 1
