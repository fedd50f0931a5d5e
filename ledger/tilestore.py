"""Reads stored tiles, full or partial, each request in one statement."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
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
READ_SOME: Final = (
    "SELECT w.level, w.n, coalesce("
    "(SELECT t.hashes FROM ledger_tile t WHERE t.log_id = %(log)s AND t.epoch = %(epoch)s "
    "AND t.level = w.level AND t.n = w.n), "
    "(SELECT p.hashes FROM ledger_partialtile p WHERE p.log_id = %(log)s AND p.epoch = %(epoch)s "
    "AND p.level = w.level AND p.n = w.n AND p.hashes <> '')) "
    "FROM unnest(%(levels)s::int[], %(ns)s::bigint[]) AS w (level, n)"
)
"""Looks each tile up by its whole key: as a join, without statistics, it read every tile of the log (1 M: 2 ms)."""


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
        self._kept: dict[tuple[int, int], bytes] = {}

    def fetch(self, places: Collection[tuple[int, int]]) -> None:
        """Reads tiles by level and number in one statement and keeps them: a proof needs few, known beforehand."""
        levels, ns = [level for level, _ in places], [n for _, n in places]
        values: dict[str, Any] = {"log": self.log_id, "epoch": self.epoch, "levels": levels, "ns": ns}
        with connections[self.using].cursor() as cursor:
            cursor.execute(READ_SOME, values)
            self._kept |= {(level, n): bytes(hashes) for level, n, hashes in cursor if hashes is not None}

    def read(self, level: int, n: int) -> bytes:
        """Returns the hashes of a tile, full or partial, in a row.

        Raises:
            TileError: The tile is missing.
        """
        if (level, n) in self._kept:
            return self._kept[level, n]
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
