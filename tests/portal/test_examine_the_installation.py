"""The doctor tells a well installation from one that serves pages with the wrong rights."""

from pathlib import Path

import pytest
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from logs.partitions import make_partitions, months, partition_name
from logs.syslog.tls import OWN_CERTIFICATE, own_certificate
from portal import doctor
from portal.doctor import State
from tests import database


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """Look through the test's own connection ("progress" mirrors it anyway), with a signer that signed nothing yet."""
    monkeypatch.setattr(doctor, "ALIAS", "default")
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"


@pytest.mark.django_db
def test_the_app_role_of_a_migrated_database_is_well() -> None:
    states = {finding.name: finding for finding in doctor.examine()}
    assert {name for name, finding in states.items() if finding.state is State.ILL} == set(), states
    assert states["role"].sentence.startswith("The role countersign_app is no superuser")


@pytest.mark.django_db
def test_every_finding_is_a_full_sentence() -> None:
    for finding in doctor.examine():
        assert finding.sentence[0].isupper() or finding.sentence[0].isdigit()
        assert finding.sentence.endswith(".")


def test_it_tells_the_owner_from_the_app_role(fresh_database: database.FreshDatabase) -> None:
    database.use_role("owner", fresh_database.name)
    role = {finding.name: finding for finding in doctor.examine()}["role"]
    assert role.state is State.ILL
    assert "countersign_owner owns" in role.sentence


def test_it_names_a_table_whose_row_security_was_switched_off(fresh_database: database.FreshDatabase) -> None:
    with fresh_database.connect("owner") as connection:
        connection.execute("ALTER TABLE tenants_auditentry NO FORCE ROW LEVEL SECURITY")
    finding = {finding.name: finding for finding in doctor.examine()}["row security"]
    assert finding.state is State.ILL
    assert "tenants_auditentry" in finding.sentence


def test_it_names_the_first_missing_migration(fresh_database: database.FreshDatabase) -> None:
    with fresh_database.connect("owner") as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'portal' OR app = 'tenants'")
    finding = {finding.name: finding for finding in doctor.examine()}["migrations"]
    assert finding.state is State.ILL
    assert "migrations are missing" in finding.sentence


def test_it_names_missing_months_and_a_making_that_was_cut_short_is_made_good(
    fresh_database: database.FreshDatabase,
) -> None:
    look, now = dict(doctor._DATABASE_CHECKS)["months"], timezone.now()  # noqa: SLF001 -- alone: the others start programs
    gone: list[str] = []
    for ahead, state in ((3, State.CARE), (0, State.ILL)):
        gone.insert(0, partition_name(months(now.date(), ahead + 1)[-1][0]))
        with fresh_database.connect("owner") as connection:
            connection.execute(f"DROP TABLE {gone[0]}")  # type: ignore[call-overload]  # our own name
        assert look()[0] is state
    database.use_role("owner", fresh_database.name)
    with fresh_database.connect("owner", autocommit=False) as busy, connections["default"].cursor() as cursor:
        busy.execute("LOCK TABLE logs_accessevent IN SHARE UPDATE EXCLUSIVE MODE")
        cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            make_partitions(connections["default"], now=now)
    assert make_partitions(connections["default"], now=now) == gone
    assert look()[0] is State.WELL


@pytest.mark.django_db
def test_an_open_signers_key_is_bad(settings: Settings, tmp_path: Path) -> None:
    settings.COUNTERSIGN_DATA = tmp_path
    directory = settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    directory.mkdir(mode=0o755)
    key = directory / "key"
    key.write_text("secret")
    key.chmod(0o644)
    states = {finding.name: finding for finding in doctor.examine()}
    assert states["signer"].state is State.ILL
    assert "chmod 600" in states["signer"].sentence
    key.chmod(0o600)
    assert {finding.name: finding for finding in doctor.examine()}["signer"].state is State.WELL


@pytest.mark.django_db
def test_a_full_disk_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)
    assert {finding.name: finding for finding in doctor.examine()}["disk"].state is State.ILL


@pytest.mark.django_db
def test_it_names_the_certificate_of_the_syslog_door_and_an_open_key(settings: Settings, tmp_path: Path) -> None:
    settings.COUNTERSIGN_DATA = tmp_path
    assert "no certificate yet" in {one.name: one for one in doctor.examine()}["syslog"].sentence
    file = own_certificate(tmp_path / OWN_CERTIFICATE, "logs.example")
    found = {one.name: one for one in doctor.examine()}["syslog"]
    assert (found.state, "signed by itself, SHA-256 " in found.sentence) == (State.WELL, True)
    file.parent.chmod(0o755)
    file.chmod(0o644)
    assert {one.name: one for one in doctor.examine()}["syslog"].state is State.ILL
