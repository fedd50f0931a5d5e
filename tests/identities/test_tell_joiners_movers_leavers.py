"""What a list of people tells against the one before it: who joined, moved, leaves, is missing, came back."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from identities.actions import upsert_identities
from identities.csvtable import BadFile
from identities.kinds import IdentityKind, PeopleAnswer
from identities.listmodels import PersonChange
from identities.models import Identity, PeopleFeed
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tests import make

pytestmark = pytest.mark.django_db
HEAD = "external_id,name,department,manager,programme,employed_until\n"
FIRST = HEAD + "M1,Mo,Ops,,,\nE1,Ana,Claims,M1,,\nE2,Bob,Claims,M1,Acme,\nE3,Cy,,M1,,\n"
SECOND = HEAD + "M1,Mo,Ops,,,\nE1,Ana,Sales,M1,,2030-01-31\nE2,Bob,Claims,,Zenith,\nE4,Dee,Claims,M1,,2031-01-31\n"
Import = Callable[..., PeopleAnswer]


@pytest.fixture
def load(carla: User, in_bpo: Tenant) -> Import:
    by: Actor = make.actor(carla, in_bpo)
    return lambda text, **more: upsert_identities(body=text.encode(), by=by, **more)


def told(answer: PeopleAnswer) -> set[tuple[str, ...]]:
    rows = PersonChange.objects.filter(feed_id=answer.feed_id)
    return set(rows.values_list("identity__external_id", "kind", "field", "before", "after"))


def test_a_list_tells_what_the_one_before_did_not(load: Import) -> None:
    first = load(FIRST)
    assert (told(first), first.joined) == (set(), 0)
    second = load(SECOND)
    assert told(second) == {
        ("E1", "moved", "department", "Claims", "Sales"),
        ("E1", "left", "employed_until", "", "2030-01-31"),
        ("E2", "moved", "manager", "M1", ""),
        ("E2", "moved", "programme", "Acme", "Zenith"),
        ("E3", "missing", "", "", ""),
        ("E4", "joined", "employed_until", "", "2031-01-31"),
    }
    assert (second.joined, second.moved, second.left, second.missing, second.returned) == (1, 2, 1, 1, 0)
    assert told(load(SECOND)) == set()
    back = load(SECOND + "E3,Cy,Claims,M1,,\n")
    assert told(back) == {("E3", "returned", "", "", "")}
    assert told(load(SECOND.replace("2030-01-31", ""))) == {
        ("E1", "returned", "employed_until", "2030-01-31", ""),
        ("E3", "missing", "", "", ""),
    }


def test_half_a_list_is_refused_where_the_total_is_given(load: Import, carla: User) -> None:
    load(FIRST, source_total=4)
    with pytest.raises(BadFile, match="has 1 people, the system shows 4"), transaction.atomic():
        load(HEAD + "M1,Mo,Ops,,,\n", source_total=4)
    sent = {"file": SimpleUploadedFile("p.csv", (HEAD + "M1,Mo,Ops,,,\n").encode()), "source_total": 4}
    answer = make.login(carla).post(reverse("identities:people_upload", args=["northwind"]), sent)
    assert (answer.status_code, PeopleFeed.objects.count(), PersonChange.objects.count()) == (422, 1, 0)


def test_a_contractor_has_an_end(load: Import) -> None:
    with pytest.raises(BadFile, match="contractor without 'employed_until'"):
        load("external_id,name,kind\nC1,Cy,contractor\n")
    load("external_id,name,kind,employed_until\nC1,Cy,contractor,2027-01-31\n")
    cy = Identity.objects.get(kind=IdentityKind.CONTRACTOR)
    cy.employed_until = None
    with pytest.raises(IntegrityError, match="contractor_has_an_end_date"), transaction.atomic():
        cy.save()


@pytest.mark.parametrize(
    "statement", ["UPDATE identities_personchange SET kind = 'joined'", "DELETE FROM identities_personchange"]
)
def test_what_a_list_told_stays(load: Import, statement: str) -> None:
    load(FIRST)
    load(SECOND)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_page_shows_it_at_the_same_cost_for_any_number(load: Import, carla: User, remy: User) -> None:
    client, page = make.login(carla), reverse("identities:people_changes", args=["northwind"])
    assert "No list of people yet" in client.get(page).content.decode()
    load(FIRST)
    assert "There is no list before it" in client.get(page).content.decode()
    load(SECOND)
    with CaptureQueriesContext(connection) as before:
        text = client.get(page).content.decode()
    assert ("Mo (M1)" in text, "to come" in text, "Zenith" in text) == (True, True, True)
    assert "Zenith" not in client.get(page, {"kind": "joined"}).content.decode()
    load(SECOND + "".join(f"N{n},New {n},Claims,M1,,\n" for n in range(40)))
    with CaptureQueriesContext(connection) as after:
        assert "New 3" in client.get(page).content.decode()
    assert len(after) <= len(before)
    assert client.get(page, {"feed": "x", "kind": "x", "page": "x"}).status_code == 200
    assert make.login(remy).get(page).status_code == 403
