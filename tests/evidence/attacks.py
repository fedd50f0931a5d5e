# ruff: noqa: S608 -- fixed statements, put together from fixed parts
"""What a database administrator with superuser rights does: no grant, trigger or row security stops any of it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.kinds import CheckpointBody
from ledger.notes import Signer, checkpoint_text, sign_note
from ledger.tiles import grow, split
from tests.database import admin_dsn

Superuser = psycopg.Connection[Any]
VICTIM = "(SELECT id FROM logs_accessevent ORDER BY id OFFSET 300 LIMIT 1)"


@contextmanager
def superuser(database: str) -> Iterator[Superuser]:
    """A connection of the server's administrator, with every trigger switched off."""
    with psycopg.connect(make_conninfo(admin_dsn(), dbname=database)) as connection:
        run(connection, "SET session_replication_role = replica")
        yield connection


def run(db: Superuser, statement: str, values: Sequence[object] = ()) -> psycopg.Cursor[Any]:
    """Run one statement of the attacker's."""
    return db.execute(statement, values)  # type: ignore[call-overload, no-any-return]  # not a literal


def shown_column(db: Superuser, log_id: UUID) -> None:
    """Show another person on the pages than the sealed bytes name."""
    assert run(db, f"UPDATE logs_accessevent SET actor_name = 'mallory' WHERE id = {VICTIM}").rowcount == 1


def sealed_bytes(db: Superuser, log_id: UUID) -> None:
    """Change what was received."""
    assert run(db, f"UPDATE logs_accessevent SET raw = raw || 'x' WHERE id = {VICTIM}").rowcount == 1


def row_gone(db: Superuser, log_id: UUID) -> None:
    """Remove one event."""
    assert run(db, f"DELETE FROM logs_accessevent WHERE id = {VICTIM}").rowcount == 1


def partition_gone(db: Superuser, log_id: UUID) -> None:
    """Detach and drop every partition that holds events."""
    found = run(db, "SELECT DISTINCT tableoid::regclass::text FROM logs_accessevent").fetchall()
    assert found
    for (name,) in found:
        run(db, f"ALTER TABLE logs_accessevent DETACH PARTITION {name}")
        run(db, f"DROP TABLE {name}")


def head_gone(db: Superuser, log_id: UUID) -> None:
    """Remove the log's head and its entry in the list of logs."""
    run(db, "DELETE FROM ledger_head WHERE log_id = %s", [log_id])
    run(db, "DELETE FROM ledger_log WHERE log_id = %s", [log_id])


def all_leaves(db: Superuser, log_id: UUID) -> list[bytes]:
    """Read the leaf hashes of a log of fewer than 65,536 leaves."""
    order = "WHERE log_id = %s AND level = 0 ORDER BY n"
    full = run(db, f"SELECT hashes FROM ledger_tile {order}", [log_id]).fetchall()
    edge = run(db, f"SELECT hashes FROM ledger_partialtile {order}", [log_id]).fetchall()
    return [leaf for (hashes,) in full + edge for leaf in split(bytes(hashes))]


def write_tree(db: Superuser, log_id: UUID, leaves: list[bytes]) -> bytes:
    """Store a whole tree anew, head included, so that all of it fits together; return its root."""
    growth = grow(0, {}, leaves)
    for table in ("ledger_tile", "ledger_partialtile"):
        run(db, f"DELETE FROM {table} WHERE log_id = %s", [log_id])
    for tile in growth.full:
        values = [log_id, tile.level, tile.n, tile.hashes]
        run(db, "INSERT INTO ledger_tile (log_id, epoch, level, n, hashes) VALUES (%s, 1, %s, %s, %s)", values)
    for level, hashes in growth.partial.items():
        values = [log_id, level, len(leaves) >> (8 * (level + 1)), hashes]
        run(db, "INSERT INTO ledger_partialtile (log_id, epoch, level, n, hashes) VALUES (%s, 1, %s, %s, %s)", values)
    run(db, "UPDATE ledger_head SET size = %s, root = %s WHERE log_id = %s", [len(leaves), growth.root, log_id])
    return growth.root


def tree_rewritten(db: Superuser, log_id: UUID) -> None:
    """Put another event in the place of one, with leaf, tiles and head that fit it."""
    sealed = run(db, f"SELECT core, subj, raw, salts FROM logs_accessevent WHERE id = {VICTIM}").fetchone()
    assert sealed is not None
    core, subj, raw, salts = (bytes(part) for part in sealed)
    old, new = _leaf(core, subj, raw, salts), _leaf(core, subj, b"never happened", salts)
    leaves = all_leaves(db, log_id)
    leaves[leaves.index(old)] = new
    write_tree(db, log_id, leaves)
    run(db, f"UPDATE logs_accessevent SET raw = %s WHERE id = {VICTIM}", [b"never happened"])


def tree_rewritten_and_signed(db: Superuser, log_id: UUID) -> None:
    """The same, and one checkpoint over it by a key of the attacker's own in the place of all others."""
    tree_rewritten(db, log_id)
    found = run(db, "SELECT size, root FROM ledger_head WHERE log_id = %s", [log_id]).fetchone()
    origin = run(db, "SELECT origin FROM ledger_log WHERE log_id = %s", [log_id]).fetchone()
    assert found is not None
    assert origin is not None
    size, root = found
    signer = Signer(origin[0], hashlib.sha256(b"attacker").digest())
    note = sign_note(checkpoint_text(CheckpointBody(origin[0], size, bytes(root))), [signer])
    run(db, "DELETE FROM ledger_checkpoint WHERE log_id = %s AND size < %s", [log_id, size])
    change = "UPDATE ledger_checkpoint SET note = %s, vkey = %s, root = %s WHERE log_id = %s"
    assert run(db, change, [note, signer.verifier.vkey, root, log_id]).rowcount == 1


def tail_cut(db: Superuser, log_id: UUID, size: int) -> None:
    """Make the log end at the first batch's end at or after `size`, with rows, tiles, head and checkpoints that fit."""
    keep = "SELECT min(first_index + n) FROM ledger_batch WHERE log_id = %s AND first_index + n >= %s"
    found = run(db, keep, [log_id, size]).fetchone()
    assert found is not None
    end = int(found[0])
    write_tree(db, log_id, all_leaves(db, log_id)[:end])
    run(db, "DELETE FROM ledger_batch WHERE log_id = %s AND first_index >= %s", [log_id, end])
    run(db, "DELETE FROM ledger_checkpoint WHERE log_id = %s AND size > %s", [log_id, end])
    for table, key in (("logs_accessevent", "batch_id"), ("logs_delivery", "id"), ("tenants_auditentry", "batch_id")):
        lost = f"DELETE FROM {table} t WHERE NOT EXISTS (SELECT FROM ledger_batch b WHERE b.id = t.{key})"
        run(db, lost)


def _leaf(core: bytes, subj: bytes, raw: bytes, salts: bytes) -> bytes:
    """Hash an event as the leaf format of version 1 says, without the product's own code."""
    groups = b""
    for name, salt, data in ((b"subj", salts[:16], subj), (b"raw", salts[16:], raw)):
        groups += hashlib.sha256(b"countersign/v1/" + name + b"\0" + salt + data).digest()
    return hashlib.sha256(b"\0\x01\x01" + groups + core).digest()


def tenant_gone(db: Superuser, log_id: UUID) -> None:
    """Leave nothing of a tenant and its log, as a copy from before it came."""
    for table in ("head", "log", "batch", "tile", "partialtile", "checkpoint", "anchor", "refusal"):
        run(db, f"DELETE FROM ledger_{table} WHERE log_id = %s", [log_id])
    own = "(SELECT id FROM tenants_tenant WHERE uuid = %s)"
    run(db, f"DELETE FROM tenants_auditentry WHERE tenant_id = {own}", [log_id])
    run(db, "DELETE FROM tenants_tenant WHERE uuid = %s", [log_id])
