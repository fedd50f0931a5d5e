"""Which key seals a report: a PKCS#12 file, a token, or the installation's own; and a time stamp where one is set."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pytest_django import Settings
from pytest_socket import enable_socket

from evidence import sealkeys
from evidence.seal import seal_report
from evidence.sealkeys import SealError, seal_key
from tests.evidence.authority import stamping
from tests.evidence.packing import printed

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture
def seal(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The settings of the seal, which a test may change; keys are made in a folder of the test's own."""
    settings.COUNTERSIGN_DATA = tmp_path / "data"
    settings.COUNTERSIGN_SEAL = {"KEY": "", "PASSWORD": "", "TIME": ""}
    return settings.COUNTERSIGN_SEAL


def with_password(folder: Path, password: bytes) -> Path:
    """Make a file like the one that an authority hands out."""
    with seal_key():
        key, certificate, others = pkcs12.load_key_and_certificates(
            (folder / "data" / "seal" / "seal.p12").read_bytes(), None
        )
    how = serialization.BestAvailableEncryption(password)
    path = folder / "given.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"x", key, certificate, others, how))
    return path


def test_it_makes_a_test_key_once_and_takes_the_one_that_is_set(seal: dict[str, str], tmp_path: Path) -> None:
    first = seal_report(printed().pdf)
    assert first.test
    assert "proves nothing about who signed" in first.subject
    assert seal_report(printed().pdf).sha256 == first.sha256
    assert (tmp_path / "data" / "seal" / "seal.p12").stat().st_mode & 0o077 == 0
    seal |= {"KEY": str(with_password(tmp_path, b"long")), "PASSWORD": "long"}
    assert not seal_report(printed().pdf).test
    for change, told in (
        ({"PASSWORD": "short"}, "password is another"),
        ({"KEY": str(tmp_path / "none.p12")}, "cannot be read: No such file"),
        ({"KEY": "pkcs11:token=Seal"}, "needs token, object and module-path|needs the extra"),
        ({"KEY": "", "TIME": "http://127.0.0.1:9/tsr"}, "could not be sealed"),
    ):
        seal |= change
        enable_socket()
        with pytest.raises(SealError, match=told):
            seal_report(printed().pdf)


def test_it_asks_an_authority_for_the_time(seal: dict[str, str], tmp_path: Path) -> None:
    enable_socket()
    with stamping(tmp_path) as url:
        seal["TIME"] = url
        stamped = seal_report(printed().pdf)
    assert stamped.pdf.startswith(printed().pdf)
    assert "060b2a864886f70d010910020e" in stamped.pdf.decode("latin-1").lower(), (
        "id-aa-timeStampToken (RFC 3161, App. A)"
    )


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seal: dict[str, str]) -> str:
    """A SoftHSM token with the test key and its certificate; returns its URI."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    key, certificate, _ = pkcs12.load_key_and_certificates(with_password(tmp_path, b"p").read_bytes(), b"p")
    plain = serialization.NoEncryption()
    (tmp_path / "k").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    (tmp_path / "c").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    for command in (
        ["softhsm2-util", "--init-token", "--free", "--label", "Seal", "--pin", "1234", "--so-pin", "5678"],
        ["softhsm2-util", "--import", "k", "--token", "Seal", "--label", "seal", "--id", "01", "--pin", "1234"],
        [*f"pkcs11-tool --module {MODULE} --token-label Seal --pin 1234 --write-object c --type cert".split(),
         "--label", "seal", "--id", "01"],
    ):  # fmt: skip
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return f"pkcs11:token=Seal;object=seal?module-path={MODULE}"


@pytest.mark.skipif(
    sealkeys.PKCS11Signer is None or not MODULE.exists() or not shutil.which("pkcs11-tool"),
    reason="The extra pkcs11, SoftHSM (softhsm2) or pkcs11-tool (opensc) is not installed",
)
def test_it_signs_with_a_key_on_a_token(seal: dict[str, str], token: str) -> None:
    seal |= {"KEY": token, "PASSWORD": "1234"}
    for _ in range(2):  # the first left the token: it takes one log-in at a time
        assert not seal_report(printed().pdf).test
    seal["PASSWORD"] = "4321"
    with pytest.raises(SealError, match="'Seal' cannot be opened: PinIncorrect"):
        seal_report(printed().pdf)
