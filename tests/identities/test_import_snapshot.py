"""Importing a snapshot: what it stores, what it changes, and what it refuses."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.csvtable import BadFile
from identities.kinds import SnapshotUpload
from identities.models import Account, Entitlement, Grant, Identity, Snapshot, SnapshotRow, System
from identities.queries import identity_of_user, match_accounts, snapshot_holds
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tests import make

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 1, 8, tzinfo=UTC)
LIST = b"""account,entitlement,person,kind
Ana.Ruiz,agent,E1,human
bob,agent,E2,human
bob,admin_all,E2,human
backup,agent,,service
"""


@pytest.fixture
def officer(carla: User, in_bpo: Tenant) -> Actor:
    return make.actor(carla, in_bpo)


@pytest.fixture
def crm(officer: Actor) -> System:
    upsert_identities(body=b"external_id,name\nE1,Ana Ruiz\nE2,Bob Lim\n", by=officer)
    return save_system(facts=SystemFacts("CRM", "crm", "admin*\n"), by=officer)


def deliver(body: bytes, total: int, at: datetime = DAY) -> SnapshotUpload:
    return SnapshotUpload(body, at, total, "crm.csv", "none", "report 12", "Ines, CRM team")


def test_it_seals_a_complete_snapshot_and_fills_the_register(crm: System, officer: Actor) -> None:
    snapshot = import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    assert (snapshot.complete, snapshot.row_total, snapshot.difference) == (True, 4, 0)
    assert snapshot_holds(snapshot)
    why = Entitlement.objects.get(key="admin_all").privileged_why
    assert why == "The rule of this system counts 'admin*' as privileged."
    assert not Entitlement.objects.get(key="agent").privileged
    assert Account.objects.get(name_key="backup").identity is None
    assert Grant.objects.filter(until=None, since=DAY).count() == 4
    entry = AuditEntry.objects.get(verb="snapshot.import")
    assert (entry.detail["digest"], entry.detail["complete"]) == (snapshot.digest, True)


def test_it_matches_log_names_in_any_case(crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    found = match_accounts(crm.pk, {"ANA.ruiz", "ghost", " bob "})
    assert found == {
        "ANA.ruiz": Account.objects.get(name_key="ana.ruiz").pk,
        " bob ": Account.objects.get(name_key="bob").pk,
    }


def test_it_digests_the_same_grants_alike_in_any_order(crm: System, officer: Actor) -> None:
    lines = LIST.splitlines(keepends=True)
    first = import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    turned = import_snapshot(
        system=crm, upload=deliver(lines[0] + b"".join(reversed(lines[1:])), 4, DAY + timedelta(days=1)), by=officer
    )
    assert first.digest == turned.digest
    assert first.raw_sha256 != turned.raw_sha256


def test_an_incomplete_snapshot_says_so_and_ends_no_grant(crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    short = import_snapshot(
        system=crm, upload=deliver(b"account,entitlement\nbob,agent\n", 4, DAY + timedelta(days=1)), by=officer
    )
    assert (short.complete, short.difference) == (False, 3)
    assert Grant.objects.filter(until=None).count() == 4


def test_a_complete_snapshot_ends_what_is_gone_and_begins_what_is_new(crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    later = DAY + timedelta(days=30)
    body = b"account,entitlement,granted_at\nbob,agent,\nAna.Ruiz,agent,\nAna.Ruiz,export,2026-03-12\n"
    second = import_snapshot(system=crm, upload=deliver(body, 3, later), by=officer)
    assert set(Grant.objects.filter(until=later).values_list("account__name", "entitlement__key")) == {
        ("bob", "admin_all"),
        ("backup", "agent"),
    }
    fresh = Grant.objects.get(entitlement__key="export")
    assert (fresh.since, fresh.first_snapshot) == (datetime(2026, 3, 12, tzinfo=UTC), second)
    assert Account.objects.get(name_key="bob").identity == Identity.objects.get(external_id="E2")


def test_a_late_delivery_of_an_old_list_changes_no_grant(crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    import_snapshot(
        system=crm, upload=deliver(b"account,entitlement\nbob,agent\n", 1, DAY - timedelta(days=9)), by=officer
    )
    assert Grant.objects.filter(until=None).count() == 4


def test_an_empty_list_counts_only_if_the_system_said_zero(crm: System, officer: Actor) -> None:
    empty = b"account,entitlement\n"
    assert not import_snapshot(system=crm, upload=deliver(empty, 3), by=officer).complete
    assert import_snapshot(system=crm, upload=deliver(empty, 0, DAY + timedelta(days=1)), by=officer).complete


BAD = {
    b"account,role\nbob,agent\n": "lacks 'entitlement'",
    b"account,entitlement,mood\nbob,agent,good\n": "has 'mood', which is not understood",
    b"account,account,entitlement\na,b,c\n": "names 'account' more than once",
    b"account,entitlement\nbob,=cmd()\n": "begins with '='",
    b"account,entitlement\n@bob,agent\n": "begins with '@'",
    b"account,entitlement\nbob,agent\nBOB,agent\n": "Lines 2 and 3 both say",
    b"account,entitlement\nbob\n": "has 1 cells",
    b"account,entitlement\nb\xf3b,agent\n": "Line 2 is not UTF-8",
    "account,entitlement\nbob,agent\n".encode("utf-16"): "UTF-16",
    b"account,entitlement\nb\x00b,agent\n": "NUL bytes",
    b"account,entitlement,kind\nbob,agent,robot\n": "known are human",
    b"account,entitlement,enabled\nbob,agent,perhaps\n": "write yes or no",
    b"account,entitlement,granted_at\nbob,agent,2026-03-01 10:00\n": "without its offset",
    b"account,entitlement,granted_at\nbob,agent,2027-01-01\n": "after the list was captured",
    b"account,entitlement,approved_at\nbob,agent,2027-01-01\n": "approved for 'agent' after the list was captured",
    b"account,entitlement,approved_at\nbob,agent,soon\n": "column 'approved_at' is 'soon'",
    b'account,entitlement\n"bob,agent\n': "not valid CSV",
    b"account,entitlement\n,agent\n": "column 'account' is empty",
    b"  \n": "The file is empty",
    b"account,entitlement\n" + b"\n" * 500_000: "has 500,001 lines; at most 500,000",
}


@pytest.mark.parametrize("body", BAD, ids=[sentence.replace(" ", "-") for sentence in BAD.values()])
def test_it_refuses_a_bad_file_with_one_sentence_and_stores_nothing(body: bytes, crm: System, officer: Actor) -> None:
    with pytest.raises(BadFile) as refusal:
        import_snapshot(system=crm, upload=deliver(body, 1), by=officer)
    assert BAD[body] in refusal.value.sentence
    assert refusal.value.sentence.endswith(".")
    assert not Snapshot.objects.exists()
    assert not Account.objects.exists()
    assert not AuditEntry.objects.filter(verb="snapshot.import").exists()


def test_it_refuses_the_same_file_twice_and_a_list_from_the_future(crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    with pytest.raises(BadFile, match="already recorded"):
        import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    with pytest.raises(BadFile, match="in the future"):
        import_snapshot(system=crm, upload=deliver(LIST, 4, timezone.now() + timedelta(hours=1)), by=officer)


def test_an_analyst_may_not_import(crm: System, ana: User, in_bpo: Tenant) -> None:
    with pytest.raises(Refused, match="import a snapshot"):
        import_snapshot(system=crm, upload=deliver(LIST, 4), by=make.actor(ana, in_bpo))
    assert not Snapshot.objects.exists()


ATTACKS = {
    "UPDATE identities_snapshot SET complete = true": "permission denied",
    "DELETE FROM identities_snapshotrow": "permission denied",
    "TRUNCATE identities_snapshotrow": "permission denied",
    "INSERT INTO identities_snapshotrow (tenant_id, snapshot_id, n, account_id, entitlement_id, account_ref, "
    "account_kind, enabled, privileged, inherited_via, origin) SELECT tenant_id, snapshot_id, 5, account_id, "
    "entitlement_id + 1000, account_ref, account_kind, enabled, privileged, '', '' FROM identities_snapshotrow "
    "LIMIT 1": "is sealed with 4 rows",
}


@pytest.mark.parametrize("statement", ATTACKS)
def test_the_database_keeps_a_sealed_snapshot_as_it_is(statement: str, crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    with pytest.raises(DatabaseError, match=ATTACKS[statement]), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert SnapshotRow.objects.count() == 4


def test_the_database_refuses_overlapping_grants(crm: System, officer: Actor) -> None:
    import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    held = Grant.objects.filter(until=None).first()
    assert held is not None
    twin = Grant(
        account_id=held.account_id,
        entitlement_id=held.entitlement_id,
        since=DAY + timedelta(days=3),
        first_snapshot_id=held.first_snapshot_id,
        last_snapshot_id=held.last_snapshot_id,
    )
    with pytest.raises(IntegrityError, match="grant_periods_do_not_overlap"), transaction.atomic():
        twin.save()


def test_a_snapshot_with_fewer_rows_than_it_says_is_refused(crm: System, officer: Actor) -> None:
    snapshot = import_snapshot(system=crm, upload=deliver(LIST, 4), by=officer)
    snapshot.pk, snapshot.captured_at = None, DAY + timedelta(days=2)
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET CONSTRAINTS snapshot_is_full IMMEDIATE")
        with pytest.raises(DatabaseError, match="says 4 rows and has 0"), transaction.atomic():
            snapshot.save(force_insert=True)


def test_people_are_linked_to_users_managers_and_counted(officer: Actor, remy: User) -> None:
    body = b"external_id,name,email,manager\nE1,Remy,REMY@example.org,E2\nE2,Bob,,\n"
    answer = upsert_identities(body=body, by=officer)
    assert (answer.created, answer.updated, answer.unchanged) == (2, 0, 0)
    remys = identity_of_user(remy.pk)
    assert remys is not None
    assert remys.manager == Identity.objects.get(external_id="E2")
    again = upsert_identities(body=body.replace(b"Bob", b"Bea"), by=officer)
    assert (again.created, again.updated, again.unchanged) == (0, 1, 1)


def test_people_with_an_unknown_manager_are_refused(officer: Actor) -> None:
    with pytest.raises(BadFile, match="neither in this file nor known"), transaction.atomic():
        upsert_identities(body=b"external_id,name,manager\nE1,Ana,E9\n", by=officer)
    assert not Identity.objects.exists()


def test_an_analyst_may_not_import_people(ana: User, in_bpo: Tenant) -> None:
    with pytest.raises(Refused, match="import people"):
        upsert_identities(body=b"external_id,name\nE1,Ana\n", by=make.actor(ana, in_bpo))
