# ruff: noqa: E402 -- models need the set-up
"""What the ledger's tests run in processes of their own: writers to be killed, and somebody without rights.

The processes come from a fork server that has no threads. A plain fork of the test process would copy the locks that
its threads hold (a browser's event loop, when browser tests ran before) and could wait for them for ever.
"""

import multiprocessing
import os
import random
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final
from uuid import UUID

import django

django.setup()

from django.conf import settings
from django.db import connection, transaction

from ledger import actions, signer
from tests.database import use_role
from tests.ledger.conftest import a_batch, set_scope


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


APART: Final = _context()
"""Where child processes come from."""


def write(log_id: UUID, accepted: Path, seed: int, rounds: int | None) -> None:
    """Store rows and append their leaves, one transaction after another; note each batch after its commit."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable test, no secret
    with accepted.open("a", encoding="ascii", buffering=1) as answers:
        while rounds is None or rounds > 0:
            rounds = None if rounds is None else rounds - 1
            batch = a_batch([chance.randbytes(32) for _ in range(chance.choice([1, 2, 40, 300]))])
            with transaction.atomic(), connection.cursor() as cursor:
                set_scope(log_id)
                rows = [(str(batch.id), number, leaf) for number, leaf in enumerate(batch.leaves)]
                cursor.executemany("INSERT INTO stored VALUES (%s, %s, %s)", rows)
                actions.append(log_id=log_id, batches=[batch])
            answers.write(f"{batch.id}\n")


def write_to(database: str, log_id: UUID, accepted: Path, seed: int, rounds: int | None) -> None:
    """Write to a database as the app role, from a process of its own."""
    use_role("app", database)
    write(log_id, accepted, seed, rounds)


def away(directory: Path) -> None:
    """End with 0 when a user without rights on the directory takes the signer for a separate one."""
    settings.COUNTERSIGN_SIGNER = directory
    os.setgid(65534)
    os.setuid(65534)
    os._exit(0 if signer.is_separate() and not os.access(directory, os.R_OK) else 1)
