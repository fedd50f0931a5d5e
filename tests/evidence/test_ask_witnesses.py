"""A tenant's witnesses: a real one cosigns what the log becomes, and its refusal is an alarm."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from evidence import queries as facts
from evidence.anchoring import HOURLY, AnchorError, anchor
from evidence.holders import HoldersError, holders_of, read_holders
from evidence.jobs import cosign_ledger
from evidence.queries import ledger_facts
from ledger.cosignatures import WitnessKey
from ledger.models import Anchor
from ledger.queries import anchors, verifier_key
from ledger.signer import sign_now
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests.database import FreshDatabase
from tests.evidence.attacks import superuser, tail_cut
from tests.evidence.test_verify_ledger import World
from tests.ledger.witnesses import Process, serving

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
def witness(tmp_path: Path, settings: Settings) -> Iterator[Process]:
    """A witness of the tenant's."""
    with serving(tmp_path / "home") as process:
        settings.COUNTERSIGN_HOLDERS = f"northwind witness {process.url}/ {process.vkey}  # the client's"
        yield process


def taken_up(witness: Process, tenant: Tenant) -> None:
    """Sign, and let the witness take up the log by the key of the contract."""
    sign_now(tenant.uuid)
    with tenant_scope(tenant):
        witness.trust(verifier_key(tenant.uuid))


@pytest.mark.django_db
def test_it_cosigns_each_hour_and_the_claim_rests_on_it(
    bpo: Tenant, acme: Tenant, witness: Process, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    taken_up(witness, bpo)
    assert cosign_ledger(Silent(), bpo) == {"cosigned": 1}
    assert cosign_ledger(Silent(), bpo) == {"cosigned": 1}, "it goes on with a proof"
    assert cosign_ledger(Silent(), acme) == {"cosigned": 0}, "another tenant's log is none of its business"
    monkeypatch.setattr(facts, "is_separate", lambda: True)
    with tenant_scope(bpo):
        first, second = reversed(anchors(bpo.uuid))
        assert AuditEntry.objects.filter(verb="ledger.anchor").count() == 2
        found = ledger_facts(bpo)
    assert (found.tier, found.held.name, found.held.size) == ("T4", "bank.example/witness", second.size)
    assert first.size < second.size
    assert found.held.since == second.stated_at
    settings.COUNTERSIGN_HOLDERS = f"* witness {witness.url} {WitnessKey('bank.example/witness', bytes(32)).vkey}"
    with tenant_scope(bpo):
        assert ledger_facts(bpo).tier == "T2", "a key that is not set carries no claim"


@pytest.mark.django_db
def test_a_row_that_a_database_administrator_writes_carries_no_claim(
    bpo: Tenant, witness: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_up(witness, bpo)
    anchor(bpo, HOURLY)
    monkeypatch.setattr(facts, "is_separate", lambda: True)
    with tenant_scope(bpo):
        row = anchors(bpo.uuid)[0]
        signed = sign_now(bpo.uuid)
        Anchor.objects.create(
            log_id=bpo.uuid, epoch=1, size=signed.size, kind="witness", place=row.place, holder=row.holder,
            answer=row.answer, key=row.key, stated_at=facts.timezone.now(), anchored_at=facts.timezone.now(),
        )  # fmt: skip
        assert ledger_facts(bpo).held.size == row.size


@pytest.mark.django_db
def test_what_goes_wrong_is_said(bpo: Tenant, witness: Process, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(AnchorError, match=r"did not cosign .* \(404\).* is not known"):
        anchor(bpo, HOURLY)
    taken_up(witness, bpo)
    wrong = WitnessKey("bank.example/witness", bytes(32)).vkey
    settings.COUNTERSIGN_HOLDERS = f"* witness {witness.url} {wrong}"
    with pytest.raises(AnchorError, match="no valid cosignature"):
        anchor(bpo, HOURLY)
    settings.COUNTERSIGN_ANCHOR_FOLDER, settings.COUNTERSIGN_ANCHOR_HOLDER = str(tmp_path / "worm"), "Vault Ltd"
    witness.kill()
    with pytest.raises(AnchorError, match=r"^witness: .*refused$"):
        anchor(bpo)
    with tenant_scope(bpo):
        assert [row.kind for row in anchors(bpo.uuid)] == ["folder"], "one that is away does not stop the others"
    witness.start()


def test_a_log_that_lost_its_tail_and_forgot_it_is_refused(
    fresh_database: FreshDatabase, witness: Process, signer_folder: Path
) -> None:
    """Root takes database and signer's state back behind a cosignature: nothing on this host shows it."""
    world = World(fresh_database)
    taken_up(witness, world.tenant)
    state = signer_folder / f"{world.tenant.uuid}-1.json"
    early = state.read_bytes()
    with tenant_scope(world.tenant):
        size = facts.ledger.head(world.tenant.uuid).size
    anchor(world.tenant, HOURLY)
    anchor(world.tenant, HOURLY)
    with superuser(world.fresh.name) as db:
        tail_cut(db, world.tenant.uuid, size)
    state.write_bytes(early)
    with pytest.raises(AnchorError, match="it was rolled back"):
        anchor(world.tenant, HOURLY)
    connection.close()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("* witness http://w", "Line 2 .* is not"),
        ("* folder http://w k", "is not"),
        ("* witness ftp://w k", "no http"),
        ("* witness http://w k", "no key of a witness"),
        ("* tsa http://w k", "names nobody"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, fault: str) -> None:
    with pytest.raises(HoldersError, match=fault):
        read_holders(f"# holders\n{line}")


def test_a_holder_belongs_to_its_tenant() -> None:
    key = WitnessKey("w", bytes(32)).vkey
    text = f"acme witness https://a {key}\n* tsa https://t /tsa.pem Example Trust"
    assert [row.name for row in holders_of(text, "acme", "witness")] == ["w"]
    assert holders_of(text, "northwind", "witness") == []
    assert [row.name for row in holders_of(text, "northwind", "tsa")] == ["Example Trust"]
