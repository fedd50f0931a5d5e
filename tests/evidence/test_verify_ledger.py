"""The full verification: what is whole holds, and each planted fault is found as exactly its own class."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from psycopg import Connection
from pytest_django import Settings

from evidence.actions import request_verification
from evidence.findings import FailureClass, LogReport
from evidence.verification import verify_as_work, verify_tenant
from ledger.signer import sign_now
from logs.actions import record_events
from logs.models import LogSource
from tenants.audit import audit
from tenants.kinds import Actor, Cancelled
from tenants.models import AuditEntry, Tenant, Work
from tenants.scope import tenant_scope
from tenants.work import run_work
from tests import database, make
from tests.database import FreshDatabase
from tests.evidence.faults import EVENT_GONE, EVENT_RENAMED, FAULTS, REMOVES
from tests.logs.sources import SSHD_OK, failures, lines, source


class World:
    """A committed tenant with events, deeds and a signed checkpoint, and the owner's hand on its rows."""

    def __init__(self, fresh: FreshDatabase) -> None:
        self.fresh = fresh
        self.tenant = make.tenant("northwind")
        with tenant_scope(self.tenant):
            self.source = source()
        self.deliver(lines(SSHD_OK, *failures(400), b"cannot be read \xff\xfe"))
        self.deliver(lines(*failures(100, 1000)))
        for number in range(3):
            with tenant_scope(self.tenant):
                for _ in range(3):
                    audit("test.deed", by=Actor.system("tests", self.tenant.pk), detail={"number": number, "ß": "é"})
        sign_now(self.tenant.uuid)

    def deliver(self, body: bytes) -> None:
        """Record a body as its source would deliver it."""
        with tenant_scope(self.tenant):
            origin = LogSource.objects.get(pk=self.source.pk)
            record_events(source=origin, body=body, door="http", by=Actor.system("tests", self.tenant.pk))

    def tamper(self, statement: str, rows: int = 1) -> None:
        """Run a statement as the owner of the tables, who is stopped by no grant."""
        with self.fresh.connect("owner", autocommit=False) as owner:
            self.enter(owner)
            changed = owner.execute(statement)
            assert changed.rowcount == rows, f"{statement} changed {changed.rowcount} rows"

    def enter(self, owner: Connection[tuple[object, ...]]) -> None:
        """Open the tenant's scope for the owner too: row security is forced."""
        scope = f"SET LOCAL app.tenant = '{self.tenant.pk}'; SET LOCAL app.log = '{self.tenant.uuid}'"
        owner.execute(scope)

    def verify(self) -> LogReport:
        """Verify, and close what was opened."""
        return verify_tenant(self.tenant)


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield World(fresh_database)
    connection.close()


def test_what_is_whole_holds(world: World) -> None:
    report = world.verify()
    assert report.findings.shown == []
    assert report.holds
    assert (report.events, report.deliveries) == (501, 2)
    assert report.deeds > 9
    assert report.size == report.signed_size == 501 + 2 + report.deeds
    assert report.key_from == "the signer's files"
    assert json.dumps(report.as_json())


def test_each_planted_fault_is_found_as_its_own_class(world: World) -> None:
    """As the owner of the tables, in one transaction that is rolled back for each fault."""
    database.use_role("owner", world.fresh.name)
    found: dict[str, set[FailureClass]] = {}
    for statements in FAULTS.values():
        for statement in statements:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL app.tenant = '{world.tenant.pk}'; SET LOCAL app.log = '{world.tenant.uuid}'")
                cursor.execute(statement)
                assert cursor.rowcount == REMOVES.get(statement, 1), statement
                found[statement] = set(world.verify().findings.counts)
                transaction.set_rollback(True)
    assert found == {statement: {failure} for failure, statements in FAULTS.items() for statement in statements}
    assert world.verify().holds


def test_a_rolled_back_log_is_found(world: World) -> None:
    """As after a restore of an older backup: everything in the database fits, the signer remembers more."""
    before = world.verify().size
    with world.fresh.connect("owner", autocommit=False) as owner:
        world.enter(owner)
        saved = owner.execute("SELECT size, root FROM ledger_head").fetchone()
        edge = owner.execute("SELECT level, n, hashes FROM ledger_partialtile").fetchall()
    assert saved is not None
    world.deliver(lines(*failures(3, 5000)))
    sign_now(world.tenant.uuid)
    with world.fresh.connect("owner", autocommit=False) as owner:
        world.enter(owner)
        owner.execute("UPDATE ledger_head SET size = %s, root = %s", saved)
        for level, n, hashes in edge:
            owner.execute("UPDATE ledger_partialtile SET n = %s, hashes = %s WHERE level = %s", [n, hashes, level])
        owner.execute("DELETE FROM ledger_batch WHERE first_index >= %s", [before])
        owner.execute("DELETE FROM ledger_checkpoint WHERE size > %s", [before])
        owner.execute(
            "DELETE FROM logs_accessevent e WHERE NOT EXISTS (SELECT FROM ledger_batch b WHERE b.id = e.batch_id)"
        )
        owner.execute("DELETE FROM logs_delivery d WHERE NOT EXISTS (SELECT FROM ledger_batch b WHERE b.id = d.id)")
    report = world.verify()
    assert set(report.findings.counts) == {FailureClass.LOG_ROLLED_BACK}, report.findings.shown


def test_a_removed_checkpoint_is_found_from_the_signers_record(world: World, settings: Settings) -> None:
    world.tamper("DELETE FROM ledger_checkpoint")
    state = settings.COUNTERSIGN_SIGNER / f"{world.tenant.uuid}-1.json"
    stored = json.loads(state.read_text(encoding="utf-8"))
    stored["signed_at"] = (timezone.now() - timedelta(hours=1)).isoformat()
    state.write_text(json.dumps(stored), encoding="utf-8")
    assert FailureClass.SIGNATURE_INVALID in world.verify().findings.counts
    state.write_text("{}", encoding="utf-8")
    assert FailureClass.SIGNATURE_INVALID in world.verify().findings.counts


def test_leaves_that_wait_too_long_are_found(world: World, settings: Settings, tmp_path: Path) -> None:
    """Signed leaves may be old, new ones may be unsigned; old and unsigned is a failure."""
    older = "UPDATE ledger_batch SET received_at = received_at - interval '11 minutes' WHERE first_index = 0"
    world.tamper(older)
    assert world.verify().holds
    world.tamper("DELETE FROM ledger_checkpoint")
    settings.COUNTERSIGN_SIGNER = tmp_path / "another"
    assert set(world.verify().findings.counts) == {FailureClass.UNSIGNED_TOO_LONG}


def test_silence_without_a_heartbeat_is_counted_and_no_failure(world: World) -> None:
    assert world.verify().silences == 0
    world.tamper("UPDATE ledger_batch SET received_at = received_at - interval '3 hours' WHERE first_index = 0")
    report = world.verify()
    assert (report.holds, report.silences) == (True, 1)
    assert 10_800 < report.longest_silence < 10_900
    assert report.as_json()["longest_silence_minutes"] == 180


def test_without_the_signers_files_the_weaker_key_is_named(world: World, settings: Settings, tmp_path: Path) -> None:
    settings.COUNTERSIGN_SIGNER = tmp_path / "another"
    report = world.verify()
    assert (report.holds, report.key_from) == (True, "the database")
    assert not settings.COUNTERSIGN_SIGNER.exists(), "verification makes no key"


def test_it_can_be_cancelled_and_shows_its_progress(world: World) -> None:
    class Impatient:
        def step(self, done: int, total: int, message: str = "") -> None:
            seen.append((done, total, message))
            if done:
                raise Cancelled

    seen: list[tuple[int, int, str]] = []
    with pytest.raises(Cancelled):
        verify_as_work(Impatient(), world.tenant)
    assert seen[0][2] == "Checking the tree"
    assert seen[-1][0] <= seen[-1][1]


def test_the_worker_verifies_and_keeps_the_report(world: World) -> None:
    with tenant_scope(world.tenant):
        work = request_verification(by=Actor.system("tests", world.tenant.pk))
    assert run_work(work.pk, world.tenant.pk) == "done"
    with tenant_scope(world.tenant):
        done = Work.objects.get(pk=work.pk)
        assert done.result["holds"] is True
        assert done.done == done.total > 500
        assert AuditEntry.objects.get(verb="ledger.verified").detail["failures"] == {}
    assert world.verify().holds


def test_the_command_ends_with_an_error_when_something_failed(world: World, tmp_path: Path) -> None:
    out, report = StringIO(), tmp_path / "report.json"
    call_command("verify_ledger", "--quiet", f"--json={report}", stdout=out)
    assert "Everything holds" in out.getvalue()
    world.tamper(EVENT_RENAMED)
    with pytest.raises(CommandError, match="failed for northwind"):
        call_command("verify_ledger", "--quiet", f"--json={report}", stdout=out)
    assert "FAILED projection differs: 1." in out.getvalue()
    (stored,) = json.loads(report.read_text(encoding="utf-8"))
    assert stored["failures"] == {"projection differs": 1}
    with pytest.raises(CommandError, match="no tenant nobody"):
        call_command("verify_ledger", "--tenant=nobody")


@pytest.mark.slow
def test_the_command_reads_as_the_readonly_role(world: World, settings: Settings) -> None:
    environment = {**world.fresh.environment, "COUNTERSIGN_SIGNER": str(settings.COUNTERSIGN_SIGNER)}
    command = [sys.executable, "manage.py", "verify_ledger", "--tenant", "northwind"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "key from the signer's files" in done.stdout
    assert "hashed again" in done.stdout
    code = "import django; django.setup(); from django.db import connections; c = connections['readonly'].cursor(); "
    code += "c.execute('SELECT current_user'); print(c.fetchone()[0])"
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "countersign_readonly"


def test_tenants_are_verified_apart(world: World, settings: Settings) -> None:
    other: Tenant = make.tenant("harbour")
    sign_now(other.uuid)
    world.tamper(EVENT_GONE)
    assert verify_tenant(other).holds
    assert not world.verify().holds
