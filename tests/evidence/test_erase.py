"""Erasure under GDPR Art. 17: two officers' deed takes what events say, proofs stay, and no restore brings it back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django import Settings

from evidence.actions import PackRequest, request_pack
from evidence.building import build_pack
from evidence.erasures.actions import answer_erasure, ask_to_erase
from evidence.erasures.kinds import ErasureScope, Found, Grounds
from evidence.erasures.listed import folder_of
from evidence.erasures.queries import found_for, subject_key
from evidence.findings import FailureClass, LogReport
from evidence.kinds import Period
from evidence.metrics.frame import Frame
from evidence.models import FileStage
from evidence.omissions import erased_lines
from evidence.packkey import pack_signer
from evidence.packtypes import PackKind
from evidence.records import gather
from evidence.storedpacks import stored_zip
from evidence.verification import verify_tenant
from evidence.verifier.check import Pack
from evidence.verifier.told import lines_of
from ledger.kinds import LeafKind
from ledger.queries import head
from logs.actions import HoldFacts, lift_legal_hold, set_legal_hold
from logs.models import AccessEvent, Erasure, HoldKind, LastUse, LegalHold, QuarantinedLine, SourceHour, UsageDay
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission, Refused, Role
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.chromium import CHROMIUM
from tests.database import FreshDatabase, copy, drop_as_administrator
from tests.evidence.insider import resigned
from tests.evidence.test_verify import files_of
from tests.evidence.test_verify_in_a_browser import by_page, opened_page
from tests.logs.past import add_source, deliver, make_month, moment_in, months_ago
from tests.logs.test_read_again import a_source, again

LATELY = months_ago(1)
GROUNDS = Grounds("The person left and asked for it.", "Art. 17(1)(a) GDPR, request 2026-14")


class World:
    """A committed tenant with two officers, and events of two people."""

    def __init__(self, fresh: FreshDatabase) -> None:
        self.fresh = fresh
        self.bpo = make.tenant("northwind", time_zone="UTC")
        make_month(fresh, LATELY)
        self.source = add_source(self.bpo)
        deliver(self.source, LATELY, who="bob", login=3)
        deliver(self.source, LATELY, who="mallory", login=2, app=1, unreadable=1)
        self.people = {name: make.user(name) for name in ("carla", "olaf")}
        for person in self.people.values():
            make.member(person, self.bpo, Role.OFFICER)

    def by(self, name: str) -> Actor:
        """Return an officer."""
        return make.actor(self.people[name], self.bpo)

    def scope(self, subject: str = "mallory") -> ErasureScope:
        """Return a scope over the month."""
        at = moment_in(LATELY)
        with tenant_scope(self.bpo):
            return ErasureScope(subject_key(subject), at - timedelta(days=1), at + timedelta(days=1))

    def found(self) -> Found:
        """Look at what would go."""
        with tenant_scope(self.bpo):
            return found_for(self.scope())

    def ask(self) -> Erasure:
        """Ask for it as Carla."""
        with tenant_scope(self.bpo):
            return ask_to_erase(scope=self.scope(), grounds=GROUNDS, by=self.by("carla"))

    def answer(self, erasure: Erasure, name: str, *, confirm: bool = True) -> None:
        """Answer for it."""
        with tenant_scope(self.bpo):
            answer_erasure(erasure=erasure, confirm=confirm, note="", by=self.by(name))

    def hold(self) -> LegalHold:
        """Hold everything of the source."""
        with tenant_scope(self.bpo):
            facts = HoldFacts(HoldKind.SOURCE, "Case 7/26.", source=self.source)
            return set_legal_hold(facts=facts, by=self.by("olaf"))

    def lift(self, hold: LegalHold) -> None:
        """Lift a hold."""
        with tenant_scope(self.bpo):
            lift_legal_hold(hold=hold, reason="Case 7/26 is closed.", by=self.by("olaf"))

    def retain(self) -> str:
        """Run the program that removes; return what it says."""
        out = StringIO()
        call_command("retain", stdout=out)
        return out.getvalue()

    def names(self) -> list[str]:
        """Return whose events are stored."""
        with tenant_scope(self.bpo):
            return sorted(AccessEvent.sealed.values_list("actor_key", flat=True))

    def checkpoint(self) -> tuple[int, datetime]:
        """Return the size of the log, and when it had it."""
        with tenant_scope(self.bpo):
            return head(self.bpo.uuid).size, timezone.now()

    def verify(self) -> LogReport:
        """Verify the log."""
        return verify_tenant(self.bpo)

    def tamper(self, statement: str) -> None:
        """Run a statement as the owner of the tables."""
        with self.fresh.connect("owner", autocommit=False) as owner:
            owner.execute(f"SET LOCAL app.tenant = '{self.bpo.pk}'; SET LOCAL app.log = '{self.bpo.uuid}'")
            owner.execute(statement)  # type: ignore[call-overload]  # not a literal

    def copy(self, source: str, target: str) -> None:
        """Make a database as a copy of another, in whose place it comes: a backup, or the restore of one."""
        connections.close_all()
        drop_as_administrator(target)
        copy(source, target)


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world, whose list of erasures lies in a folder of its own."""
    settings.COUNTERSIGN_SIGNER, settings.COUNTERSIGN_ERASURES = tmp_path / "signer", tmp_path / "erasures"
    yield World(fresh_database)
    connection.close()
    connections["retention"].close()
    drop_as_administrator(f"{fresh_database.name}_backup")


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium: install it, or name it in CHROMIUM.")
def test_two_officers_erase_and_what_is_left_still_proves(world: World, chromium: Browser, tmp_path: Path) -> None:
    sees_a_second_person_is_needed_and_a_hold_keeps(world)
    key = events_of(world, "mallory")[0]
    confirmed = world.checkpoint()
    assert "3 records are erased" in world.retain()
    assert world.names() == ["bob"] * 3
    sees_that_nothing_shows_the_person(world, key)
    report = world.verify()
    assert report.holds, report.findings.shown
    assert (report.erased, [(seen.announced, seen.leaves) for seen in report.erasures]) == (3, [(3, 3)])
    sees_that_it_still_waited(world, *confirmed)
    data = sees_that_a_pack_says_it_and_holds(world)
    with opened_page(chromium, tmp_path) as page:
        said = by_page(page, data, "")
    assert any(line.startswith(f"erased: 3 records of the period, under {GROUNDS.legal_ref}, by") for line in said), (
        said
    )


def test_records_in_quarantine_that_hold_the_name_are_said_and_stay(world: World) -> None:
    assert not [said for said in world.found().against if "quarantine" in said]
    deliver(world.source, LATELY, unreadable=2, words="no log-in for MALLORY from 198.51.100.7")
    with tenant_scope(world.bpo):
        found = [found_for(world.scope(who)) for who in ("mallory", "198.51.100.7", "bob")]
    said = [[line for line in one.against if "quarantine" in line] for one in found]
    assert [len(lines) for lines in said] == [1, 1, 0]
    assert said[0] == said[1]
    assert said[0][0].startswith("2 records in quarantine may be about the same")
    assert "mallory" not in said[0][0].lower(), "what is sealed names nobody"


def events_of(world: World, who: str) -> list[str]:
    """Return the names in addresses of somebody's events."""
    with tenant_scope(world.bpo):
        return [event.key for event in AccessEvent.objects.filter(actor_key=who)]


def sees_a_second_person_is_needed_and_a_hold_keeps(world: World) -> None:
    """Ask and answer in every wrong way, then in the right one."""
    found = world.found()
    assert (found.accesses, found.held, found.cited) == (3, 0, 0)
    assert "within their retention term: 2 of system log-in, kept 36 months (the default); 1 of" in found.against[0]
    hold = world.hold()
    with pytest.raises(Refused, match="legal hold keeps all"):
        world.ask()
    world.lift(hold)
    erasure = world.ask()
    with pytest.raises(Refused, match="another officer"):
        world.answer(erasure, "carla")
    with world.fresh.connect() as rogue:
        rogue.execute("SELECT set_config('app.tenant', %s, false)", [str(world.bpo.pk)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            rogue.execute(
                "UPDATE logs_erasure SET answer = 'confirmed', answered_by = 'x', answerer_user = asker_user + 1000,"
                " answered_at = statement_timestamp(), batch_id = gen_random_uuid()"
            )
    assert "erased" not in world.retain()
    world.answer(erasure, "olaf")
    hold = world.hold()
    sees_that_a_pack_says_what_still_waits(world)
    assert "a hold came in between" in world.retain()
    world.lift(hold)
    assert len(world.names()) == 6


def sees_that_a_pack_says_what_still_waits(world: World) -> None:
    """Gather what a pack made now says: confirmed and in its table, and not carried out."""
    at = moment_in(LATELY)
    for end, records in ((at + timedelta(days=1), 0), (timezone.now() + timedelta(hours=1), 3)):
        frame = Frame(Period(at - timedelta(days=1), end, "UTC"), {}, world.bpo.pk, world.bpo.uuid, timezone.now())
        with tenant_scope(world.bpo):
            size = head(world.bpo.uuid).size
            said = erased_lines(gather(frame, size, wanted=frozenset({"erasures"})))
            assert not erased_lines(gather(frame, size - 2, wanted=frozenset({"erasures"}))), "confirmed later"
        assert [line.partition(" under ")[0] for line in said] == [
            f"{records} records of the period are to be erased"
        ] * bool(records)


def sees_that_it_still_waited(world: World, size: int, at: datetime) -> None:
    """Gather what a pack says whose checkpoint was signed before the deed was carried out."""
    period = Period(moment_in(LATELY) - timedelta(days=1), at + timedelta(hours=1), "UTC")
    with tenant_scope(world.bpo):
        records = gather(Frame(period, {}, world.bpo.pk, world.bpo.uuid, at), size, wanted=frozenset({"erasures"}))
    assert [line.partition(" under ")[0] for line in erased_lines(records)] == [
        "3 records of the period are to be erased"
    ]


def sees_that_nothing_shows_the_person(world: World, key: str) -> None:
    """Look where the person was shown: roll-ups, timeline, search, the event's page and the API; and at the deed."""
    with tenant_scope(world.bpo):
        assert {row.actor_key for model in (UsageDay, LastUse) for row in model.objects.all()} == {"bob"}
        assert sum(SourceHour.objects.values_list("events", flat=True)) == 6
        erasure, entry = Erasure.objects.get(), AuditEntry.objects.get(leaf_kind=LeafKind.ERASURE)
        asked = {"scopes": {Permission.EVENT_VIEW}, "user": world.people["carla"], "by": world.by("carla")}
        _row, token = issue_token(name="t", days=1, **asked)
    assert (erasure.subject, erasure.removed, entry.detail["asker"]) == ("", 3, world.people["carla"].pk)
    told = (folder_of(world.bpo.uuid) / f"{erasure.pk}.json").read_text()
    assert "mallory" not in (told + json.dumps(entry.detail) + entry.target).lower()
    client = make.login(world.people["carla"])
    page = client.get(f"/t/northwind/events/{key}/")
    assert (page.status_code, b"request 2026-14" in page.content) == (410, True)
    assert b"mallory" not in client.get("/t/northwind/search/?q=&window=90d").content
    days = {"first_day": LATELY, "last_day": timezone.localdate()}
    shown = client.get("/t/northwind/erasures/", {"subject": "bob", **days})
    assert (shown.context["found"].accesses, b"request 2026-14" in shown.content) == (3, True)
    answer = client.get(f"/api/v1/t/northwind/events/{key}/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 410, answer.content


def sees_that_a_pack_says_it_and_holds(world: World) -> bytes:
    """Build a pack up to now: its first pages, sheets and verifier say what was erased, and it holds.

    Returns the pack's bytes.
    """
    at = moment_in(LATELY)
    period = Period(at - timedelta(days=1), timezone.now() + timedelta(hours=1), "UTC")
    with tenant_scope(world.bpo):
        asked = PackRequest(period, ("gdpr",), "Axel", kind=PackKind.LOG_REVIEW)
        pack = request_pack(tenant=world.bpo, asked=asked, by=world.by("carla"), queue=False)
    pack = build_pack(world.bpo, pack.pk, Silent())
    with tenant_scope(world.bpo):
        data, _digest = stored_zip(pack.pk, FileStage.DRAFT)
    with data:
        told = Pack(data)
        assert told.check() == []
        (row,) = told.table("erasures")
        assert (row["records"], row["count"], row["legal_ref"]) == ("3", "3", GROUNDS.legal_ref)
        line = f"erased    3 records of the period, under {GROUNDS.legal_ref}, by ledger entry {row['ledger_index']}"
        assert line in lines_of(told)
        (left_out,) = [line for line in told.manifest["omissions"] if "erased under" in line]
        assert f"at ledger entry {row['ledger_index']}" in left_out
        sheets = {(one["table"], one["label"]): one["value"] for one in told.table("information_sheets")}
        assert "3 records of the period" in sheets["retention", "Erased under GDPR Art. 17"]
        data.seek(0)
        whole = data.read()
    withheld = {"tables/erasures.csv": files_of(whole)["tables/erasures.csv"].split(b"\n")[0] + b"\n"}
    hidden = Pack(resigned(whole, pack_signer(world.bpo.uuid), withheld)).check()
    assert any("erasure.confirm" in what and "a row was withheld" in what for _where, what in hidden), hidden
    return whole


def test_what_goes_without_a_deed_or_comes_back_is_found_and_a_restore_erases_again(world: World) -> None:
    world.copy(world.fresh.name, f"{world.fresh.name}_backup")
    world.answer(world.ask(), "olaf")
    world.tamper("UPDATE logs_accessevent SET salts = NULL WHERE actor_key = 'bob' AND ord = 0")
    world.tamper("DELETE FROM logs_accessevent WHERE actor_key = 'mallory' AND ord = 0")
    report = world.verify()
    assert report.findings.counts == {FailureClass.CONTENT_CHANGED: 1, FailureClass.LEAF_MISSING: 1}
    assert "2 records are erased" in world.retain()
    world.tamper("UPDATE logs_erasure SET reason = 'Somebody else wrote this.'")
    assert world.verify().findings.counts == {FailureClass.CONTENT_CHANGED: 2, FailureClass.LEAF_MISSING: 3}

    goes_back_to_the_backup(world)
    (listed,) = folder_of(world.bpo.uuid).iterdir()
    whole = listed.read_text()
    listed.write_text(whole.replace(json.loads(whole)["leaves"][0][0], "00000000-0000-4000-8000-000000000001"))
    with pytest.raises(CommandError, match="names other leaves"):
        world.retain()
    listed.write_text(whole)
    assert "3 records that the deed" in world.retain()
    assert world.names() == ["bob"] * 3
    report = world.verify()
    assert (report.holds, report.erased) == (True, 3), report.findings.shown
    assert "are stored again" not in world.retain()


def test_every_reading_of_a_record_goes_and_what_lay_in_quarantine(world: World) -> None:
    by = Actor.system("tests", world.bpo.pk)
    a_source(world.bpo, by)
    again(world.bpo, by)
    for name in ("ana", "cy"):
        with tenant_scope(world.bpo):
            scope = replace(
                world.scope(name), since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC)
            )
            found = found_for(scope)
            assert (found.accesses, found.older, found.cited) == (1, int(name == "ana"), 0)
            erasure = ask_to_erase(scope=scope, grounds=GROUNDS, by=world.by("carla"))
        world.answer(erasure, "olaf")
    world.retain()
    report = world.verify()
    assert (report.holds, report.erased) == (True, 3), report.findings.shown
    with tenant_scope(world.bpo):
        names = set(AccessEvent.sealed.values_list("actor_name", flat=True))
        assert (names & {"Ana", "Cy"}, {"Bo", "desk"} <= names) == (set(), True)
        assert not QuarantinedLine.objects.filter(raw__contains=b"Cy").exists()
    world.tamper("UPDATE logs_quarantinedline SET raw = ''")
    assert world.verify().findings.counts == {FailureClass.CONTENT_CHANGED: 1}


def goes_back_to_the_backup(world: World) -> None:
    """Restore the database from before the deed, which it forgot, and open an epoch."""
    world.copy(f"{world.fresh.name}_backup", world.fresh.name)
    assert len(world.names()) == 6
    arguments = ("--reason", "The disk failed; the backup is of Monday.", "--approved-by", "Carla")
    call_command("ledger_epoch", "--tenant", "northwind", *arguments, stdout=StringIO())
    assert world.verify().findings.counts == {FailureClass.ERASED_STORED: 1}
