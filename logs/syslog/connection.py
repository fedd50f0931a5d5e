"""One connection of a sender: who it is, its messages in batches, and each batch recorded before the next is read.

Not reading is the door's only brake: while the database is away, TCP makes the sender wait and keep what it has.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import uuid4

from OpenSSL import SSL

from logs.answers import DeliveryAnswer
from logs.certificates import CertificateFacts, facts_of
from logs.syslog.framing import Frame, Framer
from logs.syslog.ports import Port
from logs.syslog.storing import (
    Batch,
    Caller,
    TurnedAwayError,
    caller_by_certificate,
    caller_by_token,
    record,
)
from logs.syslog.tls import ServerSide, TlsError

READ_BYTES: Final = 64 * 1024
HANDSHAKE_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 0.2
"""How long a door that stops waits for what is on its way: what arrives within it is still read and recorded."""

READ_ON_SECONDS: Final = 2.0
STORE_ON_SECONDS: Final = 5.0
"""How long a door that stops goes on reading a sender that never pauses, and trying to store what it has."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one connection may hold and how long it may be silent; sizes in bytes, times in seconds."""

    batch_lines: int = 2000
    batch_bytes: int = 1024 * 1024
    batch_seconds: float = 0.25
    idle_seconds: float = 3600.0
    stalled_seconds: float = 60.0
    connections: int = 512
    of_one_address: int = 128


class Door(Protocol):
    """What a connection asks of the door that took it."""

    limits: Limits
    stopping: asyncio.Event

    async def in_thread(self, work: Callable[..., object], *arguments: object) -> object:
        """Do work on the database in a thread."""

    def stopping_seconds(self) -> float:
        """Return for how long the door has been stopping; 0 while it is not."""

    def say(self, address: str, kind: str, sentence: str) -> None:
        """Log a sentence; the same kind from one address once a minute."""


class Connection:
    """One sender's connection, from its first byte to its last delivery."""

    def __init__(
        self,
        door: Door,
        port: Port,
        context: SSL.Context | None,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._door, self._port = door, port
        self._reader, self._writer = streams
        self._tls = ServerSide(context) if context else None
        self.address = str((self._writer.get_extra_info("peername") or ("",))[0])
        self._early = b""
        self._framer = Framer()
        self._ended = False
        self._patience: asyncio.Timeout | None = None
        self._name, self._numbers = uuid4().hex, itertools.count(1)

    async def serve(self) -> None:
        """Serve the sender until one of the two ends it."""
        try:
            caller = await self._caller()
            while caller and not self._ended:
                frames = await self._gathered()
                if frames:
                    await self._stored(caller, frames)
        finally:
            await self._closed()

    def hasten(self) -> None:
        """Let a read that waits end soon: the door stops."""
        if self._patience:
            self._patience.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)

    async def _caller(self) -> Caller | None:
        """Return who it is, None where the sender is turned away."""
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                facts = await self._handshake()
        except TimeoutError:
            self._say("handshake", f"said nothing that is TLS for {HANDSHAKE_SECONDS:.0f} s.")
            return None
        except OSError as error:
            self._say("handshake", f"did not get through TLS: {error}.")
            return None
        try:
            if facts is None:
                return await self._asked(caller_by_token, self._port.token)
            return await self._asked(caller_by_certificate, facts)
        except TurnedAwayError as error:
            self._say("turned away", f"is turned away: {error}.{_shown(facts)}")
            return None

    async def _handshake(self) -> CertificateFacts | None:
        """Do the handshake; return the client's certificate where the port asks for one."""
        while self._tls and not self._tls.open:
            data = await self._reader.read(READ_BYTES)
            if not data:
                raise TlsError("the connection ended in the handshake")
            self._early += self._plain(data)
        certificate = self._tls.certificate if self._tls and not self._port.token else None
        if certificate is None:
            return None
        try:
            return facts_of(certificate)
        except ValueError as error:
            raise TlsError("the names in its certificate cannot be read") from error

    async def _asked(self, work: Callable[..., Caller], *arguments: object) -> Caller | None:
        """Ask the database who it is, for as long as it takes; nothing is read meanwhile."""

        async def ask() -> object:
            return await self._door.in_thread(work, *arguments)

        found = await self._tried(ask, "its sender cannot be looked up")
        return found if isinstance(found, Caller) else None

    async def _gathered(self) -> list[Frame]:
        """Return the next messages: as many as come within a short time, up to a number; sets `_ended` at the end."""
        limits, loop = self._door.limits, asyncio.get_running_loop()
        frames: list[Frame] = []
        size, until = 0, 0.0
        while not self._ended and len(frames) < limits.batch_lines and size < limits.batch_bytes:
            if self._door.stopping_seconds() > READ_ON_SECONDS:
                return frames + self._over(clean=False)
            wait = until - loop.time() if frames else self._patience_now()
            new = await self._messages(wait, quiet=bool(frames))
            if new is None:
                break
            if new and not frames:
                until = loop.time() + limits.batch_seconds
            frames += new
            size += sum(len(frame.text) for frame in new)
        return frames

    def _patience_now(self) -> float:
        if self._door.stopping.is_set():
            return DRAIN_SECONDS
        return self._door.limits.stalled_seconds if self._framer.within else self._door.limits.idle_seconds

    async def _messages(self, wait: float, *, quiet: bool) -> list[Frame] | None:
        """Read once; None where nothing came in time and ``quiet`` says that this is no end."""
        try:
            async with asyncio.timeout(max(wait, 0.0)) as self._patience:
                data = await self._read()
        except TimeoutError:
            if quiet:
                return None
            if not self._door.stopping.is_set():
                self._say("silent", f"has sent nothing for {wait:,.0f} s: the connection is ended.")
            return self._over(clean=False)
        except OSError as error:
            self._say("broken", f"broke the connection: {error}.")
            return self._over(clean=False)
        finally:
            self._patience = None
        if data:
            return self._framer.feed(data)
        return self._over(clean=True)

    def _over(self, *, clean: bool) -> list[Frame]:
        self._ended = True
        return self._framer.end(clean=clean)

    async def _read(self) -> bytes:
        """Return plain bytes, b"" at a clean end; raises ConnectionError at any other end."""
        while True:
            if self._early:
                data, self._early = self._early, b""
                return data
            if self._tls and self._tls.ended:
                return b""
            data = await self._reader.read(READ_BYTES)
            if not data and self._tls:
                raise TlsError("it ended without the end of TLS")
            if not data:
                return b""
            self._early = self._plain(data)

    def _plain(self, data: bytes) -> bytes:
        """Return the plain bytes in what arrived, and send what TLS has to say to them."""
        if self._tls is None:
            return data
        try:
            return self._tls.received(data)
        finally:
            self._send()

    def _send(self) -> None:
        if self._tls and (answer := self._tls.sending()) and not self._writer.is_closing():
            self._writer.write(answer)

    async def _stored(self, caller: Caller, frames: list[Frame]) -> None:
        """Record the messages; they are given up only where the sender may no longer deliver, or the door must end."""
        for frame in frames:
            if frame.fault:
                self._say("fault", f"sent a message that goes to quarantine: {frame.fault}")
        batch = Batch(tuple(frames), f"{self._name}/{next(self._numbers)}", self.address)

        async def store() -> object:
            return await self._door.in_thread(record, caller, batch)

        try:
            answer = await self._tried(store, f"{len(frames):,} messages wait")
        except TurnedAwayError as error:
            self._ended = True
            self._say(
                "turned away", f"is turned away: {error}. {len(frames):,} messages that were read are not stored."
            )
            return
        if not isinstance(answer, DeliveryAnswer):
            self._ended = True
            self._say("lost", f"had sent {len(frames):,} messages that could not be stored before the end.")

    async def _tried(self, work: Callable[[], Awaitable[object]], what: str) -> object:
        """Do work on the database again until it is done; None where the door ends before that."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                done = await work()
            except TurnedAwayError:
                raise
            except Exception as error:  # noqa: BLE001 -- the outer loop of the work: nothing that was read is dropped
                if pause == FIRST_PAUSE_SECONDS:
                    first = str(error).partition("\n")[0]
                    self._say("waiting", f"is not read: {what} ({type(error).__name__}: {first}).")
            else:
                return done
            if self._door.stopping_seconds() > STORE_ON_SECONDS:
                return None
            await self._paused(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _paused(self, seconds: float) -> None:
        """Wait; a door that stops waits half a second only."""
        try:
            async with asyncio.timeout(seconds):
                await self._door.stopping.wait()
        except TimeoutError:
            return
        await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _closed(self) -> None:
        """Say goodbye as TLS does, and give the connection back."""
        if self._tls and self._tls.open:
            self._tls.close()
            self._send()
        self._writer.close()
        try:
            async with asyncio.timeout(FIRST_PAUSE_SECONDS):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()

    def _say(self, kind: str, sentence: str) -> None:
        self._door.say(self.address, kind, f"{self.address} on {self._port.shown} {sentence}")


def _shown(facts: CertificateFacts | None) -> str:
    return f" SHA-256 of the certificate: {facts.fingerprint.hex(':').upper()}" if facts else ""
