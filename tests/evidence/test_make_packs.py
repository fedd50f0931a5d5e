"""Making a pack where things go wrong: the worker is killed, the disk is full."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import InternalError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from evidence.actions import PackRequest, request_pack
from evidence.building import build_pack, one_picture
from evidence.kinds import Period
from evidence.models import ControlRun, EvidencePack, PackFile
from evidence.tables import csv_bytes, csv_file, from_rows, long_table, spelled
from evidence.workshop import MEASURED, SIGNED, DiskFullError, place, sweep, workshop
from ledger.signer import sign_now
from tenants.audit import audit
from tenants.kinds import Actor, Role, WorkState
from tenants.models import AuditEntry, Tenant, Work
from tenants.scope import tenant_scope
from tenants.work import Silent, run_work, take_up_again
from tests import make
from tests.database import ROOT, FreshDatabase

BAD_NAMES = ("\u202eeiraM", "\U0001f4a9 \U0001f469\u200d\U0001f4bb", "=HYPERLINK(1)", "x" * 4_000, 'a,"b"\n', "")


def test_a_pack_whose_worker_was_killed_is_built_once(fresh_database: FreshDatabase, signer_folder: Path) -> None:
    bpo, carla = make.tenant("northwind"), make.user("carla")
    make.member(carla, bpo, Role.OFFICER)
    now = timezone.now()
    with tenant_scope(bpo):
        asked = PackRequest(Period(now - timedelta(days=30), now), ("gdpr",), "Axel Brandt")
        pack = request_pack(tenant=bpo, asked=asked, by=make.actor(carla, bpo))
    command = [sys.executable, "-m", "tests.evidence.dying", str(pack.work_id), str(bpo.pk)]
    environment = {**fresh_database.environment, "COUNTERSIGN_SIGNER": str(signer_folder)}
    ended = subprocess.run(command, env=environment, cwd=ROOT, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    (left,) = [path for path in place().iterdir() if path.name.startswith(str(pack.uuid))]
    sweep()
    assert {path.name for path in left.iterdir()} == {MEASURED, SIGNED}, "what is used again, and nothing else"
    size = 1 + sign_now(bpo.uuid).size
    with tenant_scope(bpo):
        audit("campaign.look", by=make.actor(carla, bpo), target="The ledger grows meanwhile.")
        assert Work.objects.get().message == "Printing the report"
    assert take_up_again(bpo) == 0, "a worker that showed life just now is not taken for dead"
    with tenant_scope(bpo):
        Work.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))
    assert (take_up_again(bpo), take_up_again(bpo)) == (1, 0)
    assert run_work(pack.work_id or 0, bpo.pk) == WorkState.DONE
    with tenant_scope(bpo):
        pack.refresh_from_db()
        entries = AuditEntry.objects.filter(verb__in=("control.compute", "pack.begin", "pack.draft"))
        assert sorted(entries.values_list("verb", flat=True)) == ["control.compute", "pack.begin", "pack.draft"]
        assert (pack.state, pack.run) == ("draft", ControlRun.objects.get()), "it was measured once"
        assert size > (pack.ledger_size or 0) > ControlRun.objects.get().ledger_size, "under the checkpoint signed then"
    assert not any(folder.name.startswith(str(pack.uuid)) for folder in place().iterdir())


def test_records_are_read_in_one_state_of_the_database(fresh_database: FreshDatabase) -> None:
    bpo = make.tenant("northwind")
    by = Actor.system("tests", bpo.pk)

    def commit() -> None:
        with tenant_scope(bpo):
            audit("test.deed", by=by)
        connection.close()

    with one_picture(), tenant_scope(bpo):
        before = AuditEntry.objects.count()
        (meanwhile := threading.Thread(target=commit)).start()
        meanwhile.join()
        assert AuditEntry.objects.count() == before, "a record whose deed was not yet seen would stand without a proof"
        with pytest.raises(InternalError, match="read-only"), transaction.atomic():
            audit("test.deed", by=by)
    with tenant_scope(bpo):
        assert AuditEntry.objects.count() == before + 1


@pytest.mark.django_db
def test_a_full_disk_is_said_and_keeps_nothing(bpo: Tenant, pack: Callable[..., EvidencePack]) -> None:
    asked = pack(("gdpr",))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(DiskFullError, match="is full: nothing of the pack was kept"):
            build_pack(bpo, asked.pk, Silent())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with tenant_scope(bpo):
        asked.refresh_from_db()
        assert (asked.state, "Make room there" in asked.error) == ("failed", True)
        assert not PackFile.objects.exists()
    assert not any(folder.name.startswith(str(asked.uuid)) for folder in place().iterdir())


def test_what_a_killed_worker_left_is_found_under_its_name_for_a_day(tmp_path: Path, settings: Settings) -> None:
    settings.COUNTERSIGN_DATA = tmp_path
    left = place() / "killed-1"
    for days, stays in ((0, True), (2, False)):
        left.mkdir()
        (left / SIGNED).write_text("{}")
        (left / "report.pdf").write_bytes(b"%PDF")
        os.utime(left / SIGNED, (time.time() - days * 86_400,) * 2)
        sweep()
        assert (left.exists(), (left / SIGNED).exists(), (left / "report.pdf").exists()) == (stays, stays, False)
        with workshop("killed") as folder:
            assert (folder == left, (folder / SIGNED).exists()) == (stays, stays)
            with workshop("killed") as second:
                assert second != folder, "somebody works in it"
        assert not left.exists()


def test_a_long_table_is_the_same_file(tmp_path: Path) -> None:
    rows = [[n, name, n % 2 == 0] for n, name in enumerate(BAD_NAMES * 400)]
    long = long_table("people", "People", ("n", "name", "even"), iter(rows), tmp_path / "people.csv")
    short = from_rows("people", "People", ("n", "name", "even"), rows)
    assert (long.count, len(long.rows), long.kept and long.kept.size) == (2_400, 2_000, len(csv_bytes(short)))
    assert (tmp_path / "people.csv").read_bytes() == csv_bytes(short)
    assert csv_file(long).line_digests == csv_file(short).line_digests
    assert list(spelled(long)) == list(spelled(short))
    assert "'=HYPERLINK(1)" in {row[1] for row in spelled(long)}
