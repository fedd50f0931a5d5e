"""The list of people in the columns of its system of record: mapped once, tried on a sample, then read by it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from identities.listmodels import ListMapping
from identities.models import Identity
from tenants.models import AuditEntry, Tenant, User
from tests import make

pytestmark = pytest.mark.django_db
EXPORT = """Employee ID;Full Name;Work Email;Supervisor;LOB;Hire Date;Badge
7;Ana Ruiz;ana.ruiz@example.org;9;Acme;2024-02-01;x
9;Tove Lind;;;Acme;2020-02-01;y
"""


def page(name: str) -> str:
    return reverse(f"identities:{name}", args=["northwind"])


def file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("people.csv", text.encode())


def test_a_list_of_people_is_mapped_once_and_read_by_it(carla: User, in_bpo: Tenant) -> None:
    client = make.login(carla)
    by_mapping = {"list_format": "mapped", "source_total": 2}
    refused = client.post(page("people_upload"), {**by_mapping, "file": file(EXPORT)})
    assert "No mapping of people is saved" in refused.content.decode()
    shown = client.post(page("people_columns"), {"file": file(EXPORT), "preview": "1"}).content.decode()
    for guessed in ("employee id", "full name", "work email", "supervisor", "lob", "hire date"):
        assert f'<option value="{guessed}" selected>' in shown
    assert "2 lines of the sample" in shown
    assert '<td data-label="Manager&#x27;s id">9</td>' in shown.replace("Manager's id", "Manager&#x27;s id")
    columns = {"external_id": "employee id", "name": "full name", "manager": "supervisor", "programme": "lob"}
    columns |= {"email": "work email", "employed_from": "hire date"}
    missing = client.post(page("people_columns"), {"sample": EXPORT, **columns, "name": "", "save": "1"})
    assert (missing.status_code, ListMapping.objects.count()) == (422, 0)
    saved = client.post(page("people_columns"), {"sample": EXPORT, **columns, "save": "1"})
    assert saved["Location"] == page("people_upload")
    done = client.post(page("people_upload"), {**by_mapping, "file": file(EXPORT)})
    ana = Identity.objects.get(external_id="7")
    assert (done.status_code, ana.name, ana.programme, ana.manager.external_id) == (200, "Ana Ruiz", "Acme", "9")
    kept = AuditEntry.objects.get(verb="people.import").detail["mapping"]
    assert kept == {"columns": columns, "separator": "", "sheet": ""}
    renamed = client.post(
        page("people_upload"), {**by_mapping, "file": file(EXPORT.replace("Full Name", "Full Names"))}
    )
    assert "It may be called &#x27;full names&#x27; now" in renamed.content.decode()


def test_there_is_one_mapping_of_people_and_who_may_not_manage_saves_none(ana: User, in_bpo: Tenant) -> None:
    assert make.login(ana).get(page("people_columns")).status_code == 403
    told = {"mapping": {}, "saved_at": timezone.now(), "saved_by": "x"}
    ListMapping.objects.create(**told)
    with pytest.raises(IntegrityError, match="people_have_one_list_mapping"), transaction.atomic():
        ListMapping.objects.create(**told)
