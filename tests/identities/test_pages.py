"""The register's pages: who sees them, what an upload answers, and that lists cost the same whatever their length."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from identities.actions import SystemFacts, save_system
from identities.models import Identity, Snapshot, System
from tenants.models import Tenant, User, Work
from tests import make

pytestmark = pytest.mark.django_db

LIST = b"account,entitlement,person\nana,agent,E1\nbob,admin,E2\n"


@pytest.fixture
def crm(carla: User, in_bpo: Tenant) -> System:
    return save_system(facts=SystemFacts("CRM", "crm", "admin*"), by=make.actor(carla, in_bpo))


def page(name: str, *args: object) -> str:
    return reverse(f"identities:{name}", args=["northwind", *args])


def delivery(body: bytes = LIST, total: int = 2, days_ago: int = 1) -> dict[str, object]:
    captured_at = timezone.localtime(timezone.now() - timedelta(days=days_ago))
    return {
        "file": SimpleUploadedFile("crm.csv", body),
        "source_total": total,
        "captured_at": captured_at.strftime("%Y-%m-%dT%H:%M"),
        "delivered_by": "Ines, CRM team",
    }


def test_an_upload_ends_at_the_snapshot_with_its_proof(crm: System, carla: User) -> None:
    client = make.login(carla)
    answer = client.post(page("upload", "crm"), delivery())
    snapshot = Snapshot.objects.get()
    assert answer["Location"] == page("snapshot", snapshot.pk)
    text = client.get(answer["Location"]).content.decode()
    assert snapshot.digest in text
    assert "The stored rows give the sealed digest again." in text
    assert "Ines, CRM team" in text
    assert "admin" in client.get(page("system", "crm"), {"privileged": "1"}).content.decode()


def test_an_incomplete_upload_says_so(crm: System, carla: User) -> None:
    answer = make.login(carla).post(page("upload", "crm"), delivery(total=5), follow=True)
    assert "This snapshot is incomplete." in answer.content.decode()


def test_a_bad_file_is_answered_with_its_sentence(crm: System, carla: User) -> None:
    answer = make.login(carla).post(page("upload", "crm"), delivery(b"account,entitlement\nbob,=1+1\n"))
    assert answer.status_code == 422
    assert "Line 2, column &#x27;entitlement&#x27; begins with" in answer.content.decode()
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(("name", "arguments"), [("upload", ("crm",)), ("people_upload", ())])
def test_a_file_that_is_too_big_is_refused_unread(
    crm: System, carla: User, monkeypatch: pytest.MonkeyPatch, name: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("identities.forms.MAX_BYTES", 10)
    answer = make.login(carla).post(page(name, *arguments), delivery())
    assert (answer.status_code, "at most 10 are read" in answer.content.decode()) == (422, True)


def test_a_big_upload_is_work_that_shows_its_progress(crm: System, carla: User) -> None:
    rows = b"".join(b"user%05d,agent,\n" % n for n in range(20_000))
    answer = make.login(carla).post(page("upload", "crm"), delivery(b"account,entitlement,person\n" + rows, 20_000))
    work = Work.objects.get()
    assert answer["Location"] == reverse("tenants:work", args=["northwind", work.pk])
    assert (work.job, work.state) == ("identities.jobs.import_snapshot_file", "queued")


def test_people_are_imported_on_a_page(carla: User, in_bpo: Tenant) -> None:
    client = make.login(carla)
    file = SimpleUploadedFile("people.csv", b"external_id,name\nE1,Ana Ruiz\n")
    assert client.post(page("people_upload"), {"file": file}).status_code == 200
    assert "Ana Ruiz" in client.get(page("people")).content.decode()
    bad = SimpleUploadedFile("people.csv", b"id,name\nE1,Ana\n")
    assert client.post(page("people_upload"), {"file": bad}).status_code == 422
    assert Identity.objects.count() == 1


def test_a_system_is_added_with_its_rule(carla: User, in_bpo: Tenant) -> None:
    typed = {
        "name": "Billing",
        "key": "billing",
        "criticality": "high",
        "data_class": "personal",
        "privileged_rule": "none: x",
    }
    client = make.login(carla)
    assert "at least 10 characters" in client.post(page("system_new"), typed).content.decode()
    client.post(page("system_new"), {**typed, "privileged_rule": "none: read-only reports"})
    assert System.objects.get().privileged_rule == "none: read-only reports"
    assert client.post(page("system_new"), {**typed, "privileged_rule": "admin*"}).status_code == 422


@pytest.mark.parametrize("name", ["register", "people"])
def test_the_analyst_reads_and_changes_nothing(name: str, crm: System, ana: User, remy: User) -> None:
    assert make.login(ana).get(page(name)).status_code == 200
    assert make.login(remy).get(page(name)).status_code == 403
    assert make.login(ana).post(page("upload", "crm"), delivery()).status_code == 403


def test_a_stranger_finds_nothing(stella: User, crm: System) -> None:
    assert make.login(stella).get(page("system", "crm")).status_code == 404


def test_the_register_costs_the_same_whatever_its_length(crm: System, carla: User, in_bpo: Tenant) -> None:
    client = make.login(carla)
    client.get(page("register"))
    with CaptureQueriesContext(connection) as before:
        client.get(page("register"))
    for n in range(3):
        save_system(facts=SystemFacts(f"System {n}", f"s{n}", "admin*"), by=make.actor(carla, in_bpo))
        client.post(page("upload", f"s{n}"), delivery())
    with CaptureQueriesContext(connection) as after:
        client.get(page("register"))
    assert len(after) <= len(before) + 1
