"""Each type of pack holds its own sections and records and nothing of the others, and its own verifier accepts it."""

import json
import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from django.utils.translation import gettext
from pypdf import PdfReader

from alerts.actions import open_incident
from alerts.kinds import IncidentFacts
from alerts.models import Alert
from alerts.watch import look_round
from evidence.actions import PackRequest, request_pack
from evidence.building import build_pack
from evidence.citedevents import CITED
from evidence.deeds import VERBS, Covered
from evidence.kinds import Period
from evidence.languages import Language, spoken
from evidence.metrics.frame import Asked, Frame
from evidence.packtypes import TYPES, PackKind
from evidence.records import SPECS, gather
from evidence.sections.contents import SECTIONS
from evidence.verifier.check import Pack
from evidence.verifier.complete import COMPLETE
from ledger.queries import head
from reviews.models import LogReview
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.evidence.test_build_pack import data_of
from tests.messages import messages
from tests.reviews import periods

FRAMEWORKS = ("gdpr", "hipaa", "soc2", "iso27001")


def test_each_type_names_sections_and_records_that_there_are() -> None:
    assert set(TYPES) == set(PackKind)
    assert {name for one in TYPES.values() for name in one.sections} == set(SECTIONS)
    assert all(
        {"scope", "methods", "sheets", "sign_off", "integrity", "closing"} <= set(one.sections)
        for one in TYPES.values()
    )
    unprinted = {key: one.kinds & set(SECTIONS) - set(one.sections) for key, one in TYPES.items()}
    assert not any(unprinted.values()), unprinted
    assert {key for key, one in TYPES.items() if "matrix" not in one.sections} == {PackKind.INCIDENT}, "it has no rows"
    matrix = TYPES[PackKind.CONTROLS]
    assert matrix.sections[matrix.sections.index("alerts") + 1] == "incidents"
    assert "incidents" in matrix.kinds, "rows of some frameworks rest on none"
    for one in (matrix, TYPES[PackKind.CLIENT]):
        assert one.sections[:3] == ("result", "scope", "isolation"), "how a client's cut is kept apart stands early"
        assert "isolation" in one.kinds, "its probes are carried whichever frameworks were asked for"


def test_the_annex_is_asked_about_every_table_whose_rows_have_an_entry_each() -> None:
    assert set(COMPLETE) == {spec.name for spec in SPECS}
    assert {verb for verbs in COMPLETE.values() for verb in verbs} == set(VERBS)


@pytest.mark.django_db
def test_a_type_holds_its_own_and_verifies(
    bpo: Tenant, carla: User, remy: User, rosa: User, officer: Actor, period: Period
) -> None:
    signed_review(bpo, carla, remy, rosa)
    with tenant_scope(bpo):
        at = timezone.now() - timedelta(hours=5)
        facts = IncidentFacts("A list was mailed out", "The roster went to a wrong address.", at, at, "Agents")
        incident = open_incident(facts=facts, alert=Alert.objects.earliest("id"), by=officer)
    for kind in (PackKind.LOG_REVIEW, PackKind.INCIDENT):
        asked = PackRequest(
            *(period, FRAMEWORKS, "Axel Brandt"),
            kind=kind,
            incident=incident if kind == "incident" else None,
            language=Language.GERMAN if kind == PackKind.LOG_REVIEW else Language.ENGLISH,
        )
        with tenant_scope(bpo):
            row = request_pack(tenant=bpo, asked=asked, by=officer, queue=False)
        made = build_pack(bpo, row.pk, Silent())
        data = data_of(bpo, made)
        keep(kind, data)
        pack = Pack(data)
        assert pack.check(made.signer_key) == [], kind
        tables = {name[7:-4] for name in pack.files if name.startswith("tables/")}
        assert TYPES[kind].records - {"sample"} <= tables
        assert not tables & (every_record() - TYPES[kind].records), kind
        assert ("dispositions" in tables) == (pack.counts["statements"] == 1), kind
        if kind == PackKind.LOG_REVIEW:
            its_report_is_german_and_nothing_else_is(pack)
    the_others_gather_their_own(bpo, period)


def its_report_is_german_and_nothing_else_is(pack: Pack) -> None:
    """No English message stands where a section begins, the PDF says its language, and programs read English."""
    report = PdfReader(BytesIO(pack.files["report.pdf"]))
    assert report.trailer["/Root"]["/Lang"] == "de"
    first = [report.get_destination_page_number(item) for item in report.outline if not isinstance(item, list)]
    printed = " ".join(" ".join(report.pages[number or 0].extract_text() for number in first).split())
    assert "Seite 3 / " in printed
    assert "Für diese Protokollarten wird keine Quelle erwartet: " in printed
    with spoken(Language.GERMAN):
        left = [text for text in english_messages() if gettext(text) != text and text in printed]
    assert left == []
    manifest = json.loads(pack.files["manifest.json"])
    assert manifest["pack"]["language"] == "de"
    assert manifest["omissions"][0].startswith("This is a pack of the type")
    assert b"No source is expected to deliver these records: " in pack.files["tables/controls.csv"]
    assert b"alert_rules,Reconciliation,The rows arise in the portal" in pack.files["tables/information_sheets.csv"]


def english_messages() -> list[str]:
    """The sentences among the messages: a word or two may be a name."""
    return [text for _context, text in messages() if isinstance(text, str) and text.count(" ") > 2]


def the_others_gather_their_own(bpo: Tenant, period: Period) -> None:
    """Without printing: the records of the other types are those of their own, with the statements of those only."""
    frame = Frame(period, {}, bpo.pk, bpo.uuid, timezone.now())
    with tenant_scope(bpo):
        size = head(bpo.uuid).size
        it_cites_what_the_checkpoint_covers(frame, size)
        there = {table.name for table in gather(frame, size).tables}
        for kind in (PackKind.CONTROLS, PackKind.ACCESS_REVIEW, PackKind.CLIENT):
            records = gather(frame, size, wanted=TYPES[kind].records)
            names = {table.name for table in records.tables}
            assert names == set(records.queries) == there & TYPES[kind].records, kind
            assert len(records.statements) == ("log_sign_offs" in names), kind


def it_cites_what_the_checkpoint_covers(frame: Frame, size: int) -> None:
    """No event that came in after it, and none behind an alert that was raised after it."""
    raised = min(place or size for key, place in Covered(frame, size).places.items() if key.startswith("alert "))
    cited = [len(Asked(frame).rows(CITED, incident=0, size=end)) for end in (1, raised, size)]
    assert cited[0] == 0 < cited[1]
    assert [gather(frame, end).cited_total for end in (raised, size)] == [0, cited[2]]


def every_record() -> set[str]:
    """The record tables of all types."""
    return {name for one in TYPES.values() for name in one.records}


def keep(kind: str, data: bytes) -> None:
    """Leave the pack where a person can look at it, if asked to."""
    folder = os.environ.get("COUNTERSIGN_PACKS")
    if folder:
        Path(folder, f"{kind}.zip").write_bytes(data)
        Path(folder, f"{kind}.pdf").write_bytes(Pack(data).files["report.pdf"])


def signed_review(bpo: Tenant, *people: User) -> LogReview:
    """A log review of one period, disposed of and signed by one reviewer."""
    cast = periods.stage(bpo, *people)
    with tenant_scope(bpo):
        source = periods.log_source(cast)
    periods.an_eventful_day(source)
    look_round()
    with tenant_scope(bpo):
        review = periods.opened(cast, periods.schedule(cast))
    with tenant_scope(bpo):
        periods.dispose_all(review, cast)
        periods.sign(review, cast.remy, "M1")
    return review
