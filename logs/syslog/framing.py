"""Cut a stream of syslog into messages: octet counting and line feeds, told apart for each message. Pure.

Octet counting is ``MSG-LEN SP SYSLOG-MSG`` (RFC 6587 3.4.1, RFC 5425 4.3). Otherwise a message ends with a line feed
(RFC 6587 3.4.2). What was begun and not ended, or is too long, comes out with the reason why it cannot be read.
"""

import re
from typing import Final, NamedTuple

MAX_MESSAGE_BYTES: Final = 256 * 1024
"""Longest message that is read, in bytes. RFC 5425 4.3.1 asks for 8,192; of a longer one the beginning is kept."""

MOST_COUNTED: Final = 64 * 1024 * 1024
"""Largest count that is believed, in bytes: a larger one is no count, and its digits begin a line."""

_COUNT: Final = re.compile(rb"([1-9][0-9]{0,9}) (.)?", re.DOTALL)
_DIGITS: Final = re.compile(rb"[1-9][0-9]{0,9}\Z")
_BETWEEN: Final = b"\r\n\0"
"""What may stand between two messages, and at the end of one: the trailers of RFC 6587 3.4.2."""

_UNDECIDED: Final = -1


class Frame(NamedTuple):
    """One message without its framing; `fault` is a sentence where it is not whole and must not be read."""

    text: bytes
    fault: str = ""


class Framer:
    """Takes the bytes of one connection as they arrive, and gives its messages; never raises, holds one message."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        self._left = 0
        self._dropped = 0
        self._mode = ""
        self._counts: bool | None = None

    @property
    def within(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._held or self._mode)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the messages that these bytes end."""
        self._held += data
        found: list[Frame] = []
        while (frame := self._next()) is not None:
            if frame.text and not frame.text.isspace():
                found.append(frame)
        return found

    def end(self, *, clean: bool) -> list[Frame]:
        """Return what was begun when the connection ended; a last line needs no line feed where the end was clean."""
        mode, text = self._mode, bytes(self._held)
        size = len(text) + self._dropped
        self._held.clear()
        self._mode, self._dropped = "", 0
        text = text.rstrip(_BETWEEN)[:MAX_MESSAGE_BYTES]
        if not text or text.isspace():
            return []
        if size > MAX_MESSAGE_BYTES:
            return [Frame(text, _too_long(size, "at least "))]
        if mode == "counted":
            return [Frame(text, f"The connection ended within the message: {size:,} of {self._left:,} bytes came.")]
        if not clean:
            return [Frame(text, f"The connection broke before the message's end: {size:,} bytes came.")]
        return [Frame(text)]

    def _next(self) -> Frame | None:
        """Take one message from the front; None where it needs more bytes."""
        if not self._mode:
            self._skip_between()
            count = self._announced() if self._held else _UNDECIDED
            if count == _UNDECIDED:
                return None
            self._counts, self._left = count > 0, count
            self._mode = "counted" if count else "line"
        return self._counted() if self._mode == "counted" else self._line()

    def _skip_between(self) -> None:
        at = 0
        while at < len(self._held) and self._held[at] in _BETWEEN:
            at += 1
        del self._held[:at]

    def _announced(self) -> int:
        """Return the length that the front announces, 0 for a line, `_UNDECIDED` where more bytes must say.

        Digits before a message without a priority may be its own first word: they are a count where the connection
        counted before, or has sent nothing yet.
        """
        found = _COUNT.match(self._held)
        if found is None:
            return _UNDECIDED if _DIGITS.match(self._held) else 0
        if found[2] is None:
            return _UNDECIDED
        count = int(found[1])
        sure = found[2] == b"<" and count <= MOST_COUNTED
        likely = self._counts is not False and count <= MAX_MESSAGE_BYTES
        if not sure and not likely:
            return 0
        del self._held[: found.end(1) + 1]
        return count

    def _counted(self) -> Frame | None:
        """Take a message of `_left` bytes; of a long one no more than the limit is held."""
        if len(self._held) + self._dropped < self._left:
            self._drop_beyond(len(self._held))
            return None
        mine = self._left - self._dropped
        text, size = bytes(self._held[: min(mine, MAX_MESSAGE_BYTES)]), self._left
        del self._held[:mine]
        return self._whole(text, size)

    def _line(self) -> Frame | None:
        end = self._held.find(b"\n", self._searched)
        if end < 0:
            self._drop_beyond(len(self._held))
            self._searched = len(self._held)
            return None
        text, size = bytes(self._held[: min(end, MAX_MESSAGE_BYTES)]), end + self._dropped
        del self._held[: end + 1]
        return self._whole(text, size)

    def _drop_beyond(self, size: int) -> None:
        """Forget what was held beyond the limit, and remember how much that was."""
        if size > MAX_MESSAGE_BYTES:
            del self._held[MAX_MESSAGE_BYTES:]
            self._dropped += size - MAX_MESSAGE_BYTES

    def _whole(self, text: bytes, size: int) -> Frame:
        self._mode, self._searched, self._dropped = "", 0, 0
        fault = _too_long(size) if size > MAX_MESSAGE_BYTES else ""
        return Frame(text.rstrip(_BETWEEN), fault)


def _too_long(size: int, more: str = "") -> str:
    return (
        f"The message is {more}{size:,} bytes long; at most {MAX_MESSAGE_BYTES:,} are read. Only its beginning is kept."
    )
