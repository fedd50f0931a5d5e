"""Competing writers on one log with real commits, killed at any moment: no gap, no fork, no orphan, nothing lost."""

import os
import random
import signal
from itertools import accumulate
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, transaction

from ledger import actions, queries
from ledger.kinds import Head
from ledger.merkle import root_of
from ledger.models import Batch
from ledger.tiles import check_growth
from ledger.tilestore import StoredTiles
from tests.database import FreshDatabase
from tests.ledger.children import APART, write, write_to
from tests.ledger.conftest import a_batch, commit_leaves, commit_log, leaves, set_scope

WRITERS = 3


def start(log_id: UUID, accepted: Path, seed: int, rounds: int | None = None) -> BaseProcess:
    """Start a writer on the database of the test."""
    database = str(connection.settings_dict["NAME"])
    process = APART.Process(target=write_to, args=(database, log_id, accepted, seed, rounds), daemon=True)
    process.start()
    return process


def kill(process: BaseProcess) -> None:
    """End a writer as a power cut would."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def read_head(log_id: UUID) -> Head:
    with transaction.atomic():
        set_scope(log_id)
        return queries.head(log_id)


def wait_for_growth(log_id: UUID, beyond: int) -> Head:
    """Poll the head until it is larger; a log that does not grow for 20,000 polls never will."""
    for _ in range(20_000):
        head = read_head(log_id)
        if head.size > beyond:
            return head
    raise AssertionError(f"The log does not grow beyond {beyond} leaves.")


def prepare(fresh: FreshDatabase) -> UUID:
    """Make the table that stands for the rows which a delivery stores."""
    with fresh.connect("owner") as owner:
        owner.execute("CREATE TABLE stored (batch_id uuid, ord int, leaf bytea, PRIMARY KEY (batch_id, ord))")
        owner.execute("GRANT SELECT, INSERT ON stored TO countersign_app")
    return commit_log(0)


def check_log(log_id: UUID, accepted: set[str], seen: list[Head]) -> None:
    """Recompute everything from the stored rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        set_scope(log_id)
        batches = list(Batch.objects.filter(log_id=log_id).order_by("first_index"))
        cursor.execute("SELECT batch_id, leaf FROM stored ORDER BY batch_id, ord")
        rows: dict[UUID, list[bytes]] = {}
        for batch_id, leaf in cursor.fetchall():
            rows.setdefault(batch_id, []).append(bytes(leaf))
        head = queries.head(log_id)
        check_growth(0, head.size, StoredTiles(log_id, head.epoch, ahead=64).read)
    assert [batch.first_index for batch in batches] == list(accumulate((b.n for b in batches), initial=0))[:-1]
    assert {batch.id: batch.n for batch in batches} == {batch_id: len(own) for batch_id, own in rows.items()}
    assert accepted <= {str(batch.id) for batch in batches}, "what was answered accepted is in the log"
    everything = [leaf for batch in batches for leaf in rows[batch.id]]
    assert (head.size, head.root) == (len(everything), root_of(everything))
    assert all(known.root == root_of(everything[: known.size]) for known in seen), "every head seen is a prefix"


@pytest.mark.slow
def test_competing_writers_leave_one_contiguous_log(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    log_id = prepare(fresh_database)
    accepted = tmp_path / "accepted"
    writers = [start(log_id, accepted, seed, rounds=25) for seed in range(4)]
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    answers = set(accepted.read_text(encoding="ascii").split())
    assert len(answers) == 100
    check_log(log_id, answers, [])


@pytest.mark.slow
def test_killed_writers_leave_no_gap_and_no_orphan(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    log_id = prepare(fresh_database)
    chance = random.Random(5)  # noqa: S311 -- a repeatable test, no secret
    accepted = tmp_path / "accepted"
    writers = [start(log_id, accepted, seed) for seed in range(WRITERS)]
    seen: list[Head] = []
    for number in range(20):
        seen.append(wait_for_growth(log_id, seen[-1].size if seen else 0))
        victim = chance.randrange(WRITERS)
        kill(writers[victim])
        writers[victim] = start(log_id, accepted, 100 + number)
    for writer in writers:
        kill(writer)
    # Waits for the lock of a killed writer's backend; whoever is still behind it has nobody left to send its COMMIT.
    write(log_id, accepted, 7, rounds=1)
    answers = accepted.read_text(encoding="ascii").split("\n")
    check_log(log_id, {answer for answer in answers if len(answer) == 36}, seen)


def test_the_lock_is_held_until_the_commit(fresh_database: FreshDatabase) -> None:
    """A second writer waits, and then sees the tiles that the first one left."""
    log_id = commit_log(255)
    with fresh_database.connect("app", autocommit=False) as other:
        with transaction.atomic():
            set_scope(log_id)
            actions.append(log_id=log_id, batches=[a_batch(leaves(2, 255))])
            other.execute(f"SET LOCAL app.log = '{log_id}'; SET LOCAL lock_timeout = '200ms'")
            with pytest.raises(Exception, match="lock timeout"):
                other.execute("SELECT size FROM ledger_head WHERE log_id = %s FOR UPDATE", [log_id])
            other.rollback()
        other.execute(f"SET LOCAL app.log = '{log_id}'")
        assert other.execute("SELECT size FROM ledger_head WHERE log_id = %s FOR UPDATE", [log_id]).fetchone() == (257,)
    commit_leaves(log_id, 1, 257)
    assert read_head(log_id).root == root_of(leaves(258))


def test_a_stopped_holder_of_the_lock_is_ended(fresh_database: FreshDatabase) -> None:
    """From the append to the commit the server waits at most a minute; the setting ends with the transaction."""
    log_id = commit_log(1)
    with connection.cursor() as cursor:
        with transaction.atomic():
            set_scope(log_id)
            actions.append(log_id=log_id, batches=[a_batch(leaves(1, 1))])
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("1min",)
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() != ("1min",)


def test_another_isolation_is_refused(fresh_database: FreshDatabase) -> None:
    log_id = commit_log(1)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        set_scope(log_id)
        with pytest.raises(actions.WrongIsolationError, match="REPEATABLE READ"):
            actions.append(log_id=log_id, batches=[a_batch(leaves(1, 1))])
