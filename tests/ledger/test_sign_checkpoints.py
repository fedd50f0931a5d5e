"""The signer: what it signs, what it refuses, and what stays on record."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from ledger import actions, queries, signer
from ledger.merkle import root_of
from ledger.models import Head, Log, PartialTile
from ledger.notes import open_checkpoint, parse_vkey
from ledger.proofs import format_proof, parse_proof, verify_proof
from ledger.signerstate import SignerFiles, SignerFilesError
from tests.database import FreshDatabase
from tests.ledger.children import APART, away
from tests.ledger.conftest import a_batch, commit_leaves, commit_log, leaves, set_scope

ROLLED_BACK = pytest.mark.django_db


def grow(log_id: UUID, n: int, first: int = 0) -> None:
    actions.append(log_id=log_id, batches=[a_batch(leaves(n, first))])


@ROLLED_BACK
def test_it_signs_what_the_log_holds(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 300)
    signed = signer.sign_now(log_id)
    verifier = parse_vkey(queries.verifier_key(log_id))
    body = open_checkpoint(signed.note, [verifier])
    assert (body.origin, body.size, body.root) == (f"tests/t/{log_id}/1", 300, root_of(leaves(300)))
    assert queries.latest_checkpoint(log_id) == signed
    grow(log_id, 500, 300)
    assert signer.sign_now(log_id).size == 800
    assert [checkpoint.size for checkpoint in queries.checkpoints(log_id)] == [800, 300]
    proof = parse_proof(format_proof(queries.proof_bundle(log_id, 299, signed)))
    verify_proof(leaves(300)[299], proof, [verifier])


@ROLLED_BACK
def test_nothing_new_is_not_signed_twice(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    first = signer.sign_now(log_id)
    assert signer.sign_now(log_id) == first
    assert len(queries.checkpoints(log_id)) == 1


@ROLLED_BACK
def test_an_empty_log_can_be_signed(log_id: UUID, files: SignerFiles) -> None:
    assert signer.sign_now(log_id).size == 0
    grow(log_id, 1)
    assert signer.sign_now(log_id).size == 1


@ROLLED_BACK
def test_every_log_has_a_key_of_its_own_and_files_are_private(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 1)
    signer.sign_now(log_id)
    keys = {files.signer(origin).verifier.public for origin in ("a/1", "a/2", "b/1")}
    assert len(keys) == 3
    assert files.signer("a/1") == files.signer("a/1")
    for path in [files.directory / "master.key", files.directory / f"{log_id}-1.json"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.directory.stat().st_mode) == 0o700


@ROLLED_BACK
def test_a_smaller_log_is_refused_once_on_record(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 300)
    signer.sign_now(log_id)
    Head.objects.filter(log_id=log_id).update(size=256, root=root_of(leaves(256)))
    PartialTile.objects.filter(log_id=log_id, level=0).update(hashes=b"")
    for _ in range(2):
        with pytest.raises(signer.RefusedToSignError, match="smaller than the 300"):
            signer.sign_now(log_id)
    (refusal,) = queries.refusals(log_id)
    (line,) = files.refusals()
    assert refusal.reason == line["reason"]
    assert (refusal.size, line["size"]) == (256, 256)
    assert queries.latest_checkpoint(log_id).size == 300


@ROLLED_BACK
def test_a_rolled_back_and_regrown_log_is_refused(log_id: UUID, files: SignerFiles) -> None:
    """The same size again with other leaves, and a larger one: both are other histories."""
    grow(log_id, 10)
    signer.sign_now(log_id)
    forged = leaves(9) + leaves(1, 77)
    PartialTile.objects.filter(log_id=log_id, level=0).update(hashes=b"".join(forged))
    Head.objects.filter(log_id=log_id).update(root=root_of(forged))
    with pytest.raises(signer.RefusedToSignError, match="different roots"):
        signer.sign_now(log_id)
    grow(log_id, 10, 100)
    with pytest.raises(signer.RefusedToSignError, match="another root of the first 10"):
        signer.sign_now(log_id)


@ROLLED_BACK
def test_a_head_that_is_not_its_tiles_is_refused(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 10)
    Head.objects.filter(log_id=log_id).update(root=bytes(32))
    with pytest.raises(signer.RefusedToSignError, match="not the root of its tiles"):
        signer.sign_now(log_id)
    Head.objects.filter(log_id=log_id).update(size=12)
    with pytest.raises(signer.RefusedToSignError, match="Tile 0 of level 0 has 320 bytes"):
        signer.sign_now(log_id)


@ROLLED_BACK
def test_a_lost_or_older_state_is_refused(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 10)
    signer.sign_now(log_id)
    state = files.directory / f"{log_id}-1.json"
    older = state.read_bytes()
    grow(log_id, 10, 10)
    signer.sign_now(log_id)
    state.write_bytes(older)
    with pytest.raises(signer.RefusedToSignError, match="stops at 10"):
        signer.sign_now(log_id)
    state.unlink()
    with pytest.raises(signer.RefusedToSignError, match="state is gone"):
        signer.sign_now(log_id)


@ROLLED_BACK
@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"note": "x", "signed_at": "2026-01-01"}'])
def test_a_damaged_state_is_refused(log_id: UUID, files: SignerFiles, damage: bytes) -> None:
    grow(log_id, 10)
    signer.sign_now(log_id)
    state = files.directory / f"{log_id}-1.json"
    state.write_bytes(damage)
    with pytest.raises(SignerFilesError, match="damaged or not its own"):
        signer.sign_now(log_id)


@ROLLED_BACK
def test_a_forged_state_is_refused(log_id: UUID, files: SignerFiles) -> None:
    """Whoever edits the size in the file does not have the key: only the signed note counts."""
    grow(log_id, 10)
    signer.sign_now(log_id)
    state = files.directory / f"{log_id}-1.json"
    state.write_text(state.read_text(encoding="utf-8").replace("\\n10\\n", "\\n9\\n"), encoding="utf-8")
    with pytest.raises(SignerFilesError, match="signature"):
        signer.sign_now(log_id)


@ROLLED_BACK
def test_a_lost_key_is_never_replaced(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 10)
    signer.sign_now(log_id)
    (files.directory / "master.key").unlink()
    with pytest.raises(SignerFilesError, match="look like a forgery"):
        signer.sign_now(log_id)
    (files.directory / "master.key").write_bytes(b"short")
    with pytest.raises(SignerFilesError, match="5 bytes"):
        signer.sign_now(log_id)


@ROLLED_BACK
def test_an_epoch_nobody_approved_is_refused(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 10)
    signer.sign_now(log_id)
    Log.objects.create(log_id=log_id, epoch=2, origin=f"tests/t/{log_id}/2", opened_at=timezone.now())
    Head.objects.create(log_id=log_id, epoch=2, size=0, root=root_of([]))
    with pytest.raises(signer.RefusedToSignError, match="operator's approval"):
        signer.sign_now(log_id)


@ROLLED_BACK
def test_a_checkpoint_that_only_reached_the_state_file_is_published_later(log_id: UUID, files: SignerFiles) -> None:
    """A crash between the state file and the database: the signature is not lost and not made twice."""
    grow(log_id, 10)
    with transaction.atomic():
        signed = signer.sign_now(log_id)
        transaction.set_rollback(True)
    assert queries.latest_checkpoint(log_id) is None
    assert signer.sign_now(log_id) == signed
    assert queries.latest_checkpoint(log_id) == signed


@ROLLED_BACK
def test_the_command_signs_all_logs_and_fails_when_one_is_refused(
    log_id: UUID, files: SignerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    grow(log_id, 10)
    call_command("ledger_sign", "--once")
    assert f"tests/t/{log_id}/1: signed at 10 leaves" in capsys.readouterr().out
    call_command("ledger_sign", "--once")
    assert f"tests/t/{log_id}/1: stands at 10 leaves" in capsys.readouterr().out
    Head.objects.filter(log_id=log_id).update(root=bytes(32))
    with pytest.raises(CommandError, match="1 of the logs refused"):
        call_command("ledger_sign", "--once")
    assert "refused" in capsys.readouterr().err
    with pytest.raises(CommandError, match="1 to 60"):
        call_command("ledger_sign", "--every", "61")


def change_tile(fresh: FreshDatabase, log_id: UUID, level: int, n: int) -> None:
    """Turn one bit of a stored tile, as the owner of the database could."""
    with fresh.connect("owner", autocommit=False) as owner:
        owner.execute(f"SET LOCAL app.log = '{log_id}'")
        changed = owner.execute(
            "UPDATE ledger_tile SET hashes = set_byte(hashes, 100, get_byte(hashes, 100) # 1) "
            "WHERE log_id = %s AND level = %s AND n = %s",
            [log_id, level, n],
        )
        assert changed.rowcount == 1


@pytest.mark.parametrize("tile", [(0, 1), (0, 3), (1, 0)])
def test_a_changed_tile_is_refused(fresh_database: FreshDatabase, files: SignerFiles, tile: tuple[int, int]) -> None:
    """In what was signed and in what is new, at the bottom and above it."""
    log_id = commit_log(66_000)
    if tile == (0, 1):
        signer.sign_now(log_id)
        commit_leaves(log_id, 300, 66_000)
        change_tile(fresh_database, log_id, *tile)
        # Tiles below the last checkpoint are the full verification's work; the proof needs none of this one.
        assert signer.sign_now(log_id).size == 66_300
        return
    change_tile(fresh_database, log_id, *tile)
    with pytest.raises(signer.RefusedToSignError, match="does not hash into place"):
        signer.sign_now(log_id)


def test_uncommitted_leaves_are_never_signed(
    fresh_database: FreshDatabase, files: SignerFiles, settings: Settings
) -> None:
    settings.COUNTERSIGN_SIGNER_CONNECTION = "progress"
    log_id = commit_log(5)
    with transaction.atomic():
        set_scope(log_id)
        actions.append(log_id=log_id, batches=[a_batch(leaves(5, 5))])
        assert signer.sign_now(log_id).size == 5
        assert queries.latest_checkpoint(log_id).size == 5
        transaction.set_rollback(True)
    commit_leaves(log_id, 1, 5)
    assert signer.sign_now(log_id).size == 6


def test_an_outer_scope_survives_signing(fresh_database: FreshDatabase, files: SignerFiles) -> None:
    log_id, other = commit_log(5), uuid4()
    with transaction.atomic(), connection.cursor() as cursor:
        set_scope(other)
        signer.sign_now(log_id)
        cursor.execute("SELECT current_setting('app.log')")
        assert cursor.fetchone() == (str(other),)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another system user")
def test_a_key_out_of_reach_makes_the_signer_separate(files: SignerFiles) -> None:
    assert not signer.is_separate()
    child = APART.Process(target=away, args=(files.directory,))
    child.start()
    child.join()
    assert child.exitcode == 0


@ROLLED_BACK
def test_a_separate_signer_is_waited_for(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    with pytest.raises(signer.SignerAwayError, match="has not signed 3 leaves within 1 seconds"):
        signer.await_checkpoint(log_id, seconds=1)
    signed = signer.sign_now(log_id)
    assert signer.await_checkpoint(log_id, seconds=1) == signed


@pytest.mark.slow
def test_the_process_signs_growth_and_stops_when_asked(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    log_id = commit_log(300)
    environment = {**fresh_database.environment, "COUNTERSIGN_SIGNER": str(tmp_path)}
    command = [sys.executable, "manage.py", "ledger_sign", "--every", "1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "The signer is running.\n"
        assert "signed at 300 leaves" in process.stdout.readline()
        started = time.monotonic()
        commit_leaves(log_id, 10, 300)
        assert "signed at 310 leaves" in process.stdout.readline()
        assert time.monotonic() - started < 60
        os.kill(process.pid, signal.SIGTERM)
        assert "The signer has stopped." in process.communicate(timeout=30)[0]
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
