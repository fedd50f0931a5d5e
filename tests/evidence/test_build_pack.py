"""A pack from request to issue on real records: sealed, verifiable, repeatable, cancellable, closed to strangers."""

import json
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, OperationalError, transaction
from django.utils.module_loading import import_string
from psycopg.errors import DiskFull
from pypdf import PdfReader

from evidence.actions import Computed, begin_pack, compute_controls, download_pack, request_evaluation
from evidence.begun import Known
from evidence.building import Room, assemble, build_pack
from evidence.catalogue import load
from evidence.jobs import evaluate_lately
from evidence.kinds import Period
from evidence.languages import Language, spoken, told
from evidence.measured import keep_measured, measured_again
from evidence.metrics import MEASURES
from evidence.models import ControlResult, ControlRun, EvidencePack, PackFile
from evidence.rendering import Rendered, render
from evidence.states import PACK_MOVES, PackState
from evidence.verifier.check import Pack
from evidence.workshop import MEASURED
from identities.models import System
from ledger.signer import sign_now
from logs.actions import record_events
from logs.models import LogSource
from reviews.actions import close_deciding, decide, reassign_items
from reviews.models import Campaign, Decision
from tenants.kinds import Actor, Cancelled, Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.sharing import share
from tenants.work import Printed, Silent
from tests import make
from tests.evidence.signing import data_of, issued
from tests.evidence.test_verify import files_of
from tests.logs.sources import SSHD_OK, lines
from tests.reviews import conftest as reviewing

Ask = Callable[..., EvidencePack]
pytestmark = pytest.mark.django_db
STEPS = (
    *("[2/7] Collecting the table decisions: 2 rows", "[2/7] Collecting the table sign offs"),
    *("[2/7] Collecting the completeness annex", "[3/7] Composing the report: isolation, section 3 of 17"),
    "[4/7] Printing the report",
)
"""What is said while a pack is made, among other things."""


def text(data: bytes, name: str) -> str:
    with zipfile.ZipFile(BytesIO(data)) as opened:
        return opened.read(next(full for full in opened.namelist() if full.endswith(f"/data/{name}"))).decode()


def test_it_issues_a_pack_that_its_own_verifier_accepts(bpo: Tenant, reviewed: Campaign, pack: Ask) -> None:
    made = build_pack(bpo, pack(("gdpr", "hipaa", "soc2", "iso27001")).pk, Silent())
    data = data_of(bpo, made)
    checked = Pack(data)
    assert checked.check(made.signer_key) == []
    assert made.state == "draft"
    assert made.tier == "T1", "the signer runs as the same user"
    assert (made.pages or 0) > 20
    assert checked.counts["cells"] >= 2 * 2 + 4
    decisions = text(data, "tables/decisions.csv")
    assert "'=2+5 left the Acme desk in March." in decisions
    manifest = json.loads(text(data, "manifest.json"))
    assert manifest["pack"]["recipient"] == "Axel Brandt, Brandt Assurance"
    waiting = load().kinds.keys() - MEASURES.keys()
    assert any("not yet computed" in line for line in manifest["omissions"]) == bool(waiting)
    assert "no_data" in manifest["results"].values()
    first = " ".join(PdfReader(BytesIO(checked.files["report.pdf"])).pages[0].extract_text().split())
    assert [line for line in manifest["omissions"] if line not in first] == [], "each stands on the first page"
    assert f"What was left out ({len(manifest['omissions'])})" in first
    sheets = text(data, "tables/information_sheets.csv")
    assert "retention,Filters," in sheets, "of a measured kind"
    assert 'decisions,"Control total' in sheets, "of a table of records"
    tables = {name[7:-4] for name in checked.files if name.startswith("tables/")} - {"information_sheets"}
    assert {row["table"] for row in checked.table("information_sheets")} >= tables, "each table has one"


def test_once_built_it_stays_is_in_the_trail_and_is_fetched_only_when_shared(
    bpo: Tenant, reviewed: Campaign, pack: Ask, officer: Actor, axel: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence.records.ROWS_AT_ONCE", 2)
    told = StringIO()
    made = build_pack(bpo, pack(("pci",)).pk, Printed(told))
    assert [step for step in STEPS if f"  {step}\n" not in told.getvalue()] == [], told.getvalue()
    assert build_pack(bpo, made.pk, Silent()).sha256 == made.sha256
    changes = {"manifest_sha256": "What is signed", "recipient": "never changed", "language": "never changed"}
    for field, why in changes.items():
        with pytest.raises(DatabaseError, match=why), tenant_scope(bpo), transaction.atomic():
            EvidencePack.objects.filter(pk=made.pk).update(**{field: "de"})
    with pytest.raises(DatabaseError, match="permission denied"), tenant_scope(bpo), transaction.atomic():
        PackFile.objects.filter(pack=made).update(stored_as="x")
    with tenant_scope(bpo):
        entries = AuditEntry.objects.filter(target=f"pack {made.uuid}").order_by("at", "id")
        assert {entry.verb for entry in entries} == {"pack.request", "pack.begin", "pack.draft"}
        drafted = entries.get(verb="pack.draft")
    assert (drafted.leaf_kind, drafted.detail["sha256"]) == (9, made.sha256)
    fetches(issued(bpo, made, officer), bpo, officer, make.actor(axel, bpo))


def fetches(made: EvidencePack, bpo: Tenant, officer: Actor, auditor: Actor) -> None:
    """The auditor gets the issued pack once it is shared, which is noted, and not before."""
    with tenant_scope(bpo), pytest.raises(Refused, match="not shared with you"):
        download_pack(pack=made, by=auditor)
    with tenant_scope(bpo):
        share(made, user=User.objects.get(pk=auditor.user_id), by=officer)
        with download_pack(pack=made, by=auditor) as stored:
            assert stored.read() == data_of(bpo, made)
        fetched = AuditEntry.objects.filter(verb="pack.download", actor_user_id=auditor.user_id, leaf_kind=11)
        assert fetched.count() == 1


def test_the_same_run_and_checkpoint_give_the_same_tables_and_manifest(
    bpo: Tenant, reviewed: Campaign, pack: Ask, officer: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, by, printed = pack(("gdpr",), parquet=True), Actor.system("evidence", bpo.pk), {}
    period = Period(asked.period_start, asked.period_end, asked.zone)

    def printing(page: str, **options: Any) -> Rendered:
        if page not in printed:
            printed[page] = render(page, **options)
        return printed[page]

    monkeypatch.setattr("evidence.building.render", printing)
    with tenant_scope(bpo):
        computed = compute_controls(tenant=bpo, period=period, by=by, purpose="pack")
        begin_pack(pack=asked, computed=computed, by=by)
        again = written_and_read(bpo, asked, computed, tmp_path)
        passed_on(reviewed, "M1", "Rosa is on leave until May.", officer)
    signed, found = sign_now(bpo.uuid), []
    for name, measured in (("one", computed), ("two", again)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "pack.zip").open("w+b") as out:
            assemble(bpo, asked, Known(measured, signed), Silent(), Room(tmp_path / name, out))
            found.append(files_of((tmp_path / name / "pack.zip").read_bytes()))
        if measured is computed:
            goes_on(bpo, reviewed, officer)
    assert len(printed) == 1, "the report says the same"
    differs = {name for name in found[0] if found[0][name] != found[1][name]}
    assert b"Rosa is on leave" in found[0]["tables/reassignments.csv"], "measured before it, and signed after it"
    assert len(found[0]["tables/use_by_hour.csv"].splitlines()) == 1 + 2, "the head, and two hours with accesses"
    assert (found[0].keys(), differs) == (found[1].keys(), {"manifest.sig", "report.pdf"}), "the seal holds its time"


def passed_on(campaign: Campaign, to: str, reason: str, officer: Actor) -> None:
    """Put an item to another reviewer."""
    items = [reviewing.item(campaign, "backup")]
    reassign_items(items=items, reviewer=reviewing.person(to), reason=reason, by=officer)


def goes_on(bpo: Tenant, campaign: Campaign, officer: Actor) -> None:
    """Record what a second collecting finds: an access, decisions, a list, a new reviewer, silence at the end."""
    remy, rosa = (make.actor(User.objects.get(email=f"{name}@example.org"), bpo) for name in ("remy", "rosa"))
    with tenant_scope(bpo):
        body = lines(SSHD_OK.replace(b"09:15:01", b"23:15:01"))
        record_events(source=LogSource.objects.get(), body=body, door="tests", by=Actor.system("tests", bpo.pk))
        decide(item=reviewing.item(campaign, "bob"), choice=reviewing.REVOKE, by=remy)
        decide(item=reviewing.item(campaign, "cem"), choice=reviewing.REVOKE, by=rosa)
        reviewing.deliver(reviewing.Cast(officer, remy, rosa, System.objects.get(key="crm")))
        passed_on(campaign, "M2", "Rosa is back from her leave.", officer)
        reviewing.fall_due(campaign)
    with tenant_scope(bpo):
        close_deciding(campaign=campaign, by=officer)
        assert Decision.objects.filter(outcome="not_decided").exists(), "without a deed of their own"


def written_and_read(bpo: Tenant, asked: EvidencePack, computed: Computed, folder: Path) -> Computed:
    """What was measured, as a worker finds it that takes a pack up again: the same, in each language, and sealed."""
    sha256 = keep_measured(computed, folder, asked.uuid)
    again = measured_again(bpo, computed.run, folder, asked.uuid, sha256)
    assert again == computed
    with spoken(Language.GERMAN):
        first, second = ([told(text) for text in texts_of(one)] for one in (computed, again))
        assert first == second != texts_of(computed), "words are words of ours again, and no plain texts"
    assert measured_again(bpo, ControlRun(pk=0), folder, asked.uuid, sha256) is None, "of another run"
    assert measured_again(bpo, computed.run, folder, uuid4(), sha256) is None, "sealed under another key"
    path = folder / MEASURED
    whole = path.read_bytes()
    assert (oct(path.stat().st_mode)[-3:], b'"kind"' in whole) == ("600", False), "names lie in no file in clear"
    path.write_bytes(whole + whole.splitlines(keepends=True)[-1])
    assert measured_again(bpo, computed.run, folder, asked.uuid, sha256) is None, "not what the ledger names"
    path.write_bytes(whole)
    return again


def texts_of(computed: Computed) -> list[str]:
    """The sentences of what was measured: titles, notes, and reasons of rows."""
    kinds, rows = computed.evidence.values(), computed.evaluations
    return [
        *(text for item in kinds for text in (item.table.title, *item.notes)),
        *(t for r in rows for t in r.reasons),
    ]


class Stops:
    """Asks to stop at the printing step."""

    def step(self, done: int, total: int, message: str = "") -> None:
        """Raise where the report is printed."""
        if message.startswith("Printing"):
            raise Cancelled


def test_a_cancelled_pack_keeps_no_file_and_says_so(bpo: Tenant, reviewed: Campaign, pack: Ask) -> None:
    asked = pack(("gdpr",))
    with pytest.raises(Cancelled):
        build_pack(bpo, asked.pk, Stops())
    with tenant_scope(bpo):
        asked.refresh_from_db()
        assert (asked.state, asked.sha256) == ("cancelled", "")
        assert not PackFile.objects.filter(pack=asked).exists()
        assert AuditEntry.objects.filter(verb="pack.cancel").exists()


class Breaks:
    """Fails at the collecting step."""

    def __init__(self, fault: Exception, cause: Exception | None) -> None:
        self.fault, self.cause = fault, cause

    def step(self, done: int, total: int, message: str = "") -> None:
        """Raise where records are collected."""
        if message.startswith("Collecting"):
            raise self.fault from self.cause


@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [
        (OSError("The disk is full."), None, "The disk is full."),
        (
            OperationalError("could not extend file"),
            DiskFull(),
            "The disk of the database is full: nothing of the pack",
        ),
        (ValueError(), None, "ValueError"),
    ],
)
def test_a_failed_pack_keeps_no_file_and_says_why(
    bpo: Tenant, reviewed: Campaign, pack: Ask, fault: Exception, cause: Exception | None, said: str
) -> None:
    asked = pack(("gdpr",))
    with pytest.raises(type(fault)):
        build_pack(bpo, asked.pk, Breaks(fault, cause))
    with tenant_scope(bpo):
        asked.refresh_from_db()
        assert (asked.state, asked.error[: len(said)]) == ("failed", said)
        assert not PackFile.objects.filter(pack=asked).exists()


def test_another_tenant_has_no_such_pack(bpo: Tenant, acme: Tenant, pack: Ask) -> None:
    asked = pack()
    with tenant_scope(acme):
        assert not EvidencePack.objects.filter(pk=asked.pk).exists()
        with pytest.raises(EvidencePack.DoesNotExist):
            EvidencePack.objects.get(uuid=asked.uuid)


def test_its_moves_end_where_it_is_over() -> None:
    assert {state for state, moves in PACK_MOVES.items() if not moves} == {
        PackState.ISSUED,
        PackState.FAILED,
        PackState.CANCELLED,
        PackState.WITHDRAWN,
    }


def test_the_worker_evaluates_the_controls(bpo: Tenant, officer: Actor, period: Period) -> None:
    with tenant_scope(bpo):
        work = request_evaluation(period=period, by=officer)
    job = import_string(work.job)
    answer = job(Silent(), bpo, *work.arguments)
    again = evaluate_lately(Silent(), bpo)
    with tenant_scope(bpo):
        first, second = ControlRun.objects.get(pk=answer["run"]), ControlRun.objects.get(pk=again["run"])
        assert (first.period_start, first.period_end) == (period.start, period.end)
        assert first.computed_by == "system:evidence for carla@example.org"
        assert sum(second.tally.values()) == 70
        assert ControlResult.objects.filter(run=first).count() == 70 - first.tally["not_computed"]
