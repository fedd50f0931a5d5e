"""Requests as Entra ID and Okta send them, written after what the vendors describe of their clients; no recordings."""

import pytest

from identities.models import Identity
from identities.scim.models import DirectoryPerson
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.identities.scim.conftest import ENTERPRISE, GROUP, PATCH, USER, Directory

pytestmark = pytest.mark.django_db

ENTRA_USER = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User_ab6490ee@testuser.com",
    "active": True,
    "displayName": "lennay",
    "emails": [{"primary": True, "type": "work", "value": "Test_User_fd0ea19b@testuser.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
    "roles": [{"primary": "True", "value": "agent"}],
    f"{ENTERPRISE}": {"employeeNumber": "E77", "department": "Claims"},
}
OKTA_USER = {
    "schemas": [USER],
    "userName": "test.user@okta.local",
    "name": {"givenName": "Test", "familyName": "User"},
    "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
    "displayName": "Test User",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}


def ask_entra(directory: Directory, query: str) -> list[dict[str, object]]:
    answer = directory.ask("get", "/Users", filter=query)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["totalResults"] == len(body["Resources"])
    return list(body["Resources"])


def test_entra_tests_the_connection_and_then_creates_a_user(directory: Directory, bpo: Tenant) -> None:
    assert ask_entra(directory, 'userName eq "non-existent user"') == []
    answer = directory.ask("post", "/Users", ENTRA_USER)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith("application/scim+json")
    user = answer.json()
    assert answer.headers["Location"] == user["meta"]["location"]
    assert "roles" not in user
    assert [one["id"] for one in ask_entra(directory, 'userName eq "TEST_user_ab6490ee@TestUser.com"')] == [user["id"]]
    assert ask_entra(directory, 'emails[type eq "work"].value eq "test_user_fd0ea19b@testuser.com"')
    assert not ask_entra(directory, 'emails[type eq "home"].value eq "test_user_fd0ea19b@testuser.com"')
    assert ask_entra(directory, f'externalId eq "{ENTRA_USER["externalId"]}" and active eq "True"')
    with tenant_scope(bpo):
        identity = Identity.objects.get(external_id="E77")
        assert (identity.name, identity.email) == ("lennay", "Test_User_fd0ea19b@testuser.com")
        entry = AuditEntry.objects.get(verb="person.provision")
    assert (entry.actor_name, entry.target) == ("token:directory", f"user {ENTRA_USER['userName']}")


def test_entra_writes_a_second_user_of_the_same_name_in_vain(directory: Directory) -> None:
    directory.user("anna@example.org")
    answer = directory.ask("post", "/Users", {"schemas": [USER], "userName": "ANNA@example.org"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    ben = directory.user("ben@example.org")
    answer = directory.patch(f"/Users/{ben['id']}", {"op": "Replace", "path": "userName", "value": "Anna@example.org"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert directory.ask("get", f"/Users/{ben['id']}").json() == ben


def test_entra_changes_a_user_in_its_own_words(directory: Directory, bpo: Tenant) -> None:
    boss, user = directory.user("boss@example.org"), directory.user("anna@example.org")
    answer = directory.patch(
        f"/Users/{user['id']}",
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "anna@work.example"},
        {"op": "Replace", "path": "name.familyName", "value": "Berg"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Claims"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss["id"]},
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "agent"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "PH"},
        {"op": "Replace", "path": "title", "value": [{"$ref": None, "value": "Agent"}]},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert said["emails"] == [{"type": "work", "value": "anna@work.example"}]
    assert (said["active"], said["title"], said[ENTERPRISE]["department"]) == (False, "Agent", "Claims")
    assert said["name"] == {"familyName": "Berg"}
    with tenant_scope(bpo):
        assert DirectoryPerson.objects.get(uid=user["id"]).identity.manager.name == "boss@example.org"
        changed = AuditEntry.objects.get(verb="person.update").detail["changed"]
    assert changed == ["active", "department", "emails", "manager", "name", "title"]
    directory.patch(f"/Users/{user['id']}", {"op": "Remove", "path": f"{ENTERPRISE}:manager"})
    with tenant_scope(bpo):
        assert DirectoryPerson.objects.get(uid=user["id"]).identity.manager is None


def test_entra_sends_paths_as_keys_and_no_path(directory: Directory) -> None:
    user = directory.user("anna@example.org")
    value = {
        "displayName": "Anna Berg",
        "name.givenName": "Anna",
        f"{ENTERPRISE}:employeeNumber": "E5",
        "active": "True",
    }
    said = directory.patch(f"/Users/{user['id']}", {"op": "replace", "value": value}).json()
    assert (said["displayName"], said["name"]["givenName"], said["active"]) == ("Anna Berg", "Anna", True)
    assert said[ENTERPRISE]["employeeNumber"] == "E5"


FILTERS = {
    'title eq "AGENT"': "anna",
    'title ne "agent"': "ben",
    'not (title co "gen")': "ben",
    "title pr and active eq true": "anna",
    'userName sw "B" or externalId eq "x1"': "ben",
    'externalId eq "X1"': "anna",
    'emails.value eq "A@x.example"': "anna",
    "not (emails pr)": "ben",
    'meta.created gt "2100-01-01T00:00:00Z" or name.familyName ew "ERG"': "anna",
    f'{ENTERPRISE}:department eq "claims"': "anna",
    f'{USER}:userName eq "Ben"': "ben",
}


def test_filters_find_whom_they_mean(directory: Directory) -> None:
    extra = {"name": {"familyName": "Berg"}, "emails": [{"value": "a@X.example"}], ENTERPRISE: {"department": "Claims"}}
    directory.user("anna", title="Agent", externalId="X1", **extra)
    directory.user("ben")
    for text, name in FILTERS.items():
        body = directory.ask("get", "/Users", filter=text, attributes="userName").json()
        assert [one["userName"] for one in body["Resources"]] == [name], text
    refused = directory.ask("get", "/Users", filter='timezone eq "UTC"')
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidFilter")


def test_the_same_again_is_no_deed(directory: Directory, bpo: Tenant) -> None:
    user = directory.user("anna@example.org", title="Agent")
    again = {"op": "Replace", "path": "title", "value": "Agent"}
    assert directory.patch(f"/Users/{user['id']}", again).json()["meta"] == user["meta"]
    with tenant_scope(bpo):
        assert not AuditEntry.objects.filter(verb="person.update").exists()


def test_okta_creates_reads_replaces_and_deactivates(directory: Directory, bpo: Tenant) -> None:
    user = directory.ask("post", "/Users", OKTA_USER).json()
    assert "password" not in user
    page = directory.ask("get", "/Users", startIndex="1", count="100").json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (1, 1, 1)
    answer = directory.ask("put", f"/Users/{user['id']}", {**OKTA_USER, "id": user["id"], "displayName": "Other"})
    assert (answer.status_code, answer.json()["displayName"]) == (200, "Other")
    gone = directory.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    with tenant_scope(bpo):
        kept = str(DirectoryPerson.objects.get().said)
    assert "1mz050nq" not in kept
    assert "en-US" not in kept


def test_members_come_and_go_as_both_send_it(directory: Directory, bpo: Tenant) -> None:
    ids = [directory.user(f"{name}@example.org")["id"] for name in ("anna", "ben", "cid")]
    group = directory.ask("post", "/Groups", {"schemas": [GROUP], "displayName": "Claims", "members": []}).json()
    path = f"/Groups/{group['id']}"
    entra = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one} for one in ids]}
    assert directory.patch(path, entra).status_code == 204
    okta = {"op": "remove", "path": f'members[value eq "{ids[0]}"]'}
    assert directory.patch(path, okta).status_code == 204
    assert directory.patch(path, {"op": "Remove", "path": "members", "value": [{"value": ids[1]}]}).status_code == 204
    assert [one["value"] for one in directory.ask("get", path).json()["members"]] == [ids[2]]
    assert directory.ask("get", f"/Users/{ids[2]}").json()["groups"][0]["display"] == "Claims"
    assert "members" not in directory.ask("get", path, excludedAttributes="members").json()
    asked = directory.ask("get", "/Groups", filter=f'id eq "{group["id"]}" and members eq "{ids[2]}"').json()
    assert asked["totalResults"] == 1
    with tenant_scope(bpo):
        moves = AuditEntry.objects.filter(verb="group.move").order_by("at").values_list("detail", flat=True)
        assert [(one["added"], one["removed"]) for one in moves] == [(3, 0), (0, 1), (0, 1)]


def test_okta_renames_a_group_with_its_id_and_pushes_all_members(directory: Directory) -> None:
    anna, ben = (directory.user(f"{name}@example.org")["id"] for name in ("anna", "ben"))
    body = {"schemas": [GROUP], "displayName": "Claims", "members": [{"value": anna, "display": "anna@example.org"}]}
    group = directory.ask("post", "/Groups", body).json()
    path, rename = f"/Groups/{group['id']}", {"id": group["id"], "displayName": "Claims EU"}
    assert directory.patch(path, {"op": "replace", "value": rename}).json()["displayName"] == "Claims EU"
    pushed = directory.patch(path, {"op": "replace", "path": "members", "value": [{"value": ben}]}).json()
    assert [one["value"] for one in pushed["members"]] == [ben]
    assert directory.ask("delete", path).status_code == 204
    assert directory.ask("get", path).status_code == 404
    assert directory.ask("get", f"/Users/{ben}").status_code == 200


HOSTILE = [
    ("/Users", b"{", 400),
    ("/Users", b"[]", 400),
    ("/Users", b'{"userName": "a\\u0000b"}', 400),
    ("/Users", b'{"userName": "\\ud800"}', 400),
    ("/Users", b'{"userName": ""}', 400),
    ("/Users", b'{"userName": "' + b"a" * 201 + b'"}', 400),
    ("/Users", b'{"userName": {"a": 1}}', 400),
    ("/Users", b"[" * 200_000, 400),
    ("/Users", b'{"userName": "' + b"a" * 1_100_000 + b'"}', 413),
    ("/Groups", b'{"displayName": "g", "members": [{"value": "x"}]}', 400),
    ("/Groups", b'{"displayName": "g", "members": [{"value": "6ad4bc1c-0000-4000-8000-000000000000"}]}', 400),
    ("/Users/.search", b'{"filter": "' + b"not (" * 390 + b"title pr" + b")" * 390 + b'"}', 400),
    ("/Users/.search", b'{"filter": "title pr' + b" or title pr" * 500 + b'"}', 400),
    ("/Users/.search", b'{"filter": "password eq \\"x\\""}', 400),
    ("/Users/.search", b'{"filter": "title gt \\"x\\"", "startIndex": 99999999999999999999}', 400),
    ("/Bulk", b"{}", 501),
]


def test_what_cannot_be_taken_is_a_scim_error_and_nothing_is_stored(directory: Directory, bpo: Tenant) -> None:
    for path, body, status in HOSTILE:
        answer = directory.ask("post", path, body)
        said = answer.json()
        assert (answer.status_code, said["status"], bool(said["detail"])) == (status, str(status), True), body[:80]
        assert said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    with tenant_scope(bpo):
        assert not DirectoryPerson.objects.exists()


WRONG: list[object] = [
    {"op": "replace", "path": "userName"},
    {"op": "remove", "path": "userName"},
    {"op": "move", "path": "title", "value": "x"},
    {"op": "replace", "path": "id", "value": "x"},
    {"op": "replace", "path": "emails[", "value": "x"},
    {"op": "replace", "path": "active", "value": "perhaps"},
    {"op": "add", "path": f"{ENTERPRISE}:manager", "value": "6ad4bc1c-0000-4000-8000-000000000000"},
    "no object",
]


def test_a_wrong_operation_changes_nothing_at_all(directory: Directory) -> None:
    user = directory.user("anna@example.org")
    for wrong in WRONG:
        body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Agent"}, wrong]}
        answer = directory.ask("patch", f"/Users/{user['id']}", body)
        assert (answer.status_code, answer.json()["status"]) == (400, "400"), wrong
        assert "\n" not in answer.json()["detail"]
    assert directory.ask("get", f"/Users/{user['id']}").json() == user
