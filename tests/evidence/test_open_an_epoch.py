"""After a restore that lost signed entries: the signer refuses, an operator opens an epoch, and everything holds."""

import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from evidence.building import build_pack
from evidence.findings import FailureClass
from evidence.models import EvidencePack
from evidence.verifier.check import Pack
from ledger import actions, queries, signer
from ledger.kinds import CheckpointBody, LeafKind, SignedCheckpoint
from ledger.notes import checkpoint_text, open_note, parse_vkey, sign_note
from ledger.signerstate import LastSigned
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.database import FreshDatabase
from tests.evidence import attacks
from tests.evidence.attacks import superuser
from tests.evidence.signing import data_of
from tests.evidence.test_verify_ledger import World
from tests.ledger.conftest import a_batch, commit_leaves, commit_log, leaves, set_scope
from tests.logs.sources import failures, lines

ARGUMENTS = ("--reason", "Disk failed; the backup is of Monday", "--approved-by", "Carla Cifuentes")


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world with a signer of its own."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield World(fresh_database)
    connection.close()


def restore(world: World) -> SignedCheckpoint:
    """Lose what was signed last, as a restore does; return the checkpoint that covered it."""
    before = world.verify().size
    world.deliver(lines(*failures(30, 5000)))
    signed = signer.sign_now(world.tenant.uuid)
    with superuser(world.fresh.name) as db:
        attacks.tail_cut(db, world.tenant.uuid, before)
    with pytest.raises(signer.RefusedToSignError):
        signer.sign_now(world.tenant.uuid)
    return signed


def open_epoch(*arguments: str) -> str:
    """Run the command; return what it says."""
    out = StringIO()
    call_command("ledger_epoch", "--tenant", "northwind", *(arguments or ARGUMENTS), stdout=out)
    return out.getvalue()


def test_the_log_goes_on_and_says_what_was_lost(world: World) -> None:
    lost = restore(world)
    assert "goes on as" in open_epoch()
    with tenant_scope(world.tenant):
        entry = AuditEntry.objects.get(verb="ledger.epoch")
        place = queries.batch(world.tenant.uuid, entry.batch_id)
        first = queries.latest_checkpoint(world.tenant.uuid)
        (link,) = queries.key_links(world.tenant.uuid)
    assert (entry.leaf_kind, entry.ord, place.epoch, place.first_index) == (LeafKind.EPOCH, 0, 2, 0)
    assert entry.detail["checkpoint"] == lost.note
    assert entry.detail["signed_size"] - entry.detail["surviving_size"] == entry.detail["lost_leaves"] == 31
    assert (entry.detail["reason"], entry.detail["approved_by"]) == (ARGUMENTS[1], ARGUMENTS[3])
    assert first is not None
    assert (first.origin.rpartition("/")[2], first.size) == ("2", 1)
    assert len(open_note(first.note, [parse_vkey(link.old), parse_vkey(link.new)])[1]) == 2
    world.deliver(lines(*failures(5, 6000)))
    assert signer.sign_now(world.tenant.uuid).size == 1 + 6
    report = world.verify()
    assert (report.findings.shown, report.epochs, report.lost) == ([], 2, 31)
    assert report.size == report.signed_size == report.events + report.deliveries + report.deeds


def test_only_a_refused_log_gets_an_epoch(world: World) -> None:
    with pytest.raises(CommandError, match="needs no new epoch"):
        open_epoch()
    restore(world)
    with pytest.raises(CommandError, match="auditors read both"):
        open_epoch("--reason", " ", "--approved-by", "Carla")
    with pytest.raises(signer.RefusedToSignError, match="smaller"):
        signer.sign_now(world.tenant.uuid)
    open_epoch()
    with pytest.raises(CommandError, match="needs no new epoch"):
        open_epoch()


def test_an_epoch_that_no_operator_opened_is_refused_and_found(world: World) -> None:
    """An administrator of the database cuts the log and begins an epoch that explains it away."""
    restore(world)
    with superuser(world.fresh.name) as db:
        attacks.run(db, "UPDATE ledger_head SET closed = true")
        attacks.run(db, "INSERT INTO ledger_head SELECT log_id, 2, 0, sha256(''), false FROM ledger_head")
        attacks.run(db, "INSERT INTO ledger_log SELECT log_id, 2, left(origin, -1) || '2', now() FROM ledger_log")
    with pytest.raises(signer.RefusedToSignError, match="needs the operator's approval"):
        signer.sign_now(world.tenant.uuid)
    found = set(world.verify().findings.counts)
    assert found == {FailureClass.LOG_ROLLED_BACK, FailureClass.TREE_INCONSISTENT, FailureClass.SIGNATURE_INVALID}


def test_what_survived_can_not_be_changed_afterwards(world: World) -> None:
    restore(world)
    open_epoch()
    with world.fresh.connect("owner", autocommit=False) as owner:
        world.enter(owner)
        owner.execute("UPDATE ledger_head SET root = decode(repeat('00', 32), 'hex') WHERE epoch = 1")
    assert FailureClass.TREE_INCONSISTENT in world.verify().findings.counts


def test_a_second_restore_behind_the_epoch_is_refused_and_opens_the_third(world: World) -> None:
    restore(world)
    open_epoch()
    with superuser(world.fresh.name) as db:
        for table in ("ledger_head", "ledger_log", "ledger_batch", "ledger_partialtile", "ledger_checkpoint"):
            attacks.run(db, f"DELETE FROM {table} WHERE epoch = 2")  # noqa: S608 -- own names
        attacks.run(db, "DELETE FROM tenants_auditentry WHERE verb = 'ledger.epoch'")
        attacks.run(db, "UPDATE ledger_head SET closed = false")
    with pytest.raises(signer.RefusedToSignError, match="has signed epoch 2 of the log"):
        signer.sign_now(world.tenant.uuid)
    assert FailureClass.LOG_ROLLED_BACK in world.verify().findings.counts
    assert "/3, signed" in open_epoch()
    assert world.verify().findings.shown == []


def test_a_death_before_the_signature_is_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    restore(world)

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(signer, "_extend", die)
        with pytest.raises(KeyboardInterrupt):
            open_epoch()
    with tenant_scope(world.tenant):
        assert queries.head(world.tenant.uuid).epoch == 2
    signer.sign_now(world.tenant.uuid)
    assert world.verify().findings.shown == []


def test_an_append_that_waits_goes_to_the_new_epoch(fresh_database: FreshDatabase) -> None:
    log_id = commit_log(5)
    begun = threading.Event()

    def append() -> None:
        begun.set()
        commit_leaves(log_id, 3, 100)
        connection.close()

    thread = threading.Thread(target=append)
    with transaction.atomic():
        set_scope(log_id)
        actions.open_epoch(log_id=log_id, epoch=2, origin=f"tests/t/{log_id}/2")
        thread.start()
        begun.wait()
        thread.join(0.3)
        assert thread.is_alive(), "it waits for the head"
        actions.append(log_id=log_id, batches=[a_batch(leaves(1))])
    thread.join()
    with transaction.atomic():
        set_scope(log_id)
        assert [(head.epoch, head.size) for head in queries.heads(log_id)] == [(1, 5), (2, 4)]
    connection.close()


@pytest.mark.django_db
def test_a_pack_leads_from_the_first_key_into_the_new_epoch(bpo: Tenant, pack: Callable[..., EvidencePack]) -> None:
    signer.sign_now(bpo.uuid)
    with tenant_scope(bpo):
        first = queries.verifier_key(bpo.uuid)
        size = queries.head(bpo.uuid).size
    files, origin = signer.signer_files(), f"countersign/t/{bpo.uuid}/1"
    body = CheckpointBody(origin, size + 9, bytes(32))
    note = sign_note(checkpoint_text(body), [files.signer(origin)])
    files.keep(bpo.uuid, 1, LastSigned(body, note, timezone.now()))
    open_epoch()
    made = build_pack(bpo, pack(("pci",)).pk, Silent())
    checked = Pack(data_of(bpo, made))
    assert checked.check(None, first) == []
    assert checked.manifest["ledger"]["origin"].endswith("/2")
    assert any("lie in earlier epochs" in line for line in checked.manifest["omissions"])
