"""A real pack in other people's hands: its bag, its sealed report, its OSCAL file, and a row that is withheld."""

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bagit
import pytest
from django.conf import settings
from pypdf import PdfReader

from evidence.building import build_pack
from evidence.models import EvidencePack
from evidence.oscal import dangling
from evidence.packkey import pack_signer
from evidence.seal import holds
from ledger import queries as ledger
from reviews.actions.bulk import UNDONE
from reviews.models import Campaign
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.evidence.insider import resigned, without_line
from tests.evidence.test_build_pack import data_of
from tests.evidence.test_verify import faults, files_of, flipped

pytestmark = pytest.mark.django_db
OPENSSL = ("openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any")


def test_a_pack_holds_in_other_peoples_hands(
    bpo: Tenant, undone: Campaign, pack: Callable[..., EvidencePack], tmp_path: Path
) -> None:
    whole = data_of(bpo, build_pack(bpo, pack(("gdpr", "hipaa")).pk, Silent()))
    others_tools_accept_it(whole, tmp_path)
    its_report_is_sealed(whole)
    its_oscal_file_is_sound(files_of(whole))
    a_withheld_row_is_caught(bpo, whole)


def ran(*command: str | Path, cwd: Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)


def others_tools_accept_it(whole: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        opened.extractall(tmp_path)
    (folder,) = tmp_path.glob("evidence-pack-*")
    bagit.Bag(str(folder)).validate()
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        assert ran("sha256sum", "-c", "--quiet", "--strict", name, cwd=folder).stdout == ""
    report = folder / "data" / "report.pdf"
    for tool, told in (("qpdf", "No syntax"), ("pdfsig", "Signature is Valid")):
        if shutil.which(tool):
            answer = ran(tool, *(["--check"] if tool == "qpdf" else []), report, cwd=folder)
            assert told in answer.stdout, answer
    root = Path(settings.COUNTERSIGN_DATA) / "seal" / "authority.pem"
    assert openssl_accepts(report.read_bytes(), root, tmp_path)
    assert not openssl_accepts(flipped(report.read_bytes(), 900), root, tmp_path)
    with TemporaryDirectory() as bare:  # pytest's own folders are closed to other users
        run_bare(whole, folder / "data" / "verify.py", Path(bare))


def openssl_accepts(pdf: bytes, root: Path, folder: Path) -> bool:
    """Cut the signature out of its place in the file and have OpenSSL check it, as anybody could."""
    start, first, second, rest = (
        int(part) for part in pdf.split(b"/ByteRange")[1].partition(b"[")[2].split(b"]")[0].split()
    )
    (folder / "signed").write_bytes(pdf[start:first] + pdf[second : second + rest])
    (folder / "cms").write_bytes(bytes.fromhex(pdf[first + 1 : second - 1].decode()))
    answer = ran(*OPENSSL, "-in", "cms", "-content", "signed", "-CAfile", root, "-out", os.devnull, cwd=folder)
    return answer.returncode == 0


def run_bare(whole: bytes, verifier: Path, folder: Path) -> None:
    """Run the pack's own verify.py as another user, without network, packages, environment and a place to write."""
    folder.chmod(0o755)
    shutil.copy(verifier, folder / "verify.py")
    (folder / "pack.zip").write_bytes(whole)
    python = ("/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable, "-I", "-S")
    command, cut = [*python, str(folder / "verify.py"), str(folder / "pack.zip")], ("unshare", "-n")
    options: dict[str, Any] = {"env": {}}
    if os.geteuid() == 0:
        options |= {"user": 65534, "group": 65534, "extra_groups": []}
    if os.geteuid() == 0 and ran(*cut, "true", cwd=folder).returncode == 0:
        command = [*cut, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        options = {"env": {"PATH": "/usr/bin:/bin"}}
    answer = ran(*command, cwd=Path("/"), **options)
    assert (answer.returncode, answer.stderr) == (0, ""), answer
    assert answer.stdout.startswith("HOLDS")
    assert "complete  decisions: every one of 5 ledger entries of the period has its rows" in answer.stdout
    (folder / "pack.zip").write_bytes(flipped(whole, len(whole) // 3))
    assert ran(*command, cwd=Path("/"), **options).returncode == 1


def its_report_is_sealed(whole: bytes) -> None:
    files = files_of(whole)
    manifest, pdf = json.loads(files["manifest.json"]), files["report.pdf"]
    reader = PdfReader(BytesIO(pdf))
    assert {name: [data] for name, data in files.items() if name.startswith("tables/")} == {
        f"tables/{name}": data for name, data in reader.attachments.items()
    }
    assert {str(item.get_object()["/AFRelationship"]) for item in reader.trailer["/Root"]["/AF"]} == {"/Data"}
    printed = next(row["bytes"] for row in manifest["files"] if row["path"] == "report.pdf")
    assert manifest["seal"]["test"] is True
    assert "TEST" in manifest["seal"]["certificate"]
    assert (holds(pdf), holds(pdf + b"\n% more\n")) == (True, False)
    assert pdf[:printed].endswith(b"%%EOF\n")


def its_oscal_file_is_sound(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    document = json.loads(files["oscal-assessment-results.json"])
    assert dangling(document) == []
    found = document["assessment-results"]["results"][0]["findings"]
    assert len(found) == len(manifest["results"])
    found[0]["related-observations"][0]["observation-uuid"] = found[1]["uuid"] = found[0]["uuid"]
    found[2]["related-observations"][0]["observation-uuid"] = "7" * 8
    assert [fault.partition(" ")[0] for fault in dangling(document)] == ["the", "nothing"]


def a_withheld_row_is_caught(bpo: Tenant, whole: bytes) -> None:
    files, signer = files_of(whole), pack_signer(bpo.uuid)
    rows, entries, about = (
        files["tables/decisions.csv"],
        files["proofs/entries.jsonl"],
        json.loads(files["manifest.json"]),
    )
    assert faults(resigned(whole, signer, {})) == []
    gone = {
        "tables/decisions.csv": without_line(rows, b"left the Acme desk"),
        "proofs/entries.jsonl": without_line(entries, b'"label":"decision '),
    }
    (withheld,) = set(faults(resigned(whole, signer, {"tables/decisions.csv": gone["tables/decisions.csv"]})))
    assert "row was withheld" in withheld
    assert any("a row was withheld" in fault for fault in faults(resigned(whole, signer, gone)))
    taken_back = {"tables/decisions.csv": without_line(rows, UNDONE.encode())}
    assert "is about 2 items, and 1 rows name it" in str(faults(resigned(whole, signer, taken_back)))
    annex = {"proofs/annex.txt": without_line(files["proofs/annex.txt"], b"item.decide")}
    assert any("not those of the ledger" in fault for fault in faults(resigned(whole, signer, gone | annex)))
    with tenant_scope(bpo):
        at = next(n for n, line in enumerate(files["proofs/annex.txt"].split(b"\n")) if line.startswith(b"R "))
        edge = ledger.covers(bpo.uuid, [(0, at)])[0]
    cut = {"proofs/annex.txt": b"\n".join(files["proofs/annex.txt"].split(b"\n")[at:])}
    words = about["annex"] | {"first": at, "edge": [base64.b64encode(node).decode() for node in edge]}
    assert any("begins inside" in fault for fault in faults(resigned(whole, signer, gone | cut, annex=words)))
