"""Delivering what a system exports: by its reader, by a saved mapping, on the page, and over a connection."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from identities.actions import SystemFacts, import_snapshot, save_list_mapping, save_system
from identities.csvtable import BadFile
from identities.kinds import ListFormat, SnapshotUpload
from identities.listmodels import ListMapping
from identities.models import Grant, Snapshot, System
from identities.queries import snapshot_holds
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tests import make
from tests.database import admin_dsn
from tests.identities.readers.test_read_cloud_lists import AWS
from tests.identities.readers.test_read_directories import FILES, tape
from tests.identities.test_read_tables import EXPORT, MAPPING, workbook

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.fixture
def officer(carla: User, in_bpo: Tenant) -> Actor:
    return make.actor(carla, in_bpo)


@pytest.fixture
def crm(officer: Actor) -> System:
    return save_system(facts=SystemFacts("CRM", "crm", "none: a system of the tests"), by=officer)


def deliver(system: System, by: Actor, form: str, body: bytes, total: int, **more: object) -> Snapshot:
    upload = SnapshotUpload(body, DAY, total, "export", delivered_by="Ines", form=form, **more)
    return import_snapshot(system=system, upload=upload, by=by)


def page(name: str) -> str:
    return reverse(f"identities:{name}", args=["northwind", "crm"])


def test_a_total_of_accounts_is_compared_with_accounts(crm: System, officer: Actor) -> None:
    snapshot = deliver(crm, officer, ListFormat.LINUX, tape(FILES), 6)
    assert (snapshot.complete, snapshot.record_total, snapshot.difference) == (True, 6, 0)
    assert snapshot.row_total == Grant.objects.filter(until=None).count() > 6
    assert snapshot_holds(snapshot)
    assert Grant.objects.get(account__name="ana", entitlement__key="sudo ALL as ALL:ALL").inherited_via == "group sudo"
    short = deliver(crm, officer, ListFormat.AWS_IAM, AWS.encode(), 5)
    assert (short.complete, short.difference) == (False, 1)
    assert AuditEntry.objects.filter(verb="snapshot.import", detail__format="aws_iam", detail__records=4).exists()


def test_a_mapping_is_tried_saved_and_sealed_with_the_snapshot(crm: System, officer: Actor, carla: User) -> None:
    client = make.login(carla)
    shown = client.post(page("columns"), {"file": SimpleUploadedFile("x.csv", EXPORT.encode()), "preview": "1"})
    text = shown.content.decode()
    assert (shown.status_code, "Line 3, column &#x27;entitlement&#x27; is empty." in text) == (200, True)
    typed = {"sample": EXPORT, "separator": ",", **MAPPING["columns"]}
    tried = client.post(page("columns"), {**typed, "preview": "1"}).content.decode()
    assert ("2 lines of the sample, 3 grants" in tried, Snapshot.objects.count()) == (True, 0)
    assert client.post(page("columns"), {**typed, "save": "1"})["Location"] == page("upload")
    assert ListMapping.objects.get().mapping == {**MAPPING, "sheet": ""}
    captured = timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    file = SimpleUploadedFile("crm.xlsx", workbook(*(line.split(";") for line in EXPORT.splitlines())))
    told = {"source_total": 2, "captured_at": captured, "delivered_by": "Ines", "list_format": "mapped", "file": file}
    answer = client.post(page("upload"), told, follow=True).content.decode()
    assert "Lines in the file" in answer
    assert "user name is account" in answer
    assert (Snapshot.objects.get().complete, Snapshot.objects.get().mapping["separator"]) == (True, ",")


def test_a_renamed_column_is_told_and_nothing_is_stored(crm: System, officer: Actor) -> None:
    renamed = EXPORT.replace("User Name", "Username").encode()
    with pytest.raises(BadFile, match="It may be called 'username' now"):
        deliver(crm, officer, ListFormat.MAPPED, renamed, 2, mapping=MAPPING)
    assert not Snapshot.objects.exists()


def test_who_may_not_change_the_register_saves_no_mapping(crm: System, ana: User, in_bpo: Tenant, carla: User) -> None:
    with pytest.raises(Refused, match="save a mapping"):
        save_list_mapping(system=crm, mapping=MAPPING, by=make.actor(ana, in_bpo))
    assert make.login(ana).get(page("columns")).status_code == 403
    refused = make.login(carla).post(page("columns"), {"sample": EXPORT, "account": "user name", "save": "1"})
    assert (refused.status_code, ListMapping.objects.count()) == (422, 0)


def test_the_page_says_how_each_file_is_got_and_refuses_to_read_by_no_mapping(crm: System, carla: User) -> None:
    client = make.login(carla)
    text = client.get(page("upload")).content.decode()
    assert "pg_auth_members" in text
    assert "getent passwd &gt; passwd" in text
    told = {"list_format": "mapped", "source_total": 1, "captured_at": "2026-01-01T08:00", "delivered_by": "I"}
    answer = client.post(page("upload"), {**told, "file": SimpleUploadedFile("a.csv", b"a")})
    assert (answer.status_code, "No mapping is saved" in answer.content.decode()) == (422, True)


def test_a_server_is_read_over_a_connection_without_changing_it(crm: System) -> None:
    said = io.StringIO()
    dsn = make_conninfo(admin_dsn(), dbname=connection.settings_dict["NAME"])
    call_command("read_grants", dsn, tenant="northwind", system="crm", stdout=said)
    snapshot = Snapshot.objects.get()
    assert (snapshot.complete, snapshot.list_format) == (True, "postgres")
    assert "pg_auth_members" in snapshot.query
    assert Grant.objects.filter(account__name="countersign_app", entitlement__key="LOGIN").exists()
    assert f"{snapshot.row_total:,} grants" in said.getvalue()
    for wrong in ({"tenant": "nobody", "system": "crm"}, {"tenant": "northwind", "system": "erp"}):
        with pytest.raises(CommandError, match="There is no"):
            call_command("read_grants", dsn, **wrong)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("read_grants", "host=/nowhere dbname=x", tenant="northwind", system="crm")
