"""The pack's verifier: an honest pack holds, and any changed byte is named by file, page, row, entry or signature."""

import json
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.bundle import build, record_files
from evidence.verifier import single_file
from evidence.verifier.check import Pack
from evidence.verifier.primitives import Broken, archive, bag, ed25519_verifies, safe
from ledger.notes import Signer
from tests.evidence.packing import LEDGER_SIGNER, SIGNER, bundle, parts, printed

TAGS = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
FILES = [
    "README.txt", "index.json", "manifest.json", "manifest.sig", "proofs/checkpoint.txt", "proofs/entries.jsonl",
    "queries/decisions.txt", "report.pdf", "tables/alerts.csv", "tables/decisions.csv", "verify.html", "verify.py",
]  # fmt: skip


def faults(data: bytes, key: str | None = None, ledger_key: str | None = None) -> list[str]:
    """Return the verifier's findings as sentences; a refusal is one finding."""
    try:
        pack = Pack(data)
    except Broken as broken:
        return [str(broken)]
    return [f"{where}: {what}" for where, what in pack.check(key, ledger_key)]


def files_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as opened:
        return {name.partition("/data/")[2]: opened.read(name) for name in opened.namelist() if "/data/" in name}


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def test_it_holds_as_it_was_built() -> None:
    assert faults(bundle().data) == []
    assert faults(bundle().data, SIGNER.verifier.vkey, LEDGER_SIGNER.verifier.vkey) == []


def test_it_runs_alone_with_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(single_file())
    (tmp_path / "pack.zip").write_bytes(bundle().data)
    command = [sys.executable, "-I", "-S", "verify.py", "pack.zip", "--key", SIGNER.verifier.vkey]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("HOLDS")
    assert "12 entries proved under checkpoint 12" in answer.stdout
    assert "24 table cells" in answer.stdout
    (tmp_path / "pack.zip").write_bytes(flipped(bundle().data, len(bundle().data) // 2))
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "BROKEN" in answer.stdout


def test_it_holds_the_expected_files() -> None:
    assert sorted(bundle().files) == FILES


def test_it_carries_the_verifier_that_the_product_holds() -> None:
    assert files_of(bundle().data)["verify.py"] == single_file()


def test_it_is_a_plain_zip_in_one_order_and_at_one_date() -> None:
    with zipfile.ZipFile(BytesIO(bundle().data)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert names == sorted(names)
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr for info in opened.infolist()} == {0o100644 << 16}


@pytest.mark.parametrize("name", [*FILES, *TAGS])
def test_it_names_the_file_of_any_flipped_byte(name: str) -> None:
    whole, full = bundle().data, f"/{name}" if name in TAGS else f"/data/{name}"
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        info = next(info for info in opened.infolist() if info.filename.partition("/")[2] == full[1:])
        body, start = opened.read(info), info.header_offset + 30 + len(info.filename)
    chosen = random.Random(name)  # noqa: S311 -- places to flip, repeatable
    places = {0, len(body) - 1, *(chosen.randrange(len(body)) for _ in range(10))}
    for at in places:
        found = faults(flipped(whole, start + at, chosen.randrange(8)))
        assert any(sentence.startswith((name, "manifest.")) for sentence in found), (name, at, found)


def test_it_finds_any_flipped_byte_of_the_archive() -> None:
    chosen, whole = random.Random(7), bundle().data  # noqa: S311 -- places to flip, repeatable
    end = len(whole)
    places = [chosen.randrange(end) for _ in range(120)] + list(range(end - 60, end)) + list(range(40))
    unseen = [at for at in places if not faults(flipped(whole, at, chosen.randrange(8)))]
    assert unseen == []


def test_it_names_the_row_the_page_and_the_entry() -> None:
    whole, files = bundle().data, files_of(bundle().data)
    lines = files["tables/decisions.csv"].split(b"\n")
    row = faults(flipped(whole, whole.index(lines[5]) + 2))
    assert any(sentence.startswith("tables/decisions.csv, row 5:") for sentence in row)
    entry = files["proofs/entries.jsonl"].split(b"\n")[3]
    broken = faults(flipped(whole, whole.index(entry) + len(entry) - 40))
    assert any("entry 3" in sentence for sentence in broken)
    start = next(start for start, _, name in printed().segments if name == "page 2")
    page = faults(flipped(whole, whole.index(printed().pdf) + start + 60))
    assert page == ["report.pdf, page 2: it differs from what was signed."]


def test_it_names_the_signature() -> None:
    whole = bundle().data
    at = whole.index(b"\xe2\x80\x94 portal.example/packs ") + 40
    assert any(sentence.startswith("manifest.sig: signature") for sentence in faults(flipped(whole, at)))


def test_it_refuses_a_pack_signed_by_another_key() -> None:
    stranger = Signer(SIGNER.name, bytes(32))
    made = parts()
    forged = build(made, record_files(made), printed(), stranger).data
    assert faults(forged) == []
    assert any("signature is not valid" in sentence for sentence in faults(forged, SIGNER.verifier.vkey))
    assert faults(bundle().data, None, Signer("x", bytes(32)).verifier.vkey)


def rebuilt(change: dict[str, bytes | None]) -> bytes:
    files = files_of(bundle().data) | {name: data for name, data in change.items() if data is not None}
    return packed({name: data for name, data in files.items() if change.get(name, b"") is not None})


def packed(files: dict[str, bytes]) -> bytes:
    """Return the archive of a pack with these files, its bag's own files made to fit."""
    return archive(bag(files, json.loads(files_of(bundle().data)["manifest.json"])))


def test_it_refuses_extra_missing_and_repacked_files() -> None:
    assert faults(rebuilt({"extra.txt": b"x"})) == ["extra.txt: the signed manifest does not list this file."]
    assert faults(rebuilt({"tables/alerts.csv": None})) == ["tables/alerts.csv: it is missing."]
    assert faults(rebuilt({"manifest.sig": None})) == ["manifest.sig: it is missing."]
    body = BytesIO()
    deflated = zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED)
    with deflated as repacked, zipfile.ZipFile(BytesIO(bundle().data)) as opened:
        for name in opened.namelist():
            repacked.writestr(name, opened.read(name))
    assert any(sentence.startswith("archive: ") for sentence in faults(body.getvalue()))
    assert faults(b"") != []
    assert faults(b"no zip at all") != []


def test_it_refuses_names_that_leave_the_folder_and_names_given_twice() -> None:
    files = files_of(bundle().data)
    for name in ("../evil.py", "/etc/passwd", "a/../../b", "C:evil", "a\\b", "./x"):
        assert not safe(name)
        assert "could be written outside" in faults(archive({name: b"x"}))[0]
    twice = bytearray(packed(files | {"README.tx2": b"y"}))
    at = twice.index(b"README.tx2")
    twice[at : at + 10] = b"README.txt"
    assert "twice" in faults(bytes(twice))[0]


def test_it_compares_the_cells_with_what_the_ledger_sealed() -> None:
    made = parts()
    table = made.tables[0]
    lied = replace(table, rows=((*table.rows[0][:1], "revoke", *table.rows[0][2:]), *table.rows[1:]))
    false = replace(made, tables=[lied, made.tables[1]])
    found = faults(build(false, record_files(false), printed(), SIGNER).data)
    assert found == ["tables/decisions.csv, row 1: its decision is not the one that the ledger sealed."]


def test_it_compares_the_entries_with_the_checkpoint() -> None:
    made = parts()
    swapped = replace(made, entries=[replace(made.entries[0], index=1), *made.entries[1:]], bindings={})
    found = faults(build(swapped, record_files(swapped), printed(), SIGNER).data)
    assert len(found) == 1
    assert "entry 0 (ledger index 1, decision 0): its sealed bytes are not in the ledger" in found[0]


def test_the_same_parts_give_the_same_bytes() -> None:
    again = build(parts(), record_files(parts()), printed(), SIGNER)
    assert again.sha256 == bundle().sha256
    other = replace(parts(), identity=replace(parts().identity, id="other", issued_at="2027-01-01T00:00:00+00:00"))
    later = build(other, record_files(other), printed(), SIGNER)
    assert later.manifest_sha256 != bundle().manifest_sha256
    assert later.content_sha256 == bundle().content_sha256
    assert json.loads(files_of(later.data)["manifest.json"])["content_sha256"] == later.content_sha256


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 511))
def test_its_ed25519_agrees_with_the_library(seed: bytes, message: bytes, bit: int) -> None:
    signer = Signer("x", seed)
    text = message.hex()
    signature = signer.sign(text)
    assert ed25519_verifies(signer.verifier.public, text.encode(), signature)
    assert not ed25519_verifies(signer.verifier.public, text.encode() + b"!", signature)
    assert not ed25519_verifies(signer.verifier.public, text.encode(), flipped(signature, bit // 8, bit % 8))


def test_its_ed25519_is_strict() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signature = SIGNER.sign("x")
    malleable = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert not ed25519_verifies(SIGNER.verifier.public, b"x", malleable)
    assert not ed25519_verifies(b"\xff" * 32, b"x", signature)
