"""A real pack with one byte flipped in each class of what it holds: verify.py and verify.html name the same damage."""

import base64
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pytest_socket import enable_socket

from alerts.watch import look_round
from evidence.budget import Limits
from evidence.building import build_pack
from evidence.models import EvidencePack
from evidence.packkey import pack_signer
from evidence.verifier import single_page
from evidence.verifier.check import Pack
from evidence.verifier.primitives import Broken
from reviews.models import Campaign
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.work import Printed
from tests.chromium import CHROMIUM
from tests.evidence.insider import resigned
from tests.evidence.packing import SIGNER
from tests.evidence.signing import issued
from tests.evidence.test_build_pack import data_of
from tests.evidence.test_sign_statements import KINDS, signed
from tests.evidence.test_verify import files_of, flipped
from tests.evidence.test_verify_tokens import forged, told
from tests.openid.tokens import KEYS, proved_by_provider

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium: install it, or name it in CHROMIUM."),
]
PLACES = {
    "an event": ("proofs/entries.jsonl", b'"label":"event ', "proofs/entries.jsonl, entry "),
    "a decision": ("proofs/entries.jsonl", b'"label":"decision ', "proofs/entries.jsonl, entry "),
    "a proof": ("proofs/entries.jsonl", b'"proof":["', "proofs/entries.jsonl, entry "),
    "the signature": ("manifest.sig", b"/packs ", "manifest.sig: signature"),
    "a row": ("tables/decisions.csv", b"left the Acme desk", "tables/decisions.csv, row "),
    "a table as Parquet": ("tables/decisions.parquet", b"PAR1", "tables/decisions.parquet: "),
    "the manifest": ("manifest.json", b'"results"', "manifest."),
    "a volume": ("volume-2.pdf", b"stream\n", "volume-2.pdf, "),
    "a page": ("report.pdf", b"stream\n", "report.pdf, "),
    "the seal": ("report.pdf", b"/Reason", "report.pdf, its seal"),
    "the checkpoint": ("proofs/checkpoint.txt", b"\n", "proofs/checkpoint.txt: "),
    "the annex": ("proofs/annex.txt", b"item.decide", "proofs/annex.txt, entry "),
    "OSCAL": ("oscal-assessment-results.json", b"not-satisfied", "oscal-assessment-results.json: "),
    "the cover": ("sign-off/cover.txt", b"APPROVER", "sign-off/cover.txt: "),
    "a signer's statement": ("sign-off/approver.json", b"role", "sign-off/approver.json: "),
    "the bag": ("bag-info.txt", b"Payload", "bag-info.txt: "),
}


def broken_packs(whole: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Yield each class with the pack in which a byte of it is flipped, and how its damage is named."""
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        members = {info.filename.partition("/")[2].removeprefix("data/"): info for info in opened.infolist()}
        for what, (name, mark, told) in PLACES.items():
            info = members[name]
            at = info.header_offset + 30 + len(info.filename) + opened.read(info).index(mark) + len(mark)
            yield what, flipped(whole, at + 2), told
    yield "the archive", flipped(whole, len(whole) - 10), "archive: "


def by_python(data: bytes, key: str) -> list[str]:
    """Return what verify.py finds."""
    try:
        return [f"{where}: {what}" for where, what in Pack(data).check(key)]
    except Broken as broken:
        return [str(broken)]


@contextmanager
def opened_page(browser: Browser, folder: Path) -> Iterator[Page]:
    """Open verify.html from a file; anything that it sends or complains about fails the test."""
    enable_socket()
    (folder / "verify.html").write_bytes(single_page())
    page, faults = browser.new_page(), list[str]()
    page.on("request", lambda asked: faults.extend([] if asked.url.startswith("file:") else [asked.url]))
    page.on("console", lambda said: faults.append(said.text))
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.goto((folder / "verify.html").as_uri())
    yield page
    page.close()
    assert faults == []


def by_page(page: Page, data: bytes, key: str) -> list[str]:
    """Return what verify.html finds, or what it says about a pack that holds."""
    page.fill("#key", key)
    page.set_input_files("#file", {"name": "pack.zip", "mimeType": "application/zip", "buffer": data})
    page.locator("#result:not([hidden])").wait_for()
    assert page.locator("#result.bad").count() == page.get_by_text("does NOT hold").count()
    return page.locator("#lines li").all_text_contents()


@pytest.mark.django_db
def test_both_verifiers_name_what_broke(
    chromium: Browser,
    bpo: Tenant,
    undone: Campaign,
    officer: Actor,
    pack: Callable[..., EvidencePack],
    tmp_path: Path,
) -> None:
    look_round()
    draft = in_volumes(bpo, pack(("gdpr",), parquet=True, volumes=True))
    made = issued(bpo, draft, officer, prove=proved_by_provider)
    whole, key = data_of(bpo, made), made.signer_key
    assert by_python(whole, key) == []
    with opened_page(chromium, tmp_path) as page:
        said = by_page(page, whole, key)
        signer = [line for line in said if "approver: deputy@example.org" in line]
        assert signer[0].endswith("provider checked here (RS256)"), said
        assert any("every one of 5 ledger entries of the period has its rows" in line for line in said), said
        for what, data, told in (*broken_packs(whole), *packs_that_withhold(whole, bpo)):
            found = by_python(data, key)
            assert any(sentence.startswith(told) for sentence in found), (what, found)
            assert by_page(page, data, key) == found, what
        for kind in KINDS:
            data = signed(kind)[0].source.getvalue()
            assert any("1 of them by a passkey that was checked here" in line for line in by_page(page, data, ""))
        slow = "[key, text, sign].map((part) => Uint8Array.from(atob(part), (char) => char.charCodeAt(0)))"
        assert page.evaluate(f"([key, text, sign]) => ed25519Slowly(...{slow})", signature(b"x"))
        assert not page.evaluate(f"([key, text, sign]) => ed25519Slowly(...{slow})", signature(b"y"))


def test_both_verifiers_judge_what_a_provider_signed(chromium: Browser, tmp_path: Path) -> None:
    with opened_page(chromium, tmp_path) as page:
        for algorithm in KEYS:
            said = " ".join(by_page(page, told(algorithm)[0].source.getvalue(), ""))
            assert "0 of them by a passkey that was checked here, 1 by an identity provider's token" in said
            for wrong in ({"nonce": "0" * 64}, *forged(algorithm)):
                data = told(algorithm, **wrong)[0].source.getvalue()
                found = by_python(data, SIGNER.verifier.vkey)
                assert (len(found), by_page(page, data, SIGNER.verifier.vkey)) == (1, found)


def in_volumes(bpo: Tenant, asked: EvidencePack) -> EvidencePack:
    """Build a pack that is printed in several volumes; each is said while it is printed, the report as the first."""
    steps = StringIO()
    made = build_pack(bpo, asked.pk, Printed(steps), Limits(rows=0, least=1, volume_rows=20))
    said = [line.strip() for line in steps.getvalue().splitlines() if "volume" in line]
    volumes = [name for name in files_of(data_of(bpo, made)) if name.startswith("volume-")]
    further = [f"[4/7] Printing volume {n} of {len(volumes) + 1}" for n in range(2, len(volumes) + 2)]
    assert further
    assert said == [f"[4/7] Printing the report, volume 1 of {len(volumes) + 1}", *further]
    return made


def packs_that_withhold(whole: bytes, bpo: Tenant) -> Iterator[tuple[str, bytes, str]]:
    """Yield the pack signed again by its own key without the first row of a table, and how that is named."""
    for table in ("alerts_raised", "decisions", "snapshots"):
        name = f"tables/{table}.csv"
        head, _first, *rest = files_of(whole)[name].split(b"\n")
        yield name, resigned(whole, pack_signer(bpo.uuid), {name: b"\n".join((head, *rest))}), f"{name}: ledger entry"


def signature(message: bytes) -> list[str]:
    """Return key, message and the signature over "x" in base64."""
    return [base64.b64encode(part).decode() for part in (SIGNER.verifier.public, message, SIGNER.sign("x"))]
