"""The sidebar leads only to pages that exist and that the reader may open."""

import pytest
from django.urls import reverse

from portal.navigation import HOMES, SECTIONS, home_of, sections
from tenants.kinds import ROLE_PERMISSIONS, Actor, Permission, Role
from tenants.models import Tenant, User
from tests import make

PEOPLE = "People and roles"


def test_every_page_of_the_sidebar_exists_once() -> None:
    names = [page.name for _title, pages in SECTIONS for page in pages]
    assert len(names) == len(set(names))
    assert all(reverse(name, args=["northwind"]) for name in names)


def test_every_role_has_a_home_that_its_sidebar_shows() -> None:
    assert {role for role, _name in HOMES} == set(Role)
    for role, name in HOMES:
        actor = Actor("somebody", 1, 1, frozenset({role}), ROLE_PERMISSIONS[role])
        drawn = [link.url for group in sections(actor, "northwind", "/") for link in group.links]
        assert reverse(name, args=["northwind"]) in drawn


def test_a_person_with_two_roles_starts_where_the_first_does() -> None:
    assert home_of(frozenset({Role.REVIEWER, Role.OFFICER}), "northwind") == "/t/northwind/overview/"


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("campaigns/7/", "Campaigns"),
        ("review/7/", "Inbox"),
        ("people/i-3/", "Search"),
        ("people-and-roles/", PEOPLE),
        ("register/rosters/upload/", "Attendance"),
        ("register/systems/", "Register"),
    ],
)
def test_the_sidebar_marks_where_the_reader_is(path: str, label: str) -> None:
    actor = Actor("carla", 1, 1, permissions=frozenset(Permission))
    here = [link.label for group in sections(actor, "x", f"/t/x/{path}") for link in group.links if link.here]
    assert here == [label]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["olga", "carla", "ana", "remy", "axel"])
def test_every_link_of_the_sidebar_opens(name: str, bpo: Tenant, request: pytest.FixtureRequest) -> None:
    client = make.login(request.getfixturevalue(name))
    home = client.get(reverse("portal:home", args=[bpo.slug]), follow=True)
    assert home.status_code == 200
    role = Role({"olga": "operator", "carla": "officer", "ana": "analyst", "remy": "reviewer", "axel": "auditor"}[name])
    actor = Actor(name, 1, bpo.pk, frozenset({role}), ROLE_PERMISSIONS[role])
    for group in sections(actor, bpo.slug, "/"):
        for link in group.links:
            assert client.get(link.url).status_code == 200, link.url


@pytest.mark.django_db
def test_one_tenant_is_entered_at_once_and_several_are_offered(bpo: Tenant, acme: Tenant, carla: User) -> None:
    client = make.login(carla)
    assert client.get("/").headers["Location"] == f"/t/{bpo.slug}/"
    acme.memberships.create(user=carla, role=Role.OFFICER)
    page = client.get("/").content.decode()
    assert f'href="/t/{acme.slug}/"' in page
    assert f'href="/t/{bpo.slug}/"' in page
