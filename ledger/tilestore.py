"""Reads stored tiles, full or partial, each request in one statement."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connections

from ledger.tiles import TileError

READ: Final = (
    "SELECT n, hashes FROM ledger_tile WHERE log_id = %(log)s AND epoch = %(epoch)s AND level = %(level)s "
    "AND n >= %(first)s AND n < %(end)s "
    "UNION ALL "
    "SELECT n, hashes FROM ledger_partialtile WHERE log_id = %(log)s AND epoch = %(epoch)s AND level = %(level)s "
    "AND n >= %(first)s AND n < %(end)s AND hashes <> ''"
)
"""One statement for both tables: between two, a partial tile could become full and be seen in neither."""


class StoredTiles:
    """The tiles of one log and epoch; `read` has the form that `ledger.tiles` asks for.

    Args:
        log_id: The log, whose scope must be open.
        epoch: Its epoch.
        ahead: Tiles fetched at once; 1 for proofs, more (128 are 1 MiB) for reading a level from left to right.
        using: The database connection.
    """

    def __init__(self, log_id: UUID, epoch: int, *, ahead: int = 1, using: str = "default") -> None:
        self.log_id, self.epoch, self.ahead, self.using = log_id, epoch, ahead, using
        self._window: dict[int, dict[int, bytes]] = {}

    def read(self, level: int, n: int) -> bytes:
        """Returns the hashes of a tile, full or partial, in a row.

        Raises:
            TileError: The tile is missing.
        """
        window = self._window.get(level, {})
        if n not in window:
            window = self._window[level] = self._fetch(level, n)
        if n not in window:
            raise TileError(level, n, "is missing")
        return window[n]

    def _fetch(self, level: int, n: int) -> dict[int, bytes]:
        """Reads a run of tiles of one level."""
        values: dict[str, int | str] = {"log": str(self.log_id), "epoch": self.epoch, "level": level}
        values |= {"first": n, "end": n + self.ahead}
        with connections[self.using].cursor() as cursor:
            cursor.execute(READ, values)
            return {number: bytes(hashes) for number, hashes in cursor.fetchall()}
