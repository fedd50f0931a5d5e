"""Unwrap what a collector wrapped: from the value it sends for a record to the lines that the source's format reads.

A source has one format. What that format reads may be sent as a string, as an object, or as a member of an object
beside the collector's own (`message` of Filebeat, `event.original` of ECS, `MESSAGE` of journald).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from logs.kinds import Format
from logs.parsers import guess_format

_INNER: Final = ("event.original", "message", "log", "MESSAGE", "msg", "line")
_ERRORS: Final = (ValueError, RecursionError)
_text: Final = msgspec.json.Decoder(str)
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])


def lines_of(text: bytes) -> list[bytes]:
    """Return the lines of a text that are not blank; one JSON document over several lines is one of them."""
    if b"\n" not in text:
        return [text] if text and not text.isspace() else []
    if text.lstrip()[:1] == b"{":
        try:
            return [msgspec.json.format(text, indent=-1)]
        except _ERRORS:
            pass
    return [line for line in text.split(b"\n") if line and not line.isspace()]


def unwrap(form: Format, value: bytes) -> list[bytes]:
    """Return the records inside one JSON value, as the bytes of lines; an empty text or list holds none."""
    start = value.lstrip()[:1]
    try:
        if start == b'"':
            return lines_of(_text.decode(value).encode())
        if start == b"[":
            return [line for one in _elements.decode(value) for line in _inside(form, bytes(one))]
    except _ERRORS:
        return lines_of(value)
    return _inside(form, value)


def _inside(form: Format, value: bytes) -> list[bytes]:
    """Return the records inside an object; other values are lines as they are.

    Between an object and the record in one of its members the source's format decides: what it knows again is taken,
    the inner one first, since the marks of a format are seen in the wrapping too.
    """
    start = value.lstrip()[:1]
    if start == b'"':
        return lines_of(_text.decode(value).encode())
    line = one_line(value)
    if start != b"{" or form == Format.JSON:
        return [line]
    inner = _member(value)
    if not inner or (guess_format(inner) != form and guess_format([line]) == form):
        return [line]
    return inner


def _member(value: bytes) -> list[bytes]:
    """Return the record in the first member that may hold one; nothing where there is none."""
    members = _members.decode(value)
    event = members.get("event")
    if event is not None and bytes(event)[:1] == b"{":
        members = {f"event.{name}": inner for name, inner in _members.decode(event).items()} | members
    inner = next((bytes(members[name]) for name in _INNER if bytes(members.get(name, b""))[:1] in {b'"', b"{"}), b"")
    return lines_of(_text.decode(inner).encode()) if inner[:1] == b'"' else [one_line(inner)] if inner else []


def one_line(value: bytes) -> bytes:
    """Return a JSON value without line feeds; its exact bytes where it has none."""
    return value if b"\n" not in value else bytes(msgspec.json.format(value, indent=-1))


def reads_wrapping(mapping: Mapping[str, object] | None, members: frozenset[str]) -> bool:
    """Return whether a saved mapping names members of the protocol's wrapping and so reads it whole."""
    columns = (mapping or {}).get("columns")
    return isinstance(columns, dict) and any(str(name).partition(".")[0] in members for name in columns)
