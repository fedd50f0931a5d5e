"""Growth between two printed checkpoints, by page and command, and the tree as static files."""

import base64
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger.kinds import SignedCheckpoint
from ledger.merkle import ProofError, root_of
from ledger.notes import NoteError, parse_vkey
from ledger.proofs import format_growth, parse_growth, verify_growth
from ledger.queries import verifier_key
from ledger.signer import sign_now
from ledger.tiles import split
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make

pytestmark = pytest.mark.django_db


def grow(tenant: Tenant, deeds: int) -> SignedCheckpoint:
    """Write deeds and sign them."""
    with tenant_scope(tenant):
        for _ in range(deeds):
            audit("test.deed", by=Actor.system("tests", tenant.pk))
    return sign_now(tenant.uuid)


def key(tenant: Tenant) -> str:
    """The ledger key."""
    with tenant_scope(tenant):
        return verifier_key(tenant.uuid)


def test_the_page_gives_a_proof_that_verifies(bpo: Tenant, carla: User) -> None:
    old, new = grow(bpo, 3), grow(bpo, 9)
    grow(bpo, 1)
    browser = make.login(carla)
    answer = browser.get(f"/t/{bpo.slug}/ledger/growth.txt", {"old": old.size, "new": new.size})
    assert answer["Content-Disposition"] == 'attachment; filename="growth.txt"'
    verifiers = [parse_vkey(key(bpo))]
    assert verify_growth(old.note, answer.content.decode(), verifiers) == (old.size, new.size)
    for asked in ({"old": old.size, "new": new.size - 1}, {"old": new.size + 9}, {"old": ""}):
        refused = browser.get(f"/t/{bpo.slug}/ledger/growth.txt", asked)
        assert refused.status_code == 400
        assert "Compare two checkpoints" in refused.content.decode()


def test_the_command_proves_from_a_kept_file(bpo: Tenant, tmp_path: Path) -> None:
    old, new = grow(bpo, 3), grow(bpo, 9)
    (tmp_path / "march.txt").write_text(old.note, encoding="utf-8")
    out = StringIO()
    call_command("prove_growth", str(tmp_path / "march.txt"), "--tenant", bpo.slug, "--key", key(bpo), stdout=out)
    assert verify_growth(old.note, out.getvalue(), [parse_vkey(key(bpo))]) == (old.size, new.size)
    with pytest.raises(CommandError, match="has no checkpoint of 7 entries"):
        call_command("prove_growth", "1", "7", "--tenant", bpo.slug)
    with pytest.raises(CommandError, match="no tenant nobody"):
        call_command("prove_growth", "1", "--tenant", "nobody")


def test_a_false_proof_is_refused(bpo: Tenant, acme: Tenant) -> None:
    old, new = grow(bpo, 3), grow(bpo, 9)
    with tenant_scope(bpo):
        verifiers = [parse_vkey(verifier_key(bpo.uuid))]
    good = format_growth(old.size, [bytes(32)] * 3, new.note)
    with pytest.raises(ProofError):
        verify_growth(old.note, good, verifiers)
    with pytest.raises(NoteError, match="begins at another"):
        verify_growth(old.note, format_growth(old.size - 1, [], new.note), verifiers)
    with pytest.raises(NoteError):
        verify_growth(old.note, good, [parse_vkey(key(acme)) if grow(acme, 1) else verifiers[0]])
    for text in ("", "old 01\n\nx", "old 1\nnot base64\n\nx", f"old 1\n{base64.b64encode(b'x').decode()}\n\nx"):
        with pytest.raises(NoteError):
            parse_growth(text)


def test_the_exported_tree_gives_the_signed_root(bpo: Tenant, tmp_path: Path) -> None:
    signed = grow(bpo, 600)
    out = StringIO()
    for _ in range(2):
        call_command("export_tiles", str(tmp_path), "--tenant", bpo.slug, stdout=out)
    assert (tmp_path / "checkpoint").read_text(encoding="utf-8") == signed.note
    width = signed.size % 256
    names = ["tile/0/000", "tile/0/001", f"tile/0/002.p/{width}"]
    leaves = [leaf for name in names for leaf in split((tmp_path / name).read_bytes())]
    assert (len(leaves), root_of(leaves)) == (signed.size, signed.root)
    assert split((tmp_path / "tile/1/000.p/2").read_bytes()) == [root_of(leaves[:256]), root_of(leaves[256:512])]
    first, second = out.getvalue().splitlines()
    assert "4 tiles written" in first
    assert "2 tiles written" in second
