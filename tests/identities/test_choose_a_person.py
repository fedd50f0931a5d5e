"""Choosing a person in a form: suggestions of a few, a search for the others, and typed text that names one person."""

import pytest
from django.db import connection
from django.forms import ValidationError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from identities.actions import SystemFacts, save_system, upsert_identities
from identities.models import Identity, System
from identities.personfield import SHOWN, person_named
from identities.queries import people
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make

pytestmark = pytest.mark.django_db

NAMED = b"""external_id,name,email
E1,Ana Ruiz,ana@example.org
E2,Bob Lim,bob@example.org
E3,Bob Lim,lim@example.org
E4,E1,
"""
TYPED = {"name": "CRM", "key": "crm", "criticality": "high", "data_class": "personal", "privileged_rule": "admin*"}


def page(name: str, *args: object) -> str:
    return reverse(f"identities:{name}", args=["northwind", *args])


@pytest.fixture
def client(in_bpo: Tenant, carla: User) -> Client:
    """The officer's browser, and four people in the register."""
    upsert_identities(body=NAMED, by=make.actor(carla, in_bpo))
    browser = Client()
    browser.force_login(carla)
    return browser


def crowd(tenant: Tenant, carla: User, count: int) -> None:
    """Put more people into the register."""
    lines = "".join(f"C{n},Crowd {n:03d},c{n}@example.org\n" for n in range(count))
    upsert_identities(body=f"external_id,name,email\n{lines}".encode(), by=make.actor(carla, tenant))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Ana Ruiz (E1)", "E1"),
        ("  ana   ruiz ", "E1"),
        ("ANA@example.org", "E1"),
        ("E1", "E1"),
        ("E1 (E4)", "E4"),
        ("Bob Lim (E3)", "E3"),
        ("lim@example.org", "E3"),
    ],
)
def test_typed_text_names_one_person(client: Client, typed: str, found: str) -> None:
    answer = client.post(page("system_new"), {**TYPED, "owner": typed})
    assert answer.status_code == 302
    owner = System.objects.get().owner
    assert owner is not None
    assert owner.external_id == found


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("bob lim", "More than one person is called that: Bob Lim (E2), Bob Lim (E3)."),
        ("Ana", "Nobody here is called that."),
        ("Bob Lim (E1)", "Nobody here is called that."),
        ("a\x00b", "Names hold no control characters."),
    ],
)
def test_text_that_names_nobody_or_two_is_refused(client: Client, typed: str, sentence: str) -> None:
    answer = client.post(page("system_new"), {**TYPED, "owner": typed})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not System.objects.exists()


def test_a_person_of_another_tenant_is_nobody(bpo: Tenant, strangers: Tenant, stella: User, carla: User) -> None:
    with tenant_scope(strangers):
        upsert_identities(body=b"external_id,name,email\nX9,Xena,xena@example.org\n", by=make.actor(stella, strangers))
        assert Identity.objects.get().external_id == "X9"
    with tenant_scope(bpo), pytest.raises(ValidationError, match="Nobody here"):
        person_named(people, "X9")
    client = Client()
    client.force_login(carla)
    assert "Xena" not in client.get(page("people_choices"), {"field": "owner", "owner": "xen"}).content.decode()


def test_the_search_answers_a_few_people_that_fit(client: Client, in_bpo: Tenant, carla: User) -> None:
    crowd(in_bpo, carla, SHOWN + 5)
    choices = page("people_choices")
    some = client.get(choices, {"field": "owner", "owner": "bob"}).content.decode()
    assert some.count("<option") == 2
    assert '<option value="Bob Lim (E3)">lim@example.org</option>' in some
    assert client.get(choices, {"field": "owner", "owner": "crowd"}).content.decode().count("<option") == SHOWN
    assert client.get(choices, {"field": "owner", "owner": "no\x00body"}).content.decode().count("<option") == 0


def test_the_form_costs_the_same_whatever_the_number_of_people(client: Client, in_bpo: Tenant, carla: User) -> None:
    owner = Identity.objects.get(external_id="E2")
    save_system(facts=SystemFacts("CRM", "crm", "admin*", owner=owner), by=make.actor(carla, in_bpo))
    client.get(page("system_edit", "crm"))
    with CaptureQueriesContext(connection) as before:
        text = client.get(page("system_edit", "crm")).content.decode()
    assert 'value="Bob Lim (E2)"' in text.partition("<datalist")[0]
    crowd(in_bpo, carla, SHOWN + 5)
    with CaptureQueriesContext(connection) as after:
        text = client.get(page("system_edit", "crm")).content.decode()
    assert len(after) == len(before)
    assert text.partition("<datalist")[2].count("<option") < SHOWN + 20, "with the other lists of the form"
    assert "Crowd 024" not in text
