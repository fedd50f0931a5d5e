"""The walk (OWASP ASVS 5.0 8.2.1, 8.2.2, 8.4.1): every address with every role, a stranger and nobody.

The addresses come from the URLconf: one that is new is walked too, and fails here until it names its permission and
its parameters are furnished in `tests/flows/foreign.py`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
from django.test import Client

from tenants.kinds import ROLE_PERMISSIONS, Permission, Role
from tenants.models import Tenant, User
from tests import make
from tests.flows.addresses import Address, addresses
from tests.flows.foreign import MARK, Objects, furnish, undone
from tests.test_house import OPEN_VIEWS

pytestmark = pytest.mark.django_db

HOME: Final = "northwind"
ELSEWHERE: Final = "harbour"
OWN_DOORS: Final = {
    "logs.doors.native.ingest",
    *("logs.doors.hec.events", "logs.doors.hec.raw", "logs.doors.hec.ack", "logs.doors.otlp.logs"),
    "logs.doors.journal.upload",
    *("logs.doors.elastic.root", "logs.doors.elastic.licence", "logs.doors.elastic.bulk"),
    *(f"identities.scim.views.{name}" for name in ("Config", "Described", "People", "OnePerson", "PeopleSearch")),
    *(f"identities.scim.views.{name}" for name in ("Groups", "OneGroup", "GroupSearch", "Search", "Bulk", "Nothing")),
}
"""Views under a tenant that open by a key of their own and not by a person's role (SCIM: `tests/identities/scim`)."""

OPEN_DOORS: Final = {"logs.doors.hec.health"}
"""Views under a tenant that open to everybody and say nothing of it: load balancers ask whether the door works."""

FREE_TEXT: Final = {
    "logs.views.timelines.timeline",
    "logs.views.timelines.thing",
    "evidence.views.control",
    "evidence.registers.views.answer",
}
"""Views whose parameter is any name or a row of the shared catalogue: they answer 200 and show nothing of others."""

PAGES: Final = [one for one in addresses() if one.own and one.of_tenant and one.view not in OWN_DOORS | OPEN_DOORS]
METHODS: Final = ("get", "post")


@pytest.fixture
def foreign(strangers: Tenant, stella: User) -> Objects:
    """What the strangers have; none of it may ever be seen from elsewhere."""
    return furnish(strangers, stella, make.actor(stella, strangers))


def client_of(person: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if person is not None:
        client.force_login(person)
    return client


def faults_of(answer: Any, path: str, allowed: set[int]) -> list[str]:
    """Return what is wrong with an answer: a status that is not right, or a word of another tenant.

    A page may say again what stands in its own address, and nothing else.
    """
    where = f"{answer.request['REQUEST_METHOD']} {path}"
    faults = []
    if answer.status_code not in allowed:
        faults.append(f"{where} answers {answer.status_code}, not one of {sorted(allowed)}")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    said = body.decode(errors="replace").lower() + str(answer.headers).lower()
    for word in set(re.findall(rf"[\w.-]*{MARK}[\w.-]*", path)):
        said = re.sub(rf"\b{re.escape(word)}\b", "", said)
    if MARK in said:
        faults.append(f"{where} shows what belongs to another tenant")
    return faults


def test_every_address_declares_its_permission() -> None:
    loose = [one for one in PAGES if not one.permissions]
    assert loose == []
    assert len(PAGES) > 25
    assert all(isinstance(permission, Permission) for one in PAGES for permission in one.permissions or ())


def test_every_parameter_is_furnished(foreign: Objects) -> None:
    missing = {
        (one.view, name)
        for one in PAGES
        for name in one.parameters
        if (one.view, name) not in foreign and (one.view.split(".")[0], name) not in foreign
    }
    assert missing == set()


@pytest.mark.parametrize("roles", [list(Role)[::2], list(Role)[1::2]], ids=" ".join)
def test_a_member_never_gets_another_tenants_page_or_row(roles: list[Role], bpo: Tenant, foreign: Objects) -> None:
    faults: list[str] = []
    for role in roles:
        with undone():  # what one looked at stands in the trail that the next one reads
            faults += [f"{role}: {fault}" for fault in _faults_for(role, bpo, foreign)]
    assert faults == []


def _faults_for(role: Role, tenant: Tenant, foreign: Objects) -> list[str]:
    client, faults = client_of(_member(role, tenant)), []
    for one in PAGES:
        for method in METHODS:
            path = one.path(HOME, foreign)
            faults += faults_of(getattr(client, method)(path), path, _expected(one, role))
    return faults


def _member(role: Role, tenant: Tenant) -> User:
    person = make.user(f"walker-{role}")
    make.member(person, tenant, role, days=9 if role == Role.AUDITOR else None)
    return person


def _expected(one: Address, role: Role) -> set[int]:
    """Return the statuses that are right: a missing right is 403, a foreign object 404, a wrong method 405."""
    if not ROLE_PERMISSIONS[role] & set(one.permissions or ()):
        return {403, 405} if not one.parameters else {403, 404, 405}
    if one.parameters and one.view not in FREE_TEXT:
        return {403, 404, 405}
    return {200, 201, 204, 302, 400, 403, 405, 422}


def test_a_stranger_gets_404_everywhere(bpo: Tenant, stella: User, foreign: Objects) -> None:
    client, faults = client_of(stella), []
    for one in PAGES:
        path = one.path(HOME, foreign)
        for method in METHODS:
            faults += faults_of(getattr(client, method)(path), path, {404, 405})
        if one.is_api and client.get(path).headers["Content-Type"] != "application/problem+json":
            faults.append(f"{path} answers no problem")
    assert faults == []


def test_nobody_is_asked_to_log_in_everywhere(bpo: Tenant, foreign: Objects) -> None:
    client, faults = client_of(None), []
    for one in PAGES:
        for method in METHODS:
            path = one.path(ELSEWHERE, foreign)
            answer = getattr(client, method)(path)
            faults += faults_of(answer, path, {401} if one.is_api else {302, 405})
            if not answer.headers.get("Location", "/accounts/login/").startswith("/accounts/login/"):
                faults.append(f"{method} {path} leads to {answer.headers['Location']}")
    assert faults == []


def test_the_owner_does_get_them(strangers: Tenant, stella: User, foreign: Objects) -> None:
    """Without this the walk could pass on wrong ids alone: the same paths open for whom they belong to."""
    client, opened, faults = client_of(stella), 0, []
    for one in PAGES:
        if one.parameters and ROLE_PERMISSIONS[Role.OFFICER] & set(one.permissions or ()):
            path = one.path(ELSEWHERE, foreign)
            answer = client.get(path)
            list(answer)  # a file is closed when it was read
            if answer.status_code not in {200, 204, 302, 405}:
                faults.append(f"GET {path} answers {answer.status_code}")
            opened += answer.status_code == 200
    assert faults == []
    assert opened >= 8


def test_addresses_outside_of_tenants_show_nothing(bpo: Tenant, carla: User, foreign: Objects) -> None:
    for person in (None, carla):
        client = client_of(person)
        for one in addresses():
            if not one.of_tenant and "(?P" not in one.route:
                path = one.path(HOME, _Anything())
                assert faults_of(client.get(path), path, set(range(500))) == []


def test_a_source_door_opens_for_no_person(bpo: Tenant, carla: User, stella: User, foreign: Objects) -> None:
    for person in (None, carla, stella):
        client = client_of(person)
        for one in addresses():
            if one.view in OWN_DOORS:
                for slug in (HOME, ELSEWHERE):
                    path = one.path(slug, foreign)
                    assert client.post(path, b"x", content_type="text/plain").status_code in {401, 404}, path
                    assert client.get(path).status_code in {401, 404, 405}, path


def test_the_open_addresses_are_listed_in_the_house() -> None:
    own = {one.view for one in addresses() if one.own and not one.of_tenant}
    assert len(own) <= len(OPEN_VIEWS)


class _Anything(Mapping[tuple[str, str], object]):
    """Gives the same word for any parameter."""

    def __getitem__(self, key: tuple[str, str]) -> object:
        return "1-x" if key[1] in {"key", "uidb36"} else "1"

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0
