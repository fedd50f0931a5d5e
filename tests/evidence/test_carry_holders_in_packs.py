"""What others hold goes into packs: cosignatures and tokens, checked offline, and never a claim above them."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from evidence.building import build_pack
from evidence.bundle import build, record_files
from evidence.models import EvidencePack
from evidence.tiers import Held, tier_of
from evidence.verifier import single_file
from evidence.verifier.check import Pack
from ledger.cosignatures import WitnessKey
from ledger.notes import Signer
from ledger.queries import verifier_key
from ledger.signer import sign_now
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.evidence.authority import openssl_accepts, stamping
from tests.evidence.packing import ISSUED, SIGNER, parts, printed
from tests.evidence.signing import data_of
from tests.ledger.witnesses import serving

COSIGNER = Signer("bank.example/witness", bytes(range(40, 72)))
KEY = WitnessKey(COSIGNER.name, COSIGNER.verifier.public)
OTHER = WitnessKey("bank.example/other", COSIGNER.verifier.public).vkey
VAULT = Held("folder", "Vault Ltd", 12, ISSUED)


def by_witness(note: bytes, at: int = 1_774_000_000) -> Held:
    """Cosign as the specification says, without the witness's own code."""
    text = note.decode().rpartition("\n\n")[0] + "\n"
    stamped = at.to_bytes(8, "big") + COSIGNER.sign(f"cosignature/v1\ntime {at}\n{text}")
    line = f"\u2014 {KEY.name} {base64.b64encode(KEY.key_id + stamped).decode()}\n"
    return Held("witness", KEY.name, 12, ISSUED, line.encode(), KEY.vkey)


def pack_of(tier: str, *held: Held) -> bytes:
    """Build a small pack that claims a tier and carries these holders."""
    whole = parts()
    whole = replace(whole, tier=tier, checkpoint=replace(whole.checkpoint, held=held))
    return build(whole, record_files(whole), printed(), SIGNER).data


def faults(data: bytes, *witnesses: str) -> str:
    """Return what the verifier says."""
    return "; ".join(f"{where}: {what}" for where, what in Pack(data).check(None, None, list(witnesses)))


NOTE = parts().checkpoint.note


def test_a_cosignature_is_checked_by_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(single_file())
    (tmp_path / "pack.zip").write_bytes(pack_of("T4", by_witness(NOTE), VAULT))
    command = [sys.executable, "-I", "-S", "verify.py", "pack.zip"]
    told = subprocess.run([*command, "--witness", KEY.vkey], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert "the issuer claims T4" in told.stdout
    assert (
        "cosigned by bank.example/witness at 2026-03-20 09:46:40 UTC: checked with the key that you gave" in told.stdout
    )
    assert "held by Vault Ltd (folder) since 2026-04-02T09:30:00+00:00: NOT checked here" in told.stdout
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "give --witness to check whose it is" in told.stdout
    told = subprocess.run([*command, "--witness", OTHER], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode, "other did not cosign" in told.stdout) == (1, True)


@pytest.mark.parametrize(
    ("tier", "held", "fault"),
    [
        ("T2", (), ""),
        ("T3", (VAULT,), ""),
        ("T3", (), "claims T3, but names nobody"),
        ("T4", (VAULT,), "claims T4, but names nobody"),
        ("T3", (replace(VAULT, size=11),), "hold another checkpoint"),
        ("T4", (by_witness(NOTE.replace(b"\n12\n", b"\n13\n")),), "is not valid"),
        ("T4", (replace(by_witness(NOTE), key=OTHER),), "other did not cosign"),
        ("T4", (replace(by_witness(NOTE), key="nonsense"),), "not of the form"),
        ("T3", (Held("tsa", "Stamps", 12, ISSUED, b"a token over something else", "pem"),), "not over the pack"),
    ],
)
def test_no_claim_goes_above_what_is_carried(tier: str, held: tuple[Held, ...], fault: str) -> None:
    told = faults(pack_of(tier, *held))
    assert fault in told if fault else told == ""


@pytest.mark.parametrize(
    ("signed", "separate", "held", "tier"),
    [
        (False, True, (VAULT,), "T0"),
        (True, False, (VAULT, by_witness(NOTE)), "T1"),
        (True, True, (), "T2"),
        (True, True, (VAULT,), "T3"),
        (True, True, (by_witness(NOTE),), "T4"),
    ],
)
def test_each_tier_asks_for_all_below_it(signed: bool, separate: bool, held: tuple[Held, ...], tier: str) -> None:
    assert tier_of(signed=signed, separate=separate, held=held) == tier


@pytest.mark.django_db
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: it plays the authority")
def test_a_real_pack_carries_what_real_holders_gave(
    bpo: Tenant, pack: Callable[..., EvidencePack], settings: Settings, tmp_path: Path, socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("evidence.building.is_separate", lambda: True)
    tsa = tmp_path / "tsa"
    tsa.mkdir()
    with stamping(tsa) as url, serving(tmp_path / "witness") as witness:
        sign_now(bpo.uuid)
        with tenant_scope(bpo):
            witness.trust(verifier_key(bpo.uuid))
        lines = [f"* tsa {url} {tsa}/ca.pem Example Trust", f"* witness {witness.url} {witness.vkey}"]
        settings.COUNTERSIGN_HOLDERS = "\n".join([*lines, f"* witness http://127.0.0.1:9 {OTHER}"])
        made = build_pack(bpo, pack(("pci",)).pk, Silent())
    checked = Pack(data_of(bpo, made))
    assert (checked.check(None, None, [witness.vkey]), made.tier) == ([], "T4")
    assert checked.holders.proved == ["bank.example/witness"]
    assert openssl_accepts(tsa, checked.files["proofs/checkpoint.txt"], checked.files["proofs/token-1.tsr"])
    assert "openssl ts -verify -data proofs/checkpoint.txt -in proofs/token-1.tsr" in " ".join(checked.holders.lines)
    (away,) = [line for line in checked.manifest["omissions"] if "Not held" in line]
    assert "Connection refused" in away
