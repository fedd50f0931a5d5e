"""Long files and bodies cut into parts that are each delivered by itself. Pure.

The cuts follow from the bytes alone, so that the same file gives the same parts whenever it comes: a part that is
stored already is known by its hash.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import IO, Final

import msgspec

from logs.bodies import MAX_BODY_BYTES, BodyError
from logs.intake import MAX_RECORDS
from logs.kinds import MAX_LINE_BYTES, Format
from logs.parsers import table_format
from logs.parsers.windows_evtx import MAGIC, split

PART_BYTES: Final = 16 * 1024 * 1024
PART_LINES: Final = MAX_RECORDS // 2
OPEN_BYTES: Final = 2 * MAX_LINE_BYTES
"""How far a part is made longer for the sake of a quoted CSV field that is open at its end."""

_EVENT: Final = (b"<Event>", b"<Event ")
_json = msgspec.json.Decoder(msgspec.Raw)


def parts(file: IO[bytes], form: Format, size: int = PART_BYTES, *, named: bool = False) -> Iterator[bytes]:
    """Cut a file at line ends; a JSON document over several lines stays whole, as does a quoted field of a CSV.

    XML of Windows is cut before an event, an EVTX file between its chunks. Each part of a CSV has its header, unless
    its columns are ``named`` by the mapping: then the first line is a row.
    """
    first = file.readline(MAX_BODY_BYTES + 1)
    if not first:
        return
    if first.startswith(MAGIC):
        yield from split(first, file, size)
        return
    table = form == Format.CSV or (table_format(first) == form)
    if form != Format.SSHD_SYSLOG and not table and _begins_document(first.removeprefix(BOM_UTF8)):
        yield _whole(first, file)
        return
    header = first if table and not named else b""
    held, length, quoted = [first], len(first), table and first.count(b'"') % 2 == 1
    xml = first.lstrip().startswith(b"<") and form == Format.WINDOWS
    while line := file.readline(MAX_BODY_BYTES):
        full = length + len(line) > size or len(held) >= PART_LINES
        inside = quoted or (xml and not line.lstrip().startswith(_EVENT))
        if full and not (inside and length < size + OPEN_BYTES):
            yield b"".join(held)
            held, length, quoted = ([header] if header else []), len(header), False
        held.append(line)
        length += len(line)
        quoted ^= table and line.count(b'"') % 2 == 1
    yield b"".join(held)


def _begins_document(first: bytes) -> bool:
    """Tell whether a first line begins a JSON document that goes on after it."""
    return first.lstrip()[:1] in {b"{", b"[", b""} and not _complete(first)


def _complete(line: bytes) -> bool:
    try:
        _json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _whole(first: bytes, file: IO[bytes]) -> bytes:
    rest = file.read(MAX_BODY_BYTES - len(first) + 1)
    if len(first) + len(rest) > MAX_BODY_BYTES:
        raise BodyError(
            413, "too_long", f"The file is one JSON document of more than {MAX_BODY_BYTES:,} bytes: split it."
        )
    return first + rest
