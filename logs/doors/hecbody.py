"""The body of Splunk's HTTP Event Collector: JSON objects one after another, with any or no white space between."""

import json
from collections.abc import Iterator
from typing import Final

import msgspec

from logs.kinds import Format

WRAPPING: Final = frozenset({"event"})
"""A mapping with a column `event.user` reads the whole object, with its `time`, `host` and `fields`."""

_STRICT: Final = json.JSONDecoder()
_SPACE: Final = " \t\r\n"


class HecError(Exception):
    """An event that is refused, and with it its request: Splunk's code, its words, and the event's number from 0."""

    def __init__(self, code: int, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.code, self.text, self.number = code, text, number


class _Event(msgspec.Struct, gc=False):
    """The members that are looked at."""

    event: msgspec.Raw = msgspec.Raw(b"")
    time: float | str | None = None


_decoder: Final = msgspec.json.Decoder(_Event)
_BLANK: Final = frozenset({b'""', b"null", b""})


def values(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give each object's own bytes and those of its `event`.

    Raises:
        HecError: 5 no data, 6 invalid format, 12 no event, 13 a blank one.
    """
    number = -1
    for number, raw in enumerate(_objects(body)):
        yield raw, _checked(raw, number)
    if number < 0:
        raise HecError(5, "No data")


def _checked(raw: bytes, number: int) -> bytes:
    try:
        found = _decoder.decode(raw)
        if isinstance(found.time, str) and found.time.strip():
            float(found.time)
    except (ValueError, RecursionError) as error:
        raise HecError(6, "Invalid data format", number) from error
    event = bytes(found.event).strip()
    if not event:
        raise HecError(12, "Event field is required", number)
    if event in _BLANK or not event.strip(b'" \t'):
        raise HecError(13, "Event field cannot be blank", number)
    return event


def _objects(body: bytes) -> Iterator[bytes]:
    """Cut the body into its objects: line by line where each line is one, else by reading value after value."""
    lines = [line for line in body.split(b"\n") if line and not line.isspace()]
    if all(_is_object(line) for line in lines):
        yield from lines
        return
    try:
        text, at, number = body.decode(), 0, 0
    except UnicodeDecodeError as error:
        raise HecError(6, "Invalid data format") from error
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at == len(text):
            return
        try:
            _value, end = _STRICT.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise HecError(6, "Invalid data format", number) from error
        yield text[at:end].encode()
        at, number = end, number + 1


def _is_object(line: bytes) -> bool:
    try:
        _decoder.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def is_whole(form: Format, *, wrapping: bool) -> bool:
    """Return whether the record is the object itself: only for a mapped JSON source whose mapping reads it."""
    return wrapping and form == Format.JSON
