"""Cut a body of Windows events into records: XML of one or many events, JSON of any shape, or one EVTX file."""

import re
from codecs import BOM_UTF8
from collections.abc import Generator, Iterable, Iterator
from itertools import chain

import msgspec

from logs.kinds import MAX_LINE_BYTES, Ignored, Quarantined
from logs.parsers.framing import TOO_LONG, Record, all_lines, json_records
from logs.parsers.windows_evtx import MAGIC, read_file

_OPEN, _CLOSE = re.compile(rb"<Event[\s>]"), b"</Event>"
_AROUND = re.compile(rb"(?:\s+|<\?xml[^>]{0,200}\?>|</?Events[^>]{0,200}>)*+\s*")
_BEFORE = 300
"""Longest header of syslog that may stand before an event on its line, in bytes."""


_BEGINS = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<Events?[\s>]")


def is_windows(first: bytes) -> bool:
    """Tell whether a body begins like an EVTX file or like the XML of events; JSON has marks of its own."""
    return first.startswith(MAGIC) or _BEGINS.match(first.removeprefix(BOM_UTF8)) is not None


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One event of a body: its exact bytes, and the part of them that is the event itself, XML or JSON."""

    raw: bytes
    event: bytes
    position: int


def pieces(body: Iterable[bytes]) -> Iterator[Piece | Quarantined | Ignored]:
    """Give every event of a body; what stands between the events is given too, so that no byte is lost."""
    items = iter(body)
    held: list[bytes] = []
    for item in items:
        held.append(item)
        if item.strip():
            break
    first = held[-1].removeprefix(BOM_UTF8).lstrip() if held else b""
    whole = chain(held, items)
    if first.startswith(MAGIC):
        return _evtx(whole)
    line = first.partition(b"\n")[0]
    xml = line[:1] not in {b"{", b"["} and (line.startswith(b"<?xml") or b"<Event" in line[:_BEFORE])
    return _xml(whole) if xml else _json(whole)


def _evtx(body: Iterable[bytes]) -> Iterator[Piece | Quarantined]:
    for position, found in enumerate(read_file(body)):
        if found.reason or len(found.raw) > MAX_LINE_BYTES:
            yield Quarantined(found.raw, found.reason or TOO_LONG, position)
        else:
            yield Piece(found.raw, found.raw, position)


def _json(body: Iterable[bytes]) -> Iterator[Piece | Quarantined | Ignored]:
    """Give JSON events; a line of syslog with an event at its end is understood too."""
    for found in json_records(body):
        if isinstance(found, Record):
            yield Piece(found.raw, found.raw, found.position)
        elif isinstance(found, Quarantined) and len(found.raw) <= MAX_LINE_BYTES:
            inner = _inside(found.raw)
            yield Piece(found.raw, inner, found.position) if inner else found
        else:
            yield found


def _inside(raw: bytes) -> bytes:
    """Give the event after a header of syslog, or nothing."""
    for mark, end in ((b"<Event", b">"), (b"{", b"}")):
        at = raw.find(mark, 0, _BEFORE)
        if at >= 0 and raw.rstrip().endswith(end) and not (at == 0 and mark == b"{"):
            return raw[at:]
    return b""


def _xml(body: Iterable[bytes]) -> Iterator[Piece | Quarantined | Ignored]:
    """Give XML events, one or many in a line, or spread over lines."""
    held: list[bytes] = []
    size = position = 0
    for line in all_lines(body):
        if not held and _is_one(line):
            yield Piece(line, line, position)
            position += 1
            continue
        if not held and not line.strip():
            continue
        held.append(line)
        size += len(line) + 1
        if _CLOSE not in line and size <= MAX_LINE_BYTES and not (len(held) == 1 and _alone(line)):
            continue
        position, rest = yield from _taken(b"\n".join(held), position)
        held, size = ([rest], len(rest)) if rest else ([], 0)
    if held:
        yield _loose(b"\n".join(held), position)


def _taken(text: bytes, position: int) -> Generator[Piece | Quarantined | Ignored, None, tuple[int, bytes]]:
    """Give the events of a text; return the next position, and what may begin an event that goes on."""
    if _CLOSE in text:
        for found in _events(text, position):
            position += 1
            yield found
        text = text[text.rfind(_CLOSE) + len(_CLOSE) :]
    if text.strip() and (len(text) > MAX_LINE_BYTES or _alone(text)):
        yield _loose(text, position)
        return position + 1, b""
    return position, text if text.strip() else b""


def _is_one(line: bytes) -> bool:
    """Tell whether a line is one event and nothing else."""
    return line.startswith(b"<Event ") and line.find(_CLOSE) == len(line) - len(_CLOSE) <= MAX_LINE_BYTES


def _alone(line: bytes) -> bool:
    """Tell whether a line is no part of an event: what stands around events, or JSON."""
    return line.lstrip()[:1] == b"{" or _AROUND.fullmatch(line) is not None


def _events(text: bytes, position: int) -> Iterator[Piece | Quarantined | Ignored]:
    """Give the events of a text and what stands between them, up to the end of the last event."""
    at = 0
    while (end := text.find(_CLOSE, at)) >= 0:
        end += len(_CLOSE)
        found = _OPEN.search(text, at, end)
        begin = found.start() if found else end
        before = text[at:begin]
        header = found is not None and b"\n" not in before.strip() and len(before) <= _BEFORE
        if before.strip() and not (header and not _AROUND.fullmatch(before)):
            yield _loose(before, position)
            position += 1
            before = b""
        if found:
            raw = before.lstrip() + text[begin:end]
            yield (
                Piece(raw, text[begin:end], position)
                if len(raw) <= MAX_LINE_BYTES
                else Quarantined(raw, TOO_LONG, position)
            )
            position += 1
        at = end


def _loose(raw: bytes, position: int) -> Piece | Quarantined | Ignored:
    if len(raw) > MAX_LINE_BYTES:
        return Quarantined(raw, TOO_LONG, position)
    if _AROUND.fullmatch(raw):
        return Ignored(raw, "XML around the events", position)
    if raw.lstrip()[:1] == b"{":
        return Piece(raw, raw, position)
    return Quarantined(raw, "The text is no whole Event element of Windows.", position)
