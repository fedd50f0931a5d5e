"""Retention: what is past its term goes in the ledger's order, what is held stays, and a killed run is finished."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from evidence.catalogue import load
from evidence.findings import FailureClass, LogReport
from evidence.kinds import Period
from evidence.management.commands.retain import settle
from evidence.metrics.frame import Frame
from evidence.metrics.retention import measure
from evidence.records import gather
from evidence.verification import verify_tenant
from ledger.kinds import LeafKind
from ledger.queries import batch, latest_checkpoint
from logs.actions import HoldFacts, lift_legal_hold, set_legal_hold, set_retention_term
from logs.kinds import LogType
from logs.leafsets import unpack
from logs.models import (
    AccessEvent,
    HoldKind,
    LastUse,
    LegalHold,
    LogSource,
    QuarantinedLine,
    RetentionPrune,
    SourceHour,
    TypeDay,
    UsageDay,
    event_key,
)
from logs.partitions import partition_name
from logs.queries.retention import terms_in_force
from logs.retaining import NotSettledError, Outcome, retain
from logs.retentionrole import RUN_LOCK, alone
from logs.terms import DEFAULTS
from tenants.kinds import Actor, Role
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests import database, make
from tests.database import FreshDatabase
from tests.logs.past import UNREADABLE, add_source, deliver, has_month, make_month, moment_in, months_ago

LONG_AGO, YEAR_AGO, LATELY = months_ago(40), months_ago(14), months_ago(1)


class World:
    """Two committed tenants with events of 40, 14 and one month ago."""

    def __init__(self, fresh: FreshDatabase) -> None:
        self.fresh = fresh
        self.bpo = make.tenant("northwind")
        self.acme = make.tenant("acme", parent=self.bpo)
        for month in (LONG_AGO, YEAR_AGO, LATELY):
            make_month(fresh, month)
        self.source = add_source(self.bpo)
        deliver(self.source, LONG_AGO, login=2, app=1, unreadable=1)
        deliver(self.source, YEAR_AGO, login=3, app=4, session=2, unreadable=1)
        deliver(self.source, LATELY, login=1, session=1)
        deliver(add_source(self.acme), LONG_AGO, login=1)

    def retain(self, settle_: Callable[[Tenant], object] = settle, tries: int = 1) -> Outcome:
        """Remove what is past its term."""
        return retain([self.acme, self.bpo], settle=settle_, say=lambda _line: None, tries=tries)

    def kinds(self, month: date) -> list[int]:
        """Return the kinds of the BPO's events that were received in the month."""
        with tenant_scope(self.bpo):
            events = AccessEvent.objects.filter(received_at=moment_in(month))
            return sorted(events.values_list("log_type", flat=True))

    def prunes(self) -> list[RetentionPrune]:
        """Return the BPO's removals, oldest month first."""
        with tenant_scope(self.bpo):
            return list(RetentionPrune.objects.order_by("month", "announced_at"))

    def sees_that_it_was_announced_and_signed_first(self) -> None:
        """Hold both removals against what the ledger says and when it was signed."""
        old, new = self.prunes()
        assert [(old.count, old.removed, old.quarantined), (new.count, new.removed, new.quarantined)] == [
            (3, 3, 1),
            (6, 6, 0),
        ]
        with tenant_scope(self.bpo):
            entry = AuditEntry.objects.get(verb="retention.prune", detail__prune=str(new.pk))
            place, signed = batch(self.bpo.uuid, entry.batch_id), latest_checkpoint(self.bpo.uuid)
        assert signed is not None
        assert new.removed_at is not None
        assert signed.signed_at < new.removed_at
        assert (entry.leaf_kind, signed.size > place.first_index) == (LeafKind.PRUNE, True)
        assert entry.detail["events"] == {LogType.APPLICATION.label: 4, LogType.SESSION.label: 2}
        assert len(unpack(bytes(new.places))) == 6

    def sees_that_counts_and_bytes_followed(self) -> None:
        """Look at the counts by name and kind, and at what nobody could read."""
        with tenant_scope(self.bpo):
            for model in (UsageDay, TypeDay):
                left = {(row.day.replace(day=1), row.log_type) for row in model.objects.all()}
                assert left == {(YEAR_AGO, 1), (LATELY, 1), (LATELY, 7)}, model
            assert LastUse.objects.get().last_at > moment_in(YEAR_AGO)
            assert SourceHour.objects.filter(hour__lt=moment_in(YEAR_AGO)).exists()
            raws = QuarantinedLine.objects.order_by("received_at").values_list("raw", "raw_bytes")
            assert [(bytes(raw), size > 0) for raw, size in raws] == [(b"", True), (UNREADABLE.encode(), True)]

    def start_and_kill(self, after: str) -> None:
        """Start the real program, and kill it when it has said what was asked for; nothing can be removed meanwhile."""
        own = {"COUNTERSIGN_SIGNER": str(settings.COUNTERSIGN_SIGNER), "PYTHONUNBUFFERED": "1"}
        command, environment = [sys.executable, "manage.py", "retain"], {**self.fresh.environment, **own}
        with self.fresh.connect("owner", autocommit=False) as holder:
            holder.execute("LOCK TABLE logs_legalhold IN ROW EXCLUSIVE MODE")
            with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=database.ROOT) as it:
                assert it.stdout is not None
                assert any(line.startswith(after) for line in it.stdout)
                it.kill()
        with self.fresh.connect("owner") as next_one:  # its session ends when the server has seen that nobody is there
            next_one.execute("SELECT pg_advisory_lock(%s)", [RUN_LOCK])

    def sees_that_evidence_names_the_entries(self) -> None:
        """Measure retention, and gather what a pack says about a period in which events went."""
        period = Period(moment_in(YEAR_AGO), timezone.now() + timedelta(minutes=5), "UTC")
        with tenant_scope(self.bpo):
            params = {name: parameter.value for name, parameter in load().params.items()}
            frame = Frame(period, params, self.bpo.pk, self.bpo.uuid, timezone.now())
            signed = latest_checkpoint(self.bpo.uuid)
            assert signed is not None
            measured, records = measure(frame).metrics, gather(frame, signed.size)
            entries = list(records.entries)
            before = gather(replace(frame, now=signed.signed_at), signed.size, wanted=frozenset({"removals"}))
        assert (measured["due_not_purged"], measured["purged_early"], measured["holds_broken"]) == (0, 0, 0)
        removals = next(table for table in records.tables if table.name == "removals")
        indexes = [row[removals.columns.index("ledger_index")] for row in removals.rows]
        proved = {entry.index: json.loads(entry.subj or b"")["detail"] for entry in entries}
        named = [(proved[int(index)]["month"], proved[int(index)]["count"]) for index in indexes if index is not None]
        assert named == [(f"{LONG_AGO:%Y-%m}", 3), (f"{YEAR_AGO:%Y-%m}", 6)]
        at = [[row[removals.columns.index("removed_at")] for row in one.rows] for one in (removals, *before.tables)]
        assert (all(at[0]), at[1][-1]) == (True, None), "it was announced under this checkpoint, and removed later"

    def page_of_an_event(self, month: date) -> tuple[int, bytes]:
        """Return the status and what an officer sees at the address of an event that was received in the month."""
        officer, client = make.user("carla"), Client()
        make.member(officer, self.bpo, Role.OFFICER)
        client.force_login(officer)
        page = client.get(f"/t/northwind/events/{event_key(moment_in(month), 1)}/")
        return page.status_code, page.content

    def overdue(self) -> float | None:
        """Return how many events are past their term and were not removed."""
        with tenant_scope(self.bpo):
            now = timezone.now()
            period = Period(now - timedelta(days=30), now, "UTC")
            return measure(Frame(period, {}, self.bpo.pk, self.bpo.uuid, now)).metrics["due_not_purged"]

    def tamper(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run a statement as the owner of the tables."""
        with self.fresh.connect("owner", autocommit=False) as owner:
            owner.execute(f"SET LOCAL app.tenant = '{self.bpo.pk}'; SET LOCAL app.log = '{self.bpo.uuid}'")
            owner.execute(statement, values)  # type: ignore[call-overload]  # not a literal

    def source_named(self, name: str) -> LogSource:
        """Return one source of the BPO."""
        with tenant_scope(self.bpo):
            return LogSource.objects.get(name=name)

    def lift(self, *holds: LegalHold) -> None:
        """Lift holds."""
        with tenant_scope(self.bpo):
            for hold in holds:
                lift_legal_hold(hold=hold, reason="The case is closed.", by=self.officer())

    def verify(self) -> LogReport:
        """Verify the BPO's log."""
        return verify_tenant(self.bpo)

    def officer(self) -> Actor:
        """The portal itself, which may do what an officer may."""
        return Actor.system("tests", self.bpo.pk)

    def hold(self, facts: HoldFacts) -> LegalHold:
        """Set a hold."""
        with tenant_scope(self.bpo):
            return set_legal_hold(facts=facts, by=self.officer())


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield World(fresh_database)
    connection.close()
    connections["retention"].close()


def test_it_removes_in_the_ledgers_order_and_the_ledger_says_what_went(world: World) -> None:
    assert world.overdue() == 9
    outcome = world.retain()
    assert (outcome.faults, outcome.dropped, has_month(LONG_AGO)) == ([], [LONG_AGO], False)
    assert (world.kinds(YEAR_AGO), world.kinds(LATELY)) == ([1, 1, 1], [1, 7])
    world.sees_that_it_was_announced_and_signed_first()
    world.sees_that_counts_and_bytes_followed()
    world.sees_that_evidence_names_the_entries()
    status, page = world.page_of_an_event(LONG_AGO)
    assert (status, b"announced by ledger entry" in page) == (410, True)
    report = world.verify()
    assert report.holds, report.findings.shown
    assert (report.pruned, [seen.leaves for seen in report.prunes]) == (9, [3, 6])
    assert world.retain() == Outcome()

    with tenant_scope(world.bpo):
        set_retention_term(kind=LogType.SYSTEM_LOGIN, months=12, reason="Contract 12.", by=world.officer())
    assert world.retain() == Outcome()
    world.tamper("UPDATE logs_retentionterm SET set_at = set_at - interval '30 days'")
    assert world.retain().dropped == [YEAR_AGO]

    world.tamper("DELETE FROM logs_accessevent WHERE received_at = %s", [moment_in(LATELY)])
    world.tamper("UPDATE logs_quarantinedline SET raw = ''")
    report = world.verify()
    assert report.findings.counts == {FailureClass.LEAF_MISSING: 2, FailureClass.CONTENT_CHANGED: 1}
    assert [seen.leaves for seen in report.prunes] == [3, 6, 3]


class Killed(BaseException):
    """The program ends here, as by a signal: nothing that comes after it runs."""


def dies(_tenant: Tenant) -> None:
    """Die after the announcing entry."""
    raise Killed


def signs_and_dies(tenant: Tenant) -> None:
    """Die after the last checkpoint."""
    settle(tenant)
    if tenant.slug == "northwind":
        raise Killed


def test_whoever_removes_next_need_not_wait_until_the_connection_has_gone(world: World) -> None:
    with world.fresh.connect("retention") as other:
        for _ in range(20):
            with alone():
                pass
            assert other.execute("SELECT pg_try_advisory_lock(%s)", [RUN_LOCK]).fetchone() == (True,)
            other.execute("SELECT pg_advisory_unlock(%s)", [RUN_LOCK])


def test_a_run_that_dies_anywhere_is_finished_by_the_next_and_nothing_is_done_twice(world: World) -> None:
    world.start_and_kill(after="northwind: 6 events")
    for step in (dies, signs_and_dies):
        with pytest.raises(Killed):
            world.retain(step)
        connections["retention"].close()
        assert len(world.kinds(YEAR_AGO)) == 9
    assert world.verify().holds
    with world.fresh.connect("readonly", autocommit=False) as reader:
        reader.execute("SELECT count(*) FROM logs_accessevent")
        outcome = world.retain()
        assert (outcome.dropped, len(outcome.faults), has_month(LONG_AGO)) == ([], 2, True)
    assert world.retain().faults == []
    assert not has_month(LONG_AGO)
    assert [(prune.count, prune.removed) for prune in world.prunes()] == [(3, 3), (6, 6)]
    with tenant_scope(world.bpo):
        assert AuditEntry.objects.filter(verb="retention.prune").count() == 2
    assert world.verify().pruned == 9


def test_nothing_goes_that_is_not_signed_or_is_held(world: World) -> None:
    deliver(world.source, YEAR_AGO, who="mallory", app=2)
    deliver(add_source(world.bpo, "Wiki"), LONG_AGO, who="carol", login=5)
    settle(world.bpo)
    settle(world.acme)
    person = world.hold(HoldFacts(HoldKind.PERSON, "Case 7/26.", person="Mallory"))
    wiki = world.hold(HoldFacts(HoldKind.SOURCE, "Case 8/26.", source=world.source_named("Wiki")))
    assert world.retain(no_mail).faults == ["acme: nothing was removed: no.", "northwind: nothing was removed: no."]
    world.retain(lambda _tenant: None)
    assert (len(world.kinds(YEAR_AGO)), len(world.kinds(LONG_AGO))) == (11, 8)
    assert [prune.removed_at for prune in world.prunes()] == [None, None]

    world.retain()
    assert (world.kinds(YEAR_AGO), world.kinds(LONG_AGO)) == ([1, 1, 1, 2, 2], [1] * 5)
    world.lift(person, wiki)
    everything = []

    def held_meanwhile(tenant: Tenant) -> None:
        settle(tenant)
        everything.append(world.hold(HoldFacts(HoldKind.TENANT, "A regulator asked for it.")))

    world.retain(held_meanwhile)
    assert (world.kinds(YEAR_AGO), world.kinds(LONG_AGO)) == ([1, 1, 1, 2, 2], [1] * 5)
    world.lift(*everything)
    world.retain()
    assert (world.kinds(YEAR_AGO), has_month(LONG_AGO)) == ([1, 1, 1], False)
    report = world.verify()
    assert (report.holds, report.pruned) == (True, 16), report.findings.shown


def no_mail(_tenant: Tenant) -> None:
    """Fail to hand the checkpoint over."""
    raise NotSettledError("no.")


STATEMENTS = (
    "DELETE FROM logs_accessevent",
    "TRUNCATE logs_accessevent",
    f"TRUNCATE {partition_name(months_ago(0))}",
    f"DROP TABLE {partition_name(months_ago(0))}",
    f"ALTER TABLE logs_accessevent DETACH PARTITION {partition_name(months_ago(0))}",
    "UPDATE logs_retentionprune SET removed_at = now()",
    "DELETE FROM logs_legalhold",
    "INSERT INTO logs_retentionterm (tenant_id, log_type, months, reason, set_by, set_at) "
    "VALUES (0, 1, 12, 'x', 'x', now() - interval '40 days')",
    "INSERT INTO logs_legalhold (tenant_id, kind, what, actor_keys, reason, set_by, set_at, lifted_by, lift_reason) "
    "VALUES (0, 'tenant', 'x', '{}', 'x', 'x', now() - interval '40 days', '', '')",
)

CALLS = ("SELECT retention_remove(gen_random_uuid())", "SELECT retention_drop(now()::date)")


@pytest.mark.django_db
def test_no_role_removes_by_itself_or_sets_a_term_in_the_past() -> None:
    refused = 0
    for role in ("app", "intake", "readonly", "retention"):
        calls = (
            ()
            if role == "retention"
            else ("SELECT retention_remove(gen_random_uuid())", "SELECT retention_drop(now()::date)")
        )
        for statement in (*STATEMENTS, *calls):
            with database.connect(role, connection.settings_dict["NAME"], autocommit=False) as rogue:
                rogue.execute("SET LOCAL app.tenant = '0'; SET LOCAL app.log = ''")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    rogue.execute(statement)
                refused += 1
    assert refused == 4 * len(STATEMENTS) + 6


def in_force(tenant: Tenant, kind: LogType) -> int:
    """Return the term of one kind of log as the database applies it."""
    with tenant_scope(tenant):
        return terms_in_force()[kind]


@pytest.mark.django_db
def test_a_longer_term_holds_at_once_and_a_shorter_one_in_30_days(bpo: Tenant) -> None:
    by = Actor.system("tests", bpo.pk)
    assert in_force(bpo, LogType.SYSTEM_LOGIN) == 36 == DEFAULTS[LogType.SYSTEM_LOGIN]
    with tenant_scope(bpo):
        set_retention_term(kind=LogType.SYSTEM_LOGIN, months=18, reason="Contract 12.", by=by)
        set_retention_term(kind=LogType.APPLICATION, months=24, reason="Contract 12.", by=by)
        for months in (11, 37):
            with pytest.raises(ValidationError, match="between 12 and 36 months"):
                set_retention_term(kind=LogType.DATABASE, months=months, reason="Contract 12.", by=by)
    assert (in_force(bpo, LogType.SYSTEM_LOGIN), in_force(bpo, LogType.APPLICATION)) == (36, 24)
