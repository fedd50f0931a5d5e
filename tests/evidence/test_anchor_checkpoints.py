"""Anchors: a checkpoint a day leaves the host, whoever loses one is found out, and a claim lasts two days."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from evidence import queries as facts
from evidence.actions import keep_anchor
from evidence.anchoring import AnchorError, anchor
from evidence.findings import FailureClass
from evidence.holders import Receipt
from evidence.jobs import anchor_ledger
from evidence.queries import ledger_facts
from ledger.models import Anchor
from ledger.queries import anchors
from ledger.signer import sign_now
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.database import FreshDatabase
from tests.evidence.attacks import superuser, tail_cut
from tests.evidence.test_verify_ledger import World


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A folder that takes anchors."""
    settings.COUNTERSIGN_ANCHOR_FOLDER = str(tmp_path / "worm")
    settings.COUNTERSIGN_ANCHOR_HOLDER = "Vault Ltd"
    return tmp_path / "worm"


@pytest.fixture
def world(fresh_database: FreshDatabase, tmp_path: Path, settings: Settings) -> Iterator[World]:
    """A whole world with a signer of its own."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    yield World(fresh_database)
    connection.close()


@pytest.mark.django_db
def test_the_folder_takes_it_once_and_never_another(bpo: Tenant, folder: Path) -> None:
    assert anchor_ledger(Silent(), bpo) == {"places": 1}
    (path,) = folder.rglob("*.txt")
    assert path.stat().st_mode & 0o222 == 0
    with tenant_scope(bpo):
        (row,) = anchors(bpo.uuid)
        assert AuditEntry.objects.get(verb="ledger.anchor").detail["place"] == str(path)
    assert (row.kind, row.holder, path.name) == ("folder", "Vault Ltd", f"{row.size:015d}.txt")
    signed = sign_now(bpo.uuid)
    planted = path.with_name(f"{signed.size:015d}.txt")
    planted.write_text("another", encoding="utf-8")
    with pytest.raises(AnchorError, match="another checkpoint of the same size"):
        anchor(bpo)


@pytest.mark.django_db
def test_it_is_mailed_attached_to_clients_and_auditors(bpo: Tenant, settings: Settings, axel: User, cleo: User) -> None:
    settings.COUNTERSIGN_ANCHOR_MAIL = True
    assert anchor(bpo) == 1
    assert len(mail.outbox) == len({address for letter in mail.outbox for address in letter.to}) >= 1
    with tenant_scope(bpo):
        (row,) = anchors(bpo.uuid)
        checkpoint = facts.ledger.latest_checkpoint(bpo.uuid)
    assert checkpoint is not None
    name, content, _kind = mail.outbox[0].attachments[0]
    assert (name, content) == ("checkpoint.txt", checkpoint.note)
    assert row.holder == ", ".join(sorted(letter.to[0] for letter in mail.outbox))


@pytest.mark.django_db
def test_nothing_is_done_where_nothing_is_set(bpo: Tenant) -> None:
    assert anchor(bpo) == 0
    with tenant_scope(bpo):
        assert anchors(bpo.uuid) == []


@pytest.mark.django_db
def test_the_claim_lasts_two_days_and_needs_a_name(
    bpo: Tenant, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, carla: User
) -> None:
    monkeypatch.setattr(facts, "is_separate", lambda: True)
    settings.COUNTERSIGN_ANCHOR_HOLDER = ""
    anchor(bpo)
    with tenant_scope(bpo):
        assert ledger_facts(bpo).tier == "T2"
    settings.COUNTERSIGN_ANCHOR_HOLDER = "Vault Ltd"
    anchor(bpo)
    with tenant_scope(bpo):
        assert ledger_facts(bpo).tier == "T3"
    assert "by Vault Ltd" in make.login(carla).get(f"/t/{bpo.slug}/ledger/").content.decode()
    now = facts.timezone.now()
    monkeypatch.setattr(facts.timezone, "now", lambda: now + timedelta(days=2, minutes=1))
    with tenant_scope(bpo):
        assert ledger_facts(bpo).tier == "T2"


@pytest.mark.django_db
def test_no_person_notes_one_and_none_is_changed(bpo: Tenant, folder: Path, olga: User) -> None:
    anchor(bpo)
    signed = sign_now(bpo.uuid)
    with tenant_scope(bpo):
        with pytest.raises(Refused):
            keep_anchor(signed=signed, receipt=Receipt("mail", "x", "x"), by=make.actor(olga, bpo))
        with pytest.raises(DatabaseError), transaction.atomic():
            Anchor.objects.all().delete()


def test_a_lost_anchor_and_a_cut_behind_it_are_found(world: World, folder: Path) -> None:
    anchor(world.tenant)
    report = world.verify()
    assert (report.findings.shown, report.held) == ([], 1)
    (path,) = folder.rglob("*.txt")
    path.rename(path.with_suffix(".gone"))
    assert set(world.verify().findings.counts) == {FailureClass.ANCHOR_MISSING}
    path.with_suffix(".gone").rename(path)
    with superuser(world.fresh.name) as db:
        tail_cut(db, world.tenant.uuid, 410)
    found = [finding.where for finding in world.verify().findings.shown]
    assert str(path) in found
