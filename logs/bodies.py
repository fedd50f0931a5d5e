"""Delivered bodies: read to the end, unpacked within limits, hashed, and held without filling the memory."""

import hashlib
import tempfile
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Final

import msgspec

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Longest body in bytes, after unpacking. A sender cuts longer ones; `manage.py ingest` does so by itself."""

MAX_LONG_BODY_BYTES: Final = 4 * 1024 * 1024 * 1024
"""Longest body of the native door in bytes, after unpacking: it is held in a file and stored in parts."""

MAX_RATIO: Final = 200
"""Unpacked bytes for one packed byte. Access logs pack 10 to 66 times (ingest.md 2); a bomb packs 1,000 times."""

RATIO_FREE_BYTES: Final = 4 * 1024 * 1024
"""Below this unpacked size the ratio is not looked at: short repetitive logs pack very well."""

GZIP: Final = b"\x1f\x8b"
"""How gzip begins."""

_IN_MEMORY: Final = 8 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_LAST_BYTES: Final = 2 * 1024 * 1024
_json: Final = msgspec.json.Decoder(msgspec.Raw)
_WBITS: Final = {"gzip": 31, "deflate": 47}


class BodyError(Exception):
    """A body that is refused as a whole: the HTTP status, a short code and a sentence that says what to do."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence


@dataclass(slots=True)
class Body:
    """A whole body: an open file at its beginning, its length in bytes and its SHA-256."""

    file: IO[bytes]
    size: int
    sha256: bytes

    def __iter__(self) -> Iterator[bytes]:
        """Give the body's lines with their line feeds, from the beginning."""
        self.file.seek(0)
        return iter(self.file)

    def ends_whole(self) -> bool:
        """Return whether the body ends with a line feed or with a complete JSON value: it was not cut in a record."""
        self.file.seek(max(0, self.size - _LAST_BYTES))
        last = self.file.read().rpartition(b"\n")[2]
        if not last.strip():
            return True
        try:
            _json.decode(last)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return last.rstrip().endswith(b"]") and self._begins_list()
        return True

    def _begins_list(self) -> bool:
        self.file.seek(0)
        return self.file.read(64).lstrip().startswith(b"[")

    def prefixes(self, sizes: Iterable[int]) -> dict[int, bytes]:
        """Return the SHA-256 of the first so many bytes for each size that is shorter than the body."""
        digest, found, at = hashlib.sha256(), {}, 0
        self.file.seek(0)
        for size in sorted({size for size in sizes if 0 < size < self.size}):
            while at < size:
                chunk = self.file.read(min(_CHUNK, size - at))
                digest.update(chunk)
                at += len(chunk)
            found[size] = digest.digest()
        return found

    def close(self) -> None:
        """Give the memory or the temporary file back."""
        self.file.close()


@dataclass(slots=True)
class Unwrapped(Body):
    """A body whose records stood in a protocol's wrapping: its bytes as they came, and the records line by line.

    Hash and length are of what came, so that two requests that differ in the wrapping alone are two.
    """

    records: IO[bytes]

    def __iter__(self) -> Iterator[bytes]:
        """Give the records, each a line with its line feed."""
        self.records.seek(0)
        return iter(self.records)

    def close(self) -> None:
        """Give the memory or the temporary files back."""
        self.file.close()
        self.records.close()


def unwrapped(body: Body, records: Iterable[bytes]) -> Unwrapped:
    """Return the body with the records that were found in it; none of them holds a line feed.

    Raises:
        BodyError: 400 there are none.
    """
    held = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- the body owns it
    try:
        _hold((record + b"\n" for record in records), held, 2 * MAX_BODY_BYTES)
    except BaseException:
        held.close()
        raise
    return Unwrapped(body.file, body.size, body.sha256, held)


def body_of(data: bytes) -> Body:
    """Return bytes that are already in memory as a body; raises `BodyError` when there are too many."""
    return spool([data])


def spool(chunks: Iterable[bytes], *, encoding: str = "identity", limit: int = MAX_BODY_BYTES) -> Body:
    """Read a body to its end, unpack it and hold it.

    Raises:
        BodyError: 413 too long or packed too densely, 415 unknown encoding or no UTF-8 text, 400 damaged or empty.
    """
    encoding = encoding.strip().lower() or "identity"
    if encoding not in {"identity", *_WBITS}:
        raise BodyError(
            415, "encoding", f"The encoding {encoding[:40]!r} is not read: send gzip, deflate or no encoding."
        )
    plain = chunks if encoding == "identity" else _unpacked(chunks, _WBITS[encoding])
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- the Body owns it
    try:
        size, digest = _hold(plain, file, limit)
        _refuse_foreign(file)
    except BaseException:
        file.close()
        raise
    return Body(file, size, digest)


def _hold(chunks: Iterable[bytes], file: IO[bytes], limit: int) -> tuple[int, bytes]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise BodyError(413, "too_long", f"The body has more than {limit:,} bytes: send it in smaller parts.")
        digest.update(chunk)
        file.write(chunk)
    if not size:
        raise BodyError(400, "empty", "The body is empty: nothing was received and nothing is stored.")
    return size, digest.digest()


def _refuse_foreign(file: IO[bytes]) -> None:
    """Refuse what no parser reads a single record of: UTF-16 or UTF-32, and gzip that was not announced."""
    file.seek(0)
    begin = file.read(2)
    if begin in {BOM_UTF16_LE, BOM_UTF16_BE}:
        raise BodyError(415, "charset", "The body is encoded as UTF-16 or UTF-32: nothing is stored, send it as UTF-8.")
    if begin == GZIP:
        sentence = "The body is packed with gzip and does not say so: nothing is stored, send Content-Encoding: gzip."
        raise BodyError(415, "encoding", sentence)


def _unpacked(chunks: Iterable[bytes], wbits: int) -> Iterator[bytes]:
    """Unpack one or several members; never holds more than one chunk of output."""
    packed = plain = 0
    unpacker = zlib.decompressobj(wbits)
    for chunk in chunks:
        packed += len(chunk)
        rest = chunk
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits)
            output, rest = _step(unpacker, rest)
            plain += len(output)
            if plain > RATIO_FREE_BYTES and plain > MAX_RATIO * packed:
                sentence = f"The body unpacks to more than {MAX_RATIO} times its size: it is refused as a bomb."
                raise BodyError(413, "ratio", sentence)
            if output:
                yield output
    if packed and not unpacker.eof:
        yield unpacker.flush()
    if packed and not unpacker.eof:
        raise BodyError(400, "truncated", "The packed body ends before its end: nothing is stored, send it again.")


def _step(unpacker: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
    try:
        output = unpacker.decompress(data, _CHUNK)
    except zlib.error as error:
        raise BodyError(400, "damaged", "The packed body is damaged: nothing is stored, send it again.") from error
    if unpacker.eof:
        return output, unpacker.unused_data
    return output, unpacker.unconsumed_tail
