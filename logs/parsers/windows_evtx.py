"""Read EVTX, the binary file of the Windows event log, apart from this process.

The file is hostile input to a library of compiled code: it is read by a program of its own with a limit on its memory
and time, so that whatever is in the file, this process goes on. The records that stand in the file are counted here, by
their own headers; one that the library did not give back is quarantined with its exact bytes, never lost.

Layout: "ElfFile" header of 4,096 bytes, then chunks of 65,536 bytes ("ElfChnk", header of 512 bytes, free space at
offset 48); a record is 2A 2A 00 00, its length, its number in the file (libyal, "Windows XML Event Log (EVTX) format").
"""

import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

MAGIC = b"ElfFile\0"
_CHUNK_MAGIC, _RECORD_MAGIC = b"ElfChnk\0", b"**\0\0"
FILE_HEADER, CHUNK, _CHUNK_HEADER = 4096, 65536, 512
_RECORD_HEADER = struct.Struct("<4sIQ")
_SECONDS = 120
_MEMORY = 1 << 30
_EMPTY = bytes(CHUNK)

_PROGRAM = f"""
import resource, sys, warnings
resource.setrlimit(resource.RLIMIT_CPU, ({_SECONDS}, {_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import evtx
warnings.simplefilter("ignore")
out = sys.stdout.buffer
for record in evtx.PyEvtxParser(sys.argv[1], number_of_threads=1, skip_errors=True).records_json():
    text = record["data"].encode("utf-8", "backslashreplace").replace(b"\\n", b" ")
    out.write(b"%d %s\\n" % (record["event_record_id"], text))
"""


class Found(NamedTuple):
    """One record of a file: its rendering as JSON, or its bytes and the sentence that says why there is none."""

    raw: bytes
    reason: str = ""


def read_file(body: Iterable[bytes]) -> Iterator[Found]:
    """Give every record of a body that is one EVTX file."""
    with tempfile.NamedTemporaryFile(prefix="countersign-", suffix=".evtx") as file:
        for item in body:
            file.write(item)
        file.flush()
        given: Counter[int] = Counter()
        for number, text in _rendered(file.name):
            given[number] += 1
            yield Found(text)
        file.seek(0)
        yield from _missing(file, given)


def _rendered(path: str) -> Iterator[tuple[int, bytes]]:
    """Give number and JSON of the records that the library reads; ends early where it ends."""
    command = [sys.executable, "-I", "-c", _PROGRAM, path]
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    with subprocess.Popen(  # noqa: S603 -- our own program over a file of our own
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as program:
        try:
            for line in program.stdout or ():
                number, space, text = line.partition(b" ")
                if space and number.isdigit() and text.endswith(b"\n"):
                    yield int(number), text[:-1]
        finally:
            program.kill()


def _missing(file: IO[bytes], given: Counter[int]) -> Iterator[Found]:
    """Give the parts of the file that came to nothing, with their bytes."""
    header = file.read(FILE_HEADER)
    if len(header) < FILE_HEADER:
        yield Found(header, "The EVTX file ends within its header.")
        return
    while chunk := file.read(CHUNK):
        if chunk == _EMPTY or not chunk.strip(b"\0"):
            continue
        if len(chunk) < CHUNK or not chunk.startswith(_CHUNK_MAGIC):
            yield Found(chunk, "A chunk of the EVTX file is cut or damaged: its records cannot be read.")
            continue
        yield from _unread(chunk, given)


def _unread(chunk: bytes, given: Counter[int]) -> Iterator[Found]:
    """Give the records of a chunk that were not given."""
    at = _CHUNK_HEADER
    end = min(CHUNK, int.from_bytes(chunk[48:52], "little"))
    while at + _RECORD_HEADER.size <= end:
        magic, size, number = _RECORD_HEADER.unpack_from(chunk, at)
        if magic != _RECORD_MAGIC or not _RECORD_HEADER.size < size <= end - at:
            yield Found(
                chunk[at:end], "The rest of a chunk of the EVTX file is damaged: it cannot be cut into records."
            )
            return
        if given[number]:
            given[number] -= 1
        else:
            yield Found(chunk[at : at + size], "The EVTX record is damaged: it could not be read.")
        at += size


def split(first: bytes, file: IO[bytes], size: int) -> Iterator[bytes]:
    """Cut an EVTX file, of which the first bytes were read, into files of about so many bytes with whole chunks."""
    begin = first + file.read(max(0, FILE_HEADER - len(first)))
    header, rest = begin[:FILE_HEADER], begin[FILE_HEADER:]
    length = max(1, (size - FILE_HEADER) // CHUNK) * CHUNK
    part = rest[:length] + file.read(max(0, length - len(rest)))
    yield header + part
    rest = rest[length:]
    while part := rest[:length] + file.read(max(0, length - len(rest))):
        rest = rest[length:]
        yield header + part
