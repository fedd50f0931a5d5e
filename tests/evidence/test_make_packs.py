"""Making a pack where things go wrong: the worker is killed, the disk is full."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from evidence.actions import PackRequest, request_pack
from evidence.building import build_pack
from evidence.kinds import Period
from evidence.models import EvidencePack, PackFile
from evidence.tables import csv_bytes, csv_file, from_rows, long_table, spelled
from evidence.workshop import DiskFullError, place
from tenants.kinds import Role, WorkState
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
    assert sum(path.name.startswith(str(pack.uuid)) for path in place().iterdir()) == 1, "what it left behind"
    assert take_up_again(bpo) == 0, "a worker that showed life just now is not taken for dead"
    with tenant_scope(bpo):
        Work.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))
    assert (take_up_again(bpo), take_up_again(bpo)) == (1, 0)
    assert run_work(pack.work_id or 0, bpo.pk) == WorkState.DONE
    with tenant_scope(bpo):
        pack.refresh_from_db()
        assert (pack.state, AuditEntry.objects.filter(verb="pack.draft").count()) == ("draft", 1)
    assert not any(folder.name.startswith(str(pack.uuid)) for folder in place().iterdir())


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


def test_a_long_table_is_the_same_file(tmp_path: Path) -> None:
    rows = [[n, name, n % 2 == 0] for n, name in enumerate(BAD_NAMES * 400)]
    long = long_table("people", "People", ("n", "name", "even"), iter(rows), tmp_path / "people.csv")
    short = from_rows("people", "People", ("n", "name", "even"), rows)
    assert (long.count, len(long.rows), long.kept and long.kept.size) == (2_400, 2_000, len(csv_bytes(short)))
    assert (tmp_path / "people.csv").read_bytes() == csv_bytes(short)
    assert csv_file(long).line_digests == csv_file(short).line_digests
    assert list(spelled(long)) == list(spelled(short))
    assert "'=HYPERLINK(1)" in {row[1] for row in spelled(long)}
