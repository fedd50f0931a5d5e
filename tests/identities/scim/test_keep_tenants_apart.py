"""One tenant's directory sees and changes nothing of another's, and only the right token speaks for a directory."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identities.scim.models import DirectoryGroup, DirectoryPerson
from tenants.kinds import Permission
from tenants.models import ApiToken, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.identities.scim.conftest import ENTERPRISE, GROUP, USER, Directory, scim_token

pytestmark = pytest.mark.django_db


def test_ids_of_another_tenant_are_not_there(directory: Directory, elsewhere: Directory, strangers: Tenant) -> None:
    theirs = elsewhere.user("zoe@example.org")
    group = elsewhere.ask("post", "/Groups", {"schemas": [GROUP], "displayName": "Zoo"}).json()
    mine = directory.user("zoe@example.org")
    for path, schema in ((f"/Users/{theirs['id']}", USER), (f"/Groups/{group['id']}", GROUP)):
        body = {"schemas": [schema], "userName": "taken@example.org", "displayName": "Taken"}
        for method in ("get", "put", "delete"):
            assert directory.ask(method, path, None if method == "get" else body).status_code == 404, (method, path)
        change = {"op": "replace", "value": {"displayName": "Taken"}}
        assert directory.patch(path, change).status_code == 404
    assert [one["id"] for one in directory.ask("get", "/Users").json()["Resources"]] == [mine["id"]]
    assert directory.ask("get", "/Users", filter=f'id eq "{theirs["id"]}"').json()["totalResults"] == 0
    with tenant_scope(strangers):
        assert (DirectoryPerson.objects.get().active, DirectoryGroup.objects.get().display_name) == (True, "Zoo")


def test_users_of_another_tenant_are_no_members_and_no_managers(directory: Directory, elsewhere: Directory) -> None:
    theirs, mine = elsewhere.user("zoe@example.org"), directory.user("anna@example.org")
    member = {"op": "Add", "path": "members", "value": [{"value": theirs["id"]}]}
    group = directory.ask("post", "/Groups", {"schemas": [GROUP], "displayName": "Claims"}).json()
    assert directory.patch(f"/Groups/{group['id']}", member).status_code == 400
    manager = {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": theirs["id"]}
    assert directory.patch(f"/Users/{mine['id']}", manager).status_code == 400


def test_only_a_live_token_of_the_tenant_with_the_scope_opens_it(
    directory: Directory, elsewhere: Directory, carla: User, bpo: Tenant
) -> None:
    narrow = scim_token(carla, bpo, Permission.REGISTER_MANAGE)
    assert Directory(bpo.slug, directory.token).ask("get", "/Users").status_code == 200
    assert Directory(bpo.slug, elsewhere.token).ask("get", "/Users").status_code == 404
    assert Directory("nowhere", directory.token).ask("get", "/Users").status_code == 404
    refused = Directory(bpo.slug, narrow).ask("post", "/Users", {"userName": "a"})
    assert (refused.status_code, refused.json()["detail"]) == (403, "This token has not the scope people.provision.")
    assert Directory(bpo.slug, "csn_api_x").ask("get", "/Users").status_code == 401
    with tenant_scope(bpo):
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expired = directory.ask("post", "/Users", {"schemas": [USER], "userName": "a"})
    assert expired.status_code == 401
    assert expired.headers["WWW-Authenticate"].startswith("Bearer")
    assert expired.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    with tenant_scope(bpo):
        assert not DirectoryPerson.objects.exists()


def test_no_session_speaks_for_a_directory(carla: User, bpo: Tenant) -> None:
    browser: Client = make.login(carla)
    assert browser.get(f"/api/v1/t/{bpo.slug}/scim/v2/Users").status_code == 401


def test_a_page_costs_the_same_whatever_it_shows(directory: Directory) -> None:
    counts = []
    for number in range(3):
        user = directory.user(f"anna{number}@example.org")
        member = [{"value": user["id"]}]
        directory.ask("post", "/Groups", {"schemas": [GROUP], "displayName": f"G{number}", "members": member})
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert directory.ask("get", "/Users").json()["totalResults"] == number + 1
            assert directory.ask("get", "/Groups").json()["totalResults"] == number + 1
        counts.append(len(seen))
    assert len(set(counts)) == 1


def test_pages_are_cut_as_rfc_7644_says(directory: Directory) -> None:
    names = [directory.user(f"user{number}")["userName"] for number in range(5)]
    seen = []
    for start in (0, 3, 5, 6):
        page = directory.ask("get", "/Users", startIndex=str(start), count="2", attributes="userName").json()
        assert page["totalResults"] == 5
        seen.append([one["userName"] for one in page["Resources"]])
        assert all(one.keys() <= {"schemas", "id", "userName"} for one in page["Resources"])
    assert seen == [names[0:2], names[2:4], names[4:5], []]
    assert directory.ask("get", "/Users", count="0").json()["Resources"] == []
