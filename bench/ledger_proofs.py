"""Measures what the ledger costs beside the rows: proofs from stored tiles, hashing everything again, bytes an event.

One log of 1,000,000 leaves in deliveries of 1,000, on an embedded server in a directory of its own, removed afterwards:

    inclusion proof   a random leaf's path from stored tiles, nothing kept between two proofs: at most 2 ms
    full re-hash      envelope, two commitments, leaf and tree of events of 300 bytes, one core: at least 400,000/s
    storage           tables and indexes of the ledger, TOAST included, by leaves: at most 40 bytes
"""

import os
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from uuid import UUID

from bench.intake import DATABASE, database
from bench.machine import describe

LEAVES, DELIVERY, PROOFS = 1_000_000, 1_000, 500
PROOF_MS, HASHES, BYTES = 2.0, 400_000, 40.0


def main() -> None:
    """Prints each figure with its limit and the ratio to it."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {
        "COUNTERSIGN_DATA": str(directory / "data"),
        "COUNTERSIGN_DATABASE": DATABASE,
        "DJANGO_SETTINGS_MODULE": "bench.ledger_settings",
    }
    print(f"ledger_proofs, on {describe()}")
    try:
        measure(directory / "data")
    finally:
        shutil.rmtree(directory)


def measure(data: Path) -> None:
    """Fills a log and measures."""
    with database(data):
        from bench import ledger_writers  # noqa: PLC0415 -- needs the migrated database's settings

        log_id = ledger_writers.prepare(data, DATABASE)
        fill(log_id)
        print("what                          measured         limit   ratio")
        times = proofs(log_id)
        say("inclusion proof, median ms", statistics.median(times), PROOF_MS, most=True)
        say("inclusion proof, p99 ms", statistics.quantiles(times, n=100)[98], PROOF_MS, most=True)
        say("full re-hash, events/s", rehash(), HASHES, most=False)
        say("storage, bytes an event", storage(), BYTES, most=True)


def say(what: str, found: float, limit: float, *, most: bool) -> None:
    """Prints one line; a ratio of at least 1 keeps the limit."""
    ratio = limit / found if most else found / limit
    print(f"{what:27} {found:12,.2f} {limit:12,.2f} {ratio:7.2f}  {'kept' if ratio >= 1 else 'NOT kept'}")


def fill(log_id: UUID) -> None:
    """Appends leaves in deliveries."""
    from django.db import transaction  # noqa: PLC0415 -- needs the settings
    from django.utils import timezone  # noqa: PLC0415 -- needs the settings

    from bench.ledger_writers import set_scope  # noqa: PLC0415 -- needs the settings
    from ledger import actions  # noqa: PLC0415 -- needs the settings
    from ledger.kinds import LeafBatch  # noqa: PLC0415 -- needs the settings

    for _ in range(LEAVES // DELIVERY):
        with transaction.atomic():
            set_scope(log_id)
            leaves = [os.urandom(32) for _ in range(DELIVERY)]
            batch = LeafBatch(id=UUID(bytes=os.urandom(16)), leaves=leaves, received_at=timezone.now())
            actions.append(log_id=log_id, batches=[batch])


def proofs(log_id: UUID) -> list[float]:
    """Returns the milliseconds of each proof, the reading of the head and of the tiles included."""
    from django.db import transaction  # noqa: PLC0415 -- needs the settings

    from bench.ledger_writers import set_scope  # noqa: PLC0415 -- needs the settings
    from ledger.merkle import verify_inclusion  # noqa: PLC0415 -- needs the settings
    from ledger.queries import inclusion_proof, leaf, root_at  # noqa: PLC0415 -- needs the settings

    found, chosen = [], random.Random(7)  # noqa: S311 -- places, repeatable
    with transaction.atomic():
        set_scope(log_id)
        root = root_at(log_id, LEAVES)
        for index in (chosen.randrange(LEAVES) for _ in range(PROOFS)):
            started = time.perf_counter()
            path = inclusion_proof(log_id, index, LEAVES)
            found.append(1000 * (time.perf_counter() - started))
            verify_inclusion(leaf(log_id, index), index, LEAVES, path, root)
    return found


def rehash() -> float:
    """Returns events a second that one core seals and hashes into a tree again, from bytes at hand."""
    from bench.ledger_writers import CORE, RAW, SUBJ  # noqa: PLC0415 -- needs the settings
    from ledger.entries import salts, seal_many  # noqa: PLC0415 -- needs the settings
    from ledger.kinds import LeafKind  # noqa: PLC0415 -- needs the settings
    from ledger.tiles import grow  # noqa: PLC0415 -- needs the settings

    rows, salted = [(CORE, SUBJ, RAW)] * 100_000, salts(100_000)
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        grow(0, {}, seal_many(LeafKind.EVENT, rows, salted))
        best = max(best, len(rows) / (time.process_time() - started))
    return best


def storage() -> float:
    """Returns the bytes that the ledger's tables take for each leaf; prints them by table.

    The partial tiles are left out: five rows a log, rewritten with each delivery, whose room VACUUM gives to the next.
    """
    from django.db import connection  # noqa: PLC0415 -- needs the settings

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relname LIKE 'ledger\\_%' AND relkind = 'r'"
        )
        sizes = {name: float(size) / LEAVES for name, size in cursor.fetchall()}
    print("  " + ", ".join(f"{name} {size:.2f}" for name, size in sorted(sizes.items())))
    return sum(sizes.values()) - sizes["ledger_partialtile"]


if __name__ == "__main__":
    main()
