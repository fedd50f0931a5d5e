"""The syslog door's process: its ports, its connections, its threads for the database, and its stop."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from OpenSSL import SSL

from logs.syslog.connection import READ_BYTES, Connection, Limits
from logs.syslog.ports import Port
from logs.syslog.storing import in_thread

THREADS: Final = 4
STOP_SECONDS: Final = 6.0
"""The supervisor kills after eight seconds; what was read is stored or its loss is said before that."""

WINDOW_BYTES: Final = 128 * 1024
"""What the kernel takes from a sender before the door reads it, in bytes. A kill loses it, since syslog has no receipt:
left to itself Linux let it grow until all of 1.7 MB were lost (measured, rsyslog 8.2302 on one machine)."""

SAID_AGAIN_SECONDS: Final = 60.0
_SAID_KEPT: Final = 4096
_log = logging.getLogger("countersign.syslog")


@dataclass(frozen=True, slots=True)
class Contexts:
    """TLS for ports that ask for a client's certificate, and for ports that belong to a source."""

    asking: SSL.Context
    bound: SSL.Context


class Listener:
    """Listens on its ports until `stop`; `run` returns when everything that was read is stored."""

    def __init__(self, ports: Sequence[Port], contexts: Contexts, limits: Limits | None = None) -> None:
        self.ports, self.limits = ports, limits or Limits()
        self.stopping = asyncio.Event()
        self.listening: list[asyncio.Server] = []
        self._contexts = contexts
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="syslog")
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._stopped_at = 0.0
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    async def run(self) -> None:
        """Listen; raises OSError where a port cannot be used."""
        try:
            for port in self.ports:
                take = partial(self._take, port)
                server = await asyncio.start_server(take, port.host, port.number, limit=READ_BYTES, start_serving=False)
                self.listening.append(server)
                for listening in server.sockets:
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
                await server.start_serving()
                _log.info("The syslog door listens on %s%s.", port.shown, "" if port.tls else ", without TLS")
            await self.stopping.wait()
        finally:
            for server in self.listening:
                server.close()
        await self._finish()

    def stop(self) -> None:
        """Ask the door to stop; called in its loop."""
        if not self.stopping.is_set():
            self._stopped_at = time.monotonic()
            self.stopping.set()
            for connection in self._connections:
                connection.hasten()

    def stopping_seconds(self) -> float:
        """Return for how long the door has been stopping; 0 while it is not."""
        return time.monotonic() - self._stopped_at if self.stopping.is_set() else 0.0

    async def in_thread(self, work: Callable[..., object], *arguments: object) -> object:
        """Do work on the database in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(in_thread, work, *arguments))

    def say(self, address: str, kind: str, sentence: str) -> None:
        """Log a sentence; the same kind from one address once a minute, with the number of those that were left out."""
        now = time.monotonic()
        at, left_out = self._said.get((address, kind), (-SAID_AGAIN_SECONDS, 0))
        if now - at < SAID_AGAIN_SECONDS:
            self._said[address, kind] = (at, left_out + 1)
            return
        if len(self._said) >= _SAID_KEPT:
            self._said.clear()
        self._said[address, kind] = (now, 0)
        more = f" ({left_out:,} times more in the minute before.)" if left_out else ""
        _log.warning("%s%s", sentence, more)

    async def _take(self, port: Port, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, unless there are too many."""
        context = None if not port.tls else self._contexts.bound if port.token else self._contexts.asking
        connection = Connection(self, port, context, (reader, writer))
        address = connection.address
        of_one = sum(other.address == address for other in self._connections)
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self.limits.connections or of_one >= self.limits.of_one_address:
            self.say(address, "too many", f"{address} is turned away: {len(self._connections):,} connections are open.")
            writer.transport.abort()
            return
        keep_alive(writer.get_extra_info("socket"))
        self._connections[connection] = task
        try:
            await connection.serve()
        finally:
            del self._connections[connection]

    async def _finish(self) -> None:
        """Wait until the connections have read and stored what was on its way; end those that take too long."""
        tasks = list(self._connections.values())
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, STOP_SECONDS - self.stopping_seconds()))
        for task in tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)


def keep_alive(connected: socket.socket) -> None:
    """Let the kernel find peers that are gone: a silent sender is usual, a dead one would keep its place for ever."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
