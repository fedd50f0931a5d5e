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


def too_long(limit: int) -> str:
    """Give the sentence for a record that is longer than the limit in bytes."""
    return f"The record is longer than {limit:,} bytes, the longest that is read."


TOO_LONG = too_long(MAX_LINE_BYTES)

_document = msgspec.json.Decoder(msgspec.Raw)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


_Wrapper = tuple[tuple[str, bytes], ...]
"""Names under which records may stand in an array, each with the mark that it leaves in the bytes."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a body: its exact bytes without the line feed, and its position from 0."""

    raw: bytes
    position: int


def all_lines(body: Iterable[bytes]) -> Iterator[bytes]:
    """Give every line without its line feed; a carriage return stays, a byte order mark at the beginning does not."""
    items = iter(body)
    for first in items:
        # The mark belongs to the file and to none of its records.
        items = chain([first.removeprefix(BOM_UTF8)], items)
        break
    for item in items:
        line = item[:-1] if item.endswith(b"\n") else item
        if b"\n" in line:
            yield from line.split(b"\n")
        else:
            yield line


def lines(body: Iterable[bytes]) -> Iterator[bytes]:
    """Give every line that is not blank, without its line feed; a carriage return stays."""
    return (line for line in all_lines(body) if line and not line.isspace())


def numbered_lines(body: Iterable[bytes], limit: int = MAX_LINE_BYTES) -> Iterator[Record | Quarantined]:
    """Give the lines as records; one that is longer than the limit in bytes is quarantined whole."""
    for position, line in enumerate(lines(body)):
        yield Record(line, position) if len(line) <= limit else Quarantined(line, too_long(limit), position)


def _inner(raw: bytes, wrapper: "_Wrapper") -> Iterable[bytes] | str:
    """Give the records inside one JSON value, or the sentence that says why there are none."""
    start = raw.lstrip()[:1]
    if len(raw) > MAX_LINE_BYTES and raw.count(b",") > MAX_COMMAS:
        raise ParseError(TOO_FULL)
    try:
        if start == b"[":
            return map(bytes, _elements.decode(raw))
        if start != b"{":
            return "The line is not a JSON object."
        for name, mark in wrapper:
            inner = _members.decode(raw).get(name) if mark in raw[:4096] else None
            if inner is not None and bytes(inner).lstrip()[:1] == b"[":
                return map(bytes, _elements.decode(inner))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return f"The record is not valid JSON. {sentence(error)}"
    return [raw]


def _may_wrap(raw: bytes, names: _Wrapper) -> bool:
    """Tell whether the beginning of an object names one of the wrappers; most records do not."""
    begin = raw[:4096]
    for _name, mark in names:  # noqa: SIM110 -- a generator costs more than the search
        if mark in begin:
            return True
    return False


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
    names: _Wrapper = tuple((name, f'"{name}"'.encode()) for name in wrapper.split("|") if name)
    position = 0
    for value in values:
        if value[:1] == b"{" and len(value) <= MAX_LINE_BYTES and not (names and _may_wrap(value, names)):
            yield Record(value, position)
            position += 1
            continue
        inner = _inner(value, names)
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
