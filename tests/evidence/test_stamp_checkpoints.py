"""RFC 3161: an authority of OpenSSL's stamps checkpoints, by HTTP and by files; what does not verify claims nothing."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from evidence import queries as facts
from evidence.anchoring import AnchorError, anchor
from evidence.queries import ledger_facts
from evidence.timestamps import TimestampError, make_query, token_time
from ledger.queries import anchors, notes_of
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.evidence.authority import openssl_accepts, stamping

NO_OPENSSL = shutil.which("openssl") is None
pytestmark = [
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(NO_OPENSSL, reason="openssl is not installed: it plays the authority"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running authority and its folder."""
    home = tmp_path_factory.mktemp("tsa")
    with stamping(home) as url:
        yield url, home


@pytest.fixture
def home(authority: tuple[str, Path], settings: Settings) -> Path:
    """The authority is set for every tenant."""
    url, home = authority
    settings.COUNTERSIGN_HOLDERS = f"* tsa {url} {home}/ca.pem Example Trust Services"
    (home / "chain").unlink(missing_ok=True)
    return home


@pytest.mark.django_db
def test_a_token_is_had_checked_and_carries_the_claim(
    bpo: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert anchor(bpo) == 1
    monkeypatch.setattr(facts, "is_separate", lambda: True)
    with tenant_scope(bpo):
        (row,) = anchors(bpo.uuid)
        note = notes_of(bpo.uuid, 1, [row.size])[row.size].encode()
        found = ledger_facts(bpo)
    assert (row.kind, row.holder, found.tier) == ("tsa", "Example Trust Services", "T3")
    assert found.held.since == row.stated_at == token_time(bytes(row.answer), note, row.key)
    assert openssl_accepts(home, note, bytes(row.answer))
    with pytest.raises(TimestampError, match="does not verify here"):
        token_time(bytes(row.answer), note + b"x", row.key)
    settings.COUNTERSIGN_HOLDERS = f"* tsa http://tsa.example {home}/tsa.pem Example Trust Services"
    with tenant_scope(bpo):
        assert ledger_facts(bpo).tier == "T2", "under certificates that are not its own it is nobody's"


@pytest.mark.django_db
def test_a_token_that_cannot_be_read_here_is_kept_and_claims_nothing(
    bpo: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL writes the chain's certificates in an order that is not DER's."""
    (home / "chain").touch()
    with pytest.raises(AnchorError, match=r"does not verify here.*By hand: openssl ts -verify"):
        anchor(bpo)
    monkeypatch.setattr(facts, "is_separate", lambda: True)
    with tenant_scope(bpo):
        (row,) = anchors(bpo.uuid)
        note = notes_of(bpo.uuid, 1, [row.size])[row.size].encode()
        assert (row.holder, ledger_facts(bpo).tier) == ("", "T2")
    assert openssl_accepts(home, note, bytes(row.answer)), "it is kept as it came"


@pytest.mark.django_db
def test_it_is_carried_by_hand(bpo: Tenant, home: Path, tmp_path: Path) -> None:
    call_command("timestamp", "query", str(tmp_path), "--tenant", bpo.slug, stdout=StringIO())
    reply = ["openssl", "ts", "-reply", "-config", str(home / "config"), "-queryfile", str(tmp_path / "checkpoint.tsq")]
    token = subprocess.run(reply, capture_output=True, check=True).stdout
    (tmp_path / "checkpoint.tsr").write_bytes(token)
    out = StringIO()
    call_command("timestamp", "keep", str(tmp_path), "--tenant", bpo.slug, stdout=out)
    assert "Example Trust Services holds" in out.getvalue()
    with tenant_scope(bpo):
        assert [row.place for row in anchors(bpo.uuid)] == ["by hand"]
    (tmp_path / "checkpoint.txt").write_text("another", encoding="utf-8")
    with pytest.raises(CommandError, match="no checkpoint that the log's signer published"):
        call_command("timestamp", "keep", str(tmp_path), "--tenant", bpo.slug)


def test_without_the_extra_it_says_so() -> None:
    code = (
        "import sys; sys.modules['rfc3161_client'] = None\n"
        "from evidence.timestamps import TimestampError, make_query\n"
        "try:\n    make_query(b'x')\nexcept TimestampError as fault:\n    print(fault)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "uv sync --inexact --extra timestamps" in told.stdout
    assert len(make_query(b"x")) > 50
