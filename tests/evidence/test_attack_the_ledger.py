"""A database administrator attacks: each attack is found as its own class, or refused by the signer, or named here.

What nobody can find from this host is tested too, so that THREAT_MODEL.md says neither more nor less than what holds.
"""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from evidence.findings import FailureClass
from evidence.verification import HeldElsewhere, verify_tenant
from ledger.kinds import SignedCheckpoint
from ledger.notes import parse_vkey
from ledger.queries import UnknownLogError, verifier_key
from ledger.signer import RefusedToSignError, sign_now
from tenants.scope import tenant_scope
from tests import database
from tests.database import FreshDatabase, execute_as_owner
from tests.evidence import attacks
from tests.evidence.attacks import Superuser, superuser
from tests.evidence.test_verify_ledger import World
from tests.logs.sources import failures, lines

ROLLED_BACK, TREE, SIGNATURE = (
    FailureClass.LOG_ROLLED_BACK,
    FailureClass.TREE_INCONSISTENT,
    FailureClass.SIGNATURE_INVALID,
)
Attack = Callable[[Superuser, UUID], None]
ATTACKS: list[tuple[Attack, set[FailureClass], str]] = [
    (attacks.shown_column, {FailureClass.PROJECTION_DIFFERS}, ""),
    (attacks.sealed_bytes, {FailureClass.CONTENT_CHANGED}, ""),
    (attacks.row_gone, {FailureClass.LEAF_MISSING}, ""),
    (attacks.partition_gone, {FailureClass.LEAF_MISSING}, ""),
    (attacks.head_gone, {ROLLED_BACK}, "is not open"),
    (attacks.tree_rewritten, {TREE}, "different roots"),
    (attacks.tree_rewritten_and_signed, {TREE, SIGNATURE}, "different roots"),
    (lambda db, log_id: attacks.tail_cut(db, log_id, 410), {ROLLED_BACK}, "smaller than the"),
]
"""Attack, what the verification finds, and what the signer says; it does not look at rows and goes on signing them."""


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world with a signer of its own."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield World(fresh_database)
    connection.close()


def key_of(world: World) -> str:
    """The ledger key as the contract holds it."""
    with tenant_scope(world.tenant):
        return verifier_key(world.tenant.uuid)


@pytest.mark.parametrize(("attack", "found", "refused"), ATTACKS, ids=[str(n) for n in range(len(ATTACKS))])
def test_what_an_administrator_does_is_found(
    world: World, attack: Attack, found: set[FailureClass], refused: str
) -> None:
    with superuser(world.fresh.name) as db:
        attack(db, world.tenant.uuid)
    report = world.verify()
    assert set(report.findings.counts) == found, report.findings.shown
    if refused:
        with pytest.raises((RefusedToSignError, UnknownLogError), match=refused):
            sign_now(world.tenant.uuid)
    else:
        assert sign_now(world.tenant.uuid).size == report.size


def test_an_older_backup_is_refused_also_when_it_grew_again(world: World) -> None:
    """The database is copied, lives on, and the copy takes its place."""
    connection.close()
    execute_as_owner(f"CREATE DATABASE {world.fresh.name}_backup TEMPLATE {world.fresh.name}")
    world.deliver(lines(*failures(30, 5000)))
    signed = sign_now(world.tenant.uuid)
    database.use_role("app", f"{world.fresh.name}_backup")
    try:
        assert set(world.verify().findings.counts) == {ROLLED_BACK}
        with pytest.raises(RefusedToSignError, match=f"smaller than the {signed.size} leaves signed before"):
            sign_now(world.tenant.uuid)
        world.deliver(lines(*failures(60, 7000)))
        assert set(world.verify().findings.counts) == {TREE}
        with pytest.raises(RefusedToSignError, match="another root of the first"):
            sign_now(world.tenant.uuid)
    finally:
        database.use_role("app", world.fresh.name)
        database.drop_as_administrator(f"{world.fresh.name}_backup")


def test_with_the_signers_files_too_only_what_left_the_host_convicts(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    """Root on the host rewrites everything and signs anew: found with the key or a checkpoint from elsewhere."""
    key, held = key_of(world), sign_now(world.tenant.uuid)
    with superuser(world.fresh.name) as db:
        attacks.tree_rewritten_and_signed(db, world.tenant.uuid)
    settings.COUNTERSIGN_SIGNER = tmp_path / "gone"
    assert world.verify().holds, "THREAT_MODEL.md says that nothing on this host shows it"
    known = HeldElsewhere(keys=(parse_vkey(key),))
    assert set(verify_tenant(world.tenant, held=known).findings.counts) == {SIGNATURE}
    kept = HeldElsewhere(keys=(parse_vkey(key),), notes={"mail.txt": held.note.encode()})
    assert set(verify_tenant(world.tenant, held=kept).findings.counts) == {SIGNATURE, TREE}


def _cut_with_the_signer(world: World, anchored: SignedCheckpoint, settings: Settings) -> None:
    """Cut the tail behind a checkpoint, in the database and in the signer's own state."""
    state = Path(settings.COUNTERSIGN_SIGNER) / f"{world.tenant.uuid}-1.json"
    saved = state.read_bytes()
    world.deliver(lines(*failures(30, 5000)))
    sign_now(world.tenant.uuid)
    with superuser(world.fresh.name) as db:
        attacks.tail_cut(db, world.tenant.uuid, anchored.size)
    state.write_bytes(saved)


def test_a_tail_cut_behind_the_last_anchor_is_what_nobody_sees(world: World, settings: Settings) -> None:
    anchored = sign_now(world.tenant.uuid)
    _cut_with_the_signer(world, anchored, settings)
    kept = HeldElsewhere(notes={"worm.txt": anchored.note.encode()})
    assert verify_tenant(world.tenant, held=kept).holds, "THREAT_MODEL.md names this"


def test_a_tail_cut_before_an_anchor_is_found(world: World, settings: Settings, tmp_path: Path) -> None:
    anchored = sign_now(world.tenant.uuid)
    state = Path(settings.COUNTERSIGN_SIGNER) / f"{world.tenant.uuid}-1.json"
    with superuser(world.fresh.name) as db:
        attacks.tail_cut(db, world.tenant.uuid, 410)
        attacks.run(db, "DELETE FROM ledger_checkpoint")
    state.unlink()
    (tmp_path / "worm" / "2026").mkdir(parents=True)
    (tmp_path / "worm" / "2026" / "day.txt").write_text(anchored.note, encoding="utf-8")
    assert ROLLED_BACK not in world.verify().findings.counts
    out = StringIO()
    with pytest.raises(CommandError, match="failed for northwind"):
        call_command("verify_ledger", "--quiet", "--against", str(tmp_path / "worm"), stdout=out)
    assert "FAILED log rolled back" in out.getvalue()
    assert "Compared with 1 checkpoints that were held elsewhere." in out.getvalue()
