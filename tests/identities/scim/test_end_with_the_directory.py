"""Whoever is not active in the directory has nothing in the portal any more, from the same transaction on."""

import json
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from identities.actions import upsert_identities
from identities.models import Identity
from identities.scim.actions import update_person
from identities.scim.habits import patch_of, patched
from identities.scim.models import DirectoryMember, DirectoryPerson
from identities.scim.resources import Person
from tenants.kinds import Actor, Permission, Role
from tenants.models import ApiToken, AuditEntry, Membership, Tenant, User
from tenants.queries import actor_for
from tenants.scope import tenant_scope
from tests import make
from tests.identities.scim.conftest import GROUP, PATCH, Directory, scim_token

pytestmark = pytest.mark.django_db

INACTIVE = {"op": "Replace", "path": "active", "value": "False"}


@pytest.fixture
def omar(bpo: Tenant) -> User:
    """Another officer of the BPO, who is provisioned."""
    someone = make.user("omar")
    make.member(someone, bpo, Role.OFFICER)
    return someone


def standing(person: User, browser: Client, token: str, tenant: Tenant) -> tuple[bool, int, int]:
    """Return whether the person has a role, and the statuses that their session and their token get."""
    headers = {"Authorization": f"Bearer {token}"}
    trail = Client().get(f"/api/v1/t/{tenant.slug}/audit-trail/", headers=headers).status_code
    return actor_for(person, tenant) is not None, browser.get("/preferences/").status_code, trail


@pytest.mark.parametrize("how", ["patch", "put", "delete"])
def test_deactivating_ends_roles_sessions_and_tokens(how: str, omar: User, directory: Directory, bpo: Tenant) -> None:
    browser, token = make.login(omar), scim_token(omar, bpo, Permission.AUDIT_VIEW)
    user = directory.user("omar@example.org", displayName="Omar")
    assert standing(omar, browser, token, bpo) == (True, 200, 200)
    path = f"/Users/{user['id']}"
    if how == "patch":
        assert directory.patch(path, INACTIVE).status_code == 200
    elif how == "put":
        assert directory.ask("put", path, {**user, "active": False}).status_code == 200
    else:
        assert directory.ask("delete", path).status_code == 204
        assert directory.ask("get", path).status_code == 404
    assert standing(omar, browser, token, bpo) == (False, 302, 401)
    with tenant_scope(bpo):
        verbs = set(AuditEntry.objects.filter(actor_name="token:directory").values_list("verb", flat=True))
        ended = AuditEntry.objects.get(verb="access.end")
    assert {"access.end", "person.deprovision" if how == "delete" else "person.update"} <= verbs
    assert (ended.target, ended.detail["roles"], ended.detail["sessions"]) == (omar.email, ["officer"], 1)


def deactivate_and_fail(person: User, uid: str, browser: Client, tenant: Tenant) -> None:
    """Deactivate the person, see that everything is gone, and fail before the end of the transaction."""
    change = patched(patch_of({"schemas": [PATCH], "Operations": [INACTIVE]}, Person))
    with tenant_scope(tenant):
        row = update_person(tenant=tenant, uid=UUID(uid), change=change, by=Actor.system("tests", tenant.pk))
        assert (row.active, actor_for(person, tenant)) == (False, None)
        assert not Session.objects.filter(session_key=browser.session.session_key).exists()
        raise ZeroDivisionError


def test_it_is_one_transaction(omar: User, directory: Directory, bpo: Tenant) -> None:
    browser, token = make.login(omar), scim_token(omar, bpo, Permission.AUDIT_VIEW)
    browser.get("/preferences/")
    user = directory.user("omar@example.org")
    with pytest.raises(ZeroDivisionError):
        deactivate_and_fail(omar, user["id"], browser, bpo)
    assert standing(omar, browser, token, bpo) == (True, 200, 200)
    assert directory.ask("get", f"/Users/{user['id']}").json()["active"] is True


def test_a_role_given_after_the_deactivation_ends_with_the_directorys_next_word(
    omar: User, directory: Directory, bpo: Tenant
) -> None:
    user = directory.user("omar@example.org", active=False)
    assert actor_for(omar, bpo) is None
    make.member(omar, bpo, Role.ANALYST)
    assert directory.patch(f"/Users/{user['id']}", INACTIVE).status_code == 200
    assert actor_for(omar, bpo) is None


@pytest.mark.parametrize("how", ["patch", "delete"])
def test_a_member_since_the_person_was_provisioned_is_found(how: str, directory: Directory, bpo: Tenant) -> None:
    path = f"/Users/{directory.user('late@example.org')['id']}"
    late = make.user("late")
    make.member(late, bpo, Role.ANALYST)
    if how == "patch":
        directory.patch(path, INACTIVE)
    else:
        directory.ask("delete", path)
    assert actor_for(late, bpo) is None


def test_coming_back_gives_no_role_back(omar: User, directory: Directory, bpo: Tenant) -> None:
    user = directory.user("omar@example.org")
    directory.patch(f"/Users/{user['id']}", INACTIVE)
    assert directory.patch(f"/Users/{user['id']}", {**INACTIVE, "value": "True"}).json()["active"] is True
    assert actor_for(omar, bpo) is None


def test_other_tenants_of_the_person_are_left_alone(
    omar: User, directory: Directory, bpo: Tenant, strangers: Tenant
) -> None:
    make.member(omar, strangers, Role.ANALYST)
    user = directory.user("omar@example.org")
    directory.patch(f"/Users/{user['id']}", INACTIVE)
    assert actor_for(omar, bpo) is None
    assert actor_for(omar, strangers) is not None
    omar.refresh_from_db()
    assert omar.is_active


def test_a_directory_reaches_nobody_who_has_no_role_in_its_tenant(
    stella: User, elsewhere: Directory, directory: Directory, strangers: Tenant
) -> None:
    browser = make.login(stella)
    browser.get("/preferences/")
    user = directory.user("stella@example.org", active=False)
    assert directory.ask("delete", f"/Users/{user['id']}").status_code == 204
    assert browser.get("/preferences/").status_code == 200
    assert actor_for(stella, strangers) is not None


def test_a_removed_user_is_forgotten_but_for_the_fact_and_may_come_back(directory: Directory, bpo: Tenant) -> None:
    user = directory.user("anna@example.org", title="Agent", externalId="A1")
    member = [{"value": user["id"]}]
    directory.ask("post", "/Groups", {"schemas": [GROUP], "displayName": "Claims", "members": member})
    directory.ask("delete", f"/Users/{user['id']}")
    again = directory.user("anna@example.org", externalId="A1")
    assert again["id"] != user["id"]
    with tenant_scope(bpo):
        old, new = DirectoryPerson.objects.order_by("id")
        assert (old.said, old.active, old.removed_at is None, old.identity) == ({}, False, False, new.identity)
        assert not DirectoryMember.objects.exists()


def test_it_finds_the_person_whom_the_register_knows(omar: User, directory: Directory, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        people = b"external_id,name,email\nE1,Anna,anna@example.org\nE2,Omar,OMAR@example.org\nE3,Twin,t@example.org\n"
        upsert_identities(body=people + b"E4,Twin,t@example.org\n", by=Actor.system("tests", bpo.pk))
    directory.user("anna", **{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "E1"}})
    directory.user("omar@example.org", displayName="Omar B.")
    directory.user("t@example.org")
    with tenant_scope(bpo):
        known = {row.user_name: row.identity.external_id for row in DirectoryPerson.objects.all()}
        assert known == {"anna": "E1", "omar@example.org": "E2", "t@example.org": "t@example.org"}
        assert Identity.objects.get(external_id="E2").user == omar


def test_the_issuer_of_the_token_ends_with_it(carla: User, directory: Directory, bpo: Tenant) -> None:
    user = directory.user("carla@example.org")
    assert directory.patch(f"/Users/{user['id']}", INACTIVE).status_code == 200
    answer = directory.ask("get", "/Users")
    assert answer.status_code == 401
    assert json.loads(answer.content)["detail"] == "This token was revoked or has expired. Issue a new one."
    with tenant_scope(bpo):
        assert ApiToken.objects.get().revoked_at is not None
        assert Membership.objects.get(user=carla).ends_at is not None
