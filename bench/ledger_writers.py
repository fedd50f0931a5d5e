# ruff: noqa: E402 -- models need the set-up
"""The competing writers of `bench.ledger_append`."""

import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import django
import psycopg
from django.db import connection, connections, transaction
from django.utils import timezone

from portal.roles import connection_settings

django.setup()

from ledger import actions, queries
from ledger.entries import salts, seal_many
from ledger.kinds import LeafBatch, LeafKind
from ledger.models import Batch
from ledger.tiles import check_growth, edge_at, edge_root
from ledger.tilestore import StoredTiles

CORE = b'{"action":"logon","at":"2026-11-22T18:20:34.000000Z","v":1}' + b" " * 90
SUBJ, RAW = b"u" * 60, b"r" * 150
ROW = f"\\\\x{(CORE + SUBJ + RAW).hex()}\n"


def prepare(data: Path, database: str) -> UUID:
    """Makes the plain table and opens a log."""
    entry = connection_settings(data, "owner", database)
    where = {"host": entry["HOST"], "port": entry["PORT"] or None, "dbname": database}
    with psycopg.connect(**where, user=entry["USER"], password=entry["PASSWORD"]) as owner:
        owner.execute("CREATE TABLE bench_rows (rec bytea)")
        owner.execute("GRANT SELECT, INSERT ON bench_rows TO countersign_app")
    log_id = uuid4()
    with transaction.atomic():
        set_scope(log_id)
        actions.open_log(log_id=log_id, origin=f"bench/t/{log_id}/1")
    connections.close_all()
    return log_id


def set_scope(log_id: UUID) -> None:
    """Names the log to row security."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL app.log = '{log_id}'")


def copy(events: int) -> None:
    """Copies rows of 300 bytes."""
    with connection.cursor() as cursor, cursor.copy("COPY bench_rows (rec) FROM STDIN") as target:
        target.write(ROW * events)


def write_bare(_log_id: UUID, events: int, until: float, answers: "Queue[Any]") -> None:
    """Copies and commits until the time is over."""
    count = 0
    while time.monotonic() < until:
        with transaction.atomic():
            copy(events)
        count += events
    answers.put((count, []))


def write_ledger(log_id: UUID, events: int, until: float, answers: "Queue[Any]") -> None:
    """Copies, seals, appends and commits until the time is over; times the statement that locks the head."""
    count, waits = 0, list[float]()

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 -- Django's signature
        started = time.perf_counter()
        answer = execute(sql, params, many, context)
        if sql == actions.LOCK:
            waits.append(time.perf_counter() - started)
        return answer

    with connection.execute_wrapper(watch):
        while time.monotonic() < until:
            with transaction.atomic():
                set_scope(log_id)
                copy(events)
                leaves = seal_many(LeafKind.EVENT, [(CORE, SUBJ, RAW)] * events, salts(events))
                batch = LeafBatch(id=uuid4(), leaves=leaves, received_at=timezone.now())
                actions.append(log_id=log_id, batches=[batch])
            count += events
    answers.put((count, waits))


def check(log_id: UUID) -> str:
    """Returns a line that says whether what was appended is one whole log."""
    with transaction.atomic():
        set_scope(log_id)
        head = queries.head(log_id)
        started = time.perf_counter()
        read = StoredTiles(log_id, head.epoch, ahead=64).read
        check_growth(0, head.size, read)
        whole = edge_root(edge_at(head.size, StoredTiles(log_id, head.epoch).read)) == head.root
        took = time.perf_counter() - started
        batches = Batch.objects.filter(log_id=log_id).count()
    return f"{head.size:,} leaves in {batches:,} batches; every tile and the root recomputed in {took:.1f} s: {whole}"
