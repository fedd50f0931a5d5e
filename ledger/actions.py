"""Deeds on the ledger: opening a log, and appending to it as the last thing a transaction does.

The ledger takes no `by` and writes no audit entry: audit entries are themselves leaves, and the tenant scope, the only
caller of `append`, writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone

from ledger.kinds import FIRST_EPOCH, LeafBatch
from ledger.merkle import EMPTY_ROOT
from ledger.models import Head, Log
from ledger.notes import check_name
from ledger.tiles import Growth, grow, partial_number

BEFORE_LOCK: Final = "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL idle_in_transaction_session_timeout = '60s'"
"""A process that is stopped between the append and its commit must not hold everybody else's appends for ever."""
LOCK: Final = (
    "SELECT epoch, size, current_setting('transaction_isolation') FROM ledger_head "
    "WHERE log_id = %s AND NOT closed ORDER BY epoch DESC LIMIT 1 FOR UPDATE"
)
CLOSE: Final = "UPDATE ledger_head SET closed = true WHERE log_id = %s AND epoch = %s"
READ_EDGE: Final = "SELECT level, hashes FROM ledger_partialtile WHERE log_id = %s AND epoch = %s"
ADD_BATCHES: Final = (
    "INSERT INTO ledger_batch (log_id, id, epoch, first_index, n, received_at, body_sha256) VALUES {rows}"
)
ADD_TILES: Final = "INSERT INTO ledger_tile (log_id, epoch, level, n, hashes) VALUES {rows}"
SET_EDGE: Final = (
    "INSERT INTO ledger_partialtile (log_id, epoch, level, n, hashes) VALUES {rows} "
    "ON CONFLICT (log_id, epoch, level) DO UPDATE SET n = excluded.n, hashes = excluded.hashes"
)
SET_HEAD: Final = "UPDATE ledger_head SET size = %s, root = %s WHERE log_id = %s AND epoch = %s"
TILES_PER_STATEMENT: Final = 200


class LogNotOpenError(RuntimeError):
    """Leaves were appended to a log that has no head row: `open_log` comes first."""


class WrongIsolationError(RuntimeError):
    """An append ran under another isolation than READ COMMITTED, where it would read tiles older than the lock."""


@transaction.atomic
def open_log(*, log_id: UUID, origin: str) -> None:
    """Opens a log in its first epoch, empty; the scope of the log must be open.

    Args:
        log_id: The UUID that names the log.
        origin: Its name in checkpoints, `<instance>/t/<uuid>/<epoch>`: no spaces, no plus.

    Raises:
        NoteError: The origin cannot stand in a checkpoint.
        IntegrityError: The log or the origin exists already.
    """
    check_name(origin)
    Log.objects.create(log_id=log_id, epoch=FIRST_EPOCH, origin=origin, opened_at=timezone.now())
    Head.objects.create(log_id=log_id, epoch=FIRST_EPOCH, size=0, root=EMPTY_ROOT)


@transaction.atomic
def open_epoch(*, log_id: UUID, epoch: int, origin: str) -> None:
    """Closes the newest epoch of a log for ever and opens a later one, empty.

    The caller writes the first leaf (kind 0C) in the same transaction. An append that waits meanwhile goes to the new
    epoch.

    Raises:
        LogNotOpenError: The log has no open epoch.
        NoteError: The origin cannot stand in a checkpoint.
    """
    check_name(origin)
    with connections["default"].cursor() as cursor:
        closing, _size = _lock(cursor, log_id)
        cursor.execute(CLOSE, [log_id, closing])
    Log.objects.create(log_id=log_id, epoch=epoch, origin=origin, opened_at=timezone.now())
    Head.objects.create(log_id=log_id, epoch=epoch, size=0, root=EMPTY_ROOT)


def append(*, log_id: UUID, batches: Sequence[LeafBatch], using: str = "default") -> list[int]:
    """Appends batches to a log and returns the first index of each; the caller commits right after.

    The head row stays locked until the commit, so indexes are contiguous and a roll-back leaves no gap. It is the last
    lock a transaction takes: whoever takes another one afterwards can deadlock with the mirror image of itself.

    Raises:
        LogNotOpenError: The log has no head.
        WrongIsolationError: The transaction is not READ COMMITTED.
        ValueError: No batch, a batch without leaves, or a leaf that has not 32 bytes.
        IntegrityError: A deferred constraint fails (checked here, before the lock), or a batch id was used before.
    """
    if not batches or not all(batch.leaves for batch in batches):
        raise ValueError("An append needs at least one batch, and every batch at least one leaf.")
    connection = connections[using]
    with connection.cursor() as cursor:
        # Django's foreign keys are deferred: unchecked, a whole COPY would be checked at commit, under the lock.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE" if connection.savepoint_ids else BEFORE_LOCK)
        epoch, size = _lock(cursor, log_id)
        # A statement of its own: one that locked and read together would see tiles older than the lock.
        cursor.execute(READ_EDGE, [log_id, epoch])
        edge = {level: bytes(hashes) for level, hashes in cursor.fetchall() if hashes}
        growth = grow(size, edge, [leaf for batch in batches for leaf in batch.leaves])
        firsts = list(accumulate((len(batch.leaves) for batch in batches), initial=size))[:-1]
        _store(cursor, log_id, epoch, list(zip(firsts, batches, strict=True)), growth)
    return firsts


def _lock(cursor: Any, log_id: UUID) -> tuple[int, int]:
    """Locks the head of a log until the end of the transaction and returns its epoch and size."""
    cursor.execute(LOCK, [log_id])
    row = cursor.fetchone()
    if row is None:  # the epoch was closed while we waited for it: a new statement sees the next one
        cursor.execute(LOCK, [log_id])
        row = cursor.fetchone()
    if row is None:
        raise LogNotOpenError(f"The log {log_id} is not open.")
    epoch, size, isolation = row
    if isolation != "read committed":
        raise WrongIsolationError(f"Appending needs READ COMMITTED; this transaction is {isolation.upper()}.")
    return int(epoch), int(size)


def _store(cursor: Any, log_id: UUID, epoch: int, places: Sequence[tuple[int, LeafBatch]], growth: Growth) -> None:
    """Writes full tiles, then batches, right edge and head in one round trip: the lock is held meanwhile."""
    tiles = [[log_id, epoch, tile.level, tile.n, tile.hashes] for tile in growth.full]
    for at in range(0, len(tiles), TILES_PER_STATEMENT):
        cursor.execute(*_rows(ADD_TILES, tiles[at : at + TILES_PER_STATEMENT]))
    batches = [
        [log_id, batch.id, epoch, first, len(batch.leaves), batch.received_at, batch.body_sha256]
        for first, batch in places
    ]
    edge = [
        [log_id, epoch, level, partial_number(growth.size, level), growth.partial.get(level, b"")]
        for level in growth.changed
    ]
    head = [growth.size, growth.root, log_id, epoch]
    statements = [_rows(ADD_BATCHES, batches), _rows(SET_EDGE, edge), (SET_HEAD, head)]
    cursor.execute(
        "; ".join(text for text, _values in statements), [value for _text, part in statements for value in part]
    )


def _rows(statement: str, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
    """Returns an INSERT over many rows and its values."""
    places = ", ".join(["(" + ", ".join(["%s"] * len(rows[0])) + ")"] * len(rows))
    return statement.format(rows=places), [value for row in rows for value in row]
