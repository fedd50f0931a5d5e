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

from evidence.absence import absent_logs
from evidence.anchoring import anchor
from evidence.findings import FailureClass
from evidence.verification import HeldElsewhere, verify_tenant
from ledger.kinds import SignedCheckpoint
from ledger.notes import parse_vkey
from ledger.queries import UnknownLogError, verifier_key
from ledger.signer import RefusedToSignError, sign_all, sign_now, signer_files
from portal.doctor import State, examine
from tenants.scope import tenant_scope
from tests import database, make
from tests.database import FreshDatabase, copy
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
    copy(world.fresh.name, f"{world.fresh.name}_backup")
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


def test_a_tenant_that_an_older_copy_never_had_is_missed(world: World, settings: Settings, tmp_path: Path) -> None:
    """Nothing in that copy is wrong: the signer, the anchors' folder, or a kept checkpoint remember the tenant."""
    late = make.tenant("late")
    sign_now(late.uuid)
    settings.COUNTERSIGN_ANCHOR_FOLDER = str(tmp_path / "worm")
    anchor(late)
    kept = sign_now(late.uuid)
    with superuser(world.fresh.name) as db:
        attacks.tenant_gone(db, late.uuid)
    connection.close()
    assert world.verify().holds
    outcomes = {outcome.log_id: outcome.refused for outcome in sign_all()}
    assert outcomes[world.tenant.uuid] == ""
    assert "the database knows no such log" in outcomes[late.uuid]
    assert [row["origin"] for row in signer_files().refusals()] == [kept.origin]
    list(sign_all())
    assert len(signer_files().refusals()) == 1, "once for each new finding"
    assert next(found for found in examine() if found.name == "logs").state == State.ILL
    (report,) = absent_logs({"mail.txt": kept.note.encode(), "other.txt": b"nonsense"})
    assert set(report.findings.counts) == {ROLLED_BACK}
    told = " ".join(finding.detail for finding in report.findings.shown)
    assert all(name in told for name in ("the signer knows", "the anchors' folder knows", "mail.txt knows"))
    with pytest.raises(CommandError, match="a tenant that is gone"):
        call_command("verify_ledger", "--quiet", stdout=StringIO())


def test_a_tenant_that_was_removed_beside_its_log_is_missed(world: World) -> None:
    with superuser(world.fresh.name) as db:
        attacks.run(db, "DELETE FROM tenants_tenant WHERE uuid = %s", [world.tenant.uuid])
    (report,) = absent_logs({})
    assert "the list of logs knows" in report.findings.shown[0].detail
