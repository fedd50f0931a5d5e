"""A rotated ledger key: announced in the log, followed by verifiers and packs, and never taken on trust."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from evidence.building import build_pack
from evidence.findings import FailureClass
from evidence.models import EvidencePack
from evidence.verification import HeldElsewhere, verify_tenant
from evidence.verifier.check import Pack
from evidence.verifier.primitives import Broken
from ledger.kinds import LeafKind
from ledger.notes import parse_vkey
from ledger.queries import key_links, verifier_key
from ledger.signer import sign_now
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.database import FreshDatabase
from tests.evidence.signing import data_of
from tests.evidence.test_verify_ledger import World

SIGNATURE = {FailureClass.SIGNATURE_INVALID}


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world with a signer of its own."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield World(fresh_database)
    connection.close()


def rotate(*arguments: str) -> str:
    """Run the command; return what it says."""
    out = StringIO()
    call_command("ledger_rotate", "--reason", "A person with access left", *arguments, stdout=out)
    return out.getvalue()


def test_the_log_holds_before_and_after_with_either_key(world: World, settings: Settings, tmp_path: Path) -> None:
    before = sign_now(world.tenant.uuid)
    assert "The master key" in rotate()
    world.deliver(b"cannot be read \xff\xfe\n")
    sign_now(world.tenant.uuid)
    report = world.verify()
    assert (report.findings.shown, report.signed_size) == ([], report.size)
    with tenant_scope(world.tenant):
        entry = AuditEntry.objects.get(verb="ledger.rotate")
        (link,) = key_links(world.tenant.uuid)
        assert verifier_key(world.tenant.uuid) == link.new
    assert (entry.leaf_kind, entry.detail["new_key"]) == (LeafKind.ROTATION, link.new)
    assert entry.detail["reason"] == "A person with access left"
    settings.COUNTERSIGN_SIGNER = tmp_path / "gone"
    for key in (link.old, link.new):
        held = HeldElsewhere((parse_vkey(key),), {"old.txt": before.note.encode()})
        report = verify_tenant(world.tenant, held=held)
        assert (report.findings.shown, report.key_from, report.held) == ([], "the reader", 1)


def test_a_key_that_nobody_announced_or_that_signs_alone_is_found(world: World) -> None:
    rotate()
    world.tamper("UPDATE tenants_auditentry SET leaf_kind = 10 WHERE verb = 'ledger.rotate'")
    assert set(world.verify().findings.counts) >= SIGNATURE
    world.tamper("UPDATE tenants_auditentry SET leaf_kind = 4 WHERE verb = 'ledger.rotate'")
    assert world.verify().holds
    with world.fresh.connect("owner", autocommit=False) as owner:
        world.enter(owner)
        row = owner.execute("SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        assert row is not None
        text, _, signatures = str(row[0]).rpartition("\n\n")
        alone = f"{text}\n\n{signatures.splitlines()[1]}\n"
        owner.execute("UPDATE ledger_checkpoint SET note = %s WHERE note = %s", [alone, row[0]])
    assert set(world.verify().findings.counts) == SIGNATURE


def test_the_command_says_what_is_missing(world: World) -> None:
    with pytest.raises(CommandError, match="no tenant nobody"):
        rotate("--tenant", "nobody")
    with pytest.raises(CommandError, match="auditors read it"):
        call_command("ledger_rotate", "--reason", " ")
    assert "The master key" not in rotate("--tenant", "northwind")
    world.tamper("UPDATE ledger_head SET root = decode(repeat('00', 32), 'hex')")
    with pytest.raises(CommandError, match="1 of the keys were not replaced"):
        rotate("--tenant", "northwind")


@pytest.mark.django_db
def test_packs_before_and_after_hold_with_the_first_key(bpo: Tenant, pack: Callable[..., EvidencePack]) -> None:
    def built() -> bytes:
        return data_of(bpo, build_pack(bpo, pack(("pci",)).pk, Silent()))

    early = Pack(built())
    with tenant_scope(bpo):
        first = verifier_key(bpo.uuid)
    rotate("--tenant", bpo.slug)
    data = built()
    late = Pack(data)
    assert early.check(None, first) == []
    assert late.check(None, first) == []
    assert late.manifest["ledger"]["key"] != first
    assert [link["old"] for link in late.manifest["ledger"]["chain"]] == [first]
    (link,) = late.manifest["ledger"]["chain"]
    text, _, signatures = link["note"].rpartition("\n\n")
    alone = link | {"note": f"{text}\n\n{signatures.splitlines()[1]}\n"}
    with pytest.raises(Broken, match="not valid for its text and the key"):
        late.check_chain(first, link["new"], [alone])
    stranger = first.replace(bpo.uuid.hex[:4], "ffff")
    assert Pack(data).check(None, stranger)[0][0] == "ledger key"


@pytest.mark.django_db
def test_the_page_knows_the_earlier_key(bpo: Tenant, carla: User) -> None:
    sign_now(bpo.uuid)
    with tenant_scope(bpo):
        first = verifier_key(bpo.uuid)
    rotate("--tenant", bpo.slug)
    page = make.login(carla).get(f"/t/{bpo.slug}/ledger/", {"key": first}).content.decode()
    assert "there it signed together with the next key" in page
    assert "Earlier ledger key" in page
