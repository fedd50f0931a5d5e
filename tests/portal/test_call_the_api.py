"""The API's door: who gets in, and what everybody else is told."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import end_role, issue_token, revoke_token
from tenants.audit import audit
from tenants.kinds import Actor, Permission, Role
from tenants.models import ApiToken, AuditEntry, Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.tokens import make_token
from tests import make

pytestmark = pytest.mark.django_db
TRAIL = "/api/v1/t/northwind/audit-trail/"


def token_of(person: User, where: Tenant, *scopes: Permission) -> str:
    """Return the text of a token that the person has issued."""
    with tenant_scope(where):
        by = make.actor(person, where)
        return issue_token(name="tests", scopes=scopes, days=30, user=person, by=by)[1]


@pytest.fixture
def token(carla: User, bpo: Tenant) -> str:
    return token_of(carla, bpo, Permission.AUDIT_VIEW)


def get(path: str, token: str = "") -> object:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(raise_request_exception=False).get(path, headers=headers)


def assert_problem(response: object, status: int) -> dict[str, object]:
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert body["status"] == status
    assert body["detail"].endswith(".")
    return dict(body)


def test_a_token_opens_its_tenant_and_leaves_its_last_use(token: str, bpo: Tenant) -> None:
    response = get(TRAIL, token)
    assert response.status_code == 200
    assert "token.issue" in {item["verb"] for item in response.json()["items"]}
    with tenant_scope(bpo):
        assert ApiToken.objects.get().last_used_at is not None


def test_without_a_token_it_is_401(bpo: Tenant) -> None:
    response = get(TRAIL)
    assert_problem(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("text", ["x", "csn_api_", "csn_api_" + "a" * 43 + "00000000", "csn_src_abc", "ÿÿ"])
def test_a_malformed_token_is_401(text: str, bpo: Tenant) -> None:
    assert_problem(get(TRAIL, text), 401)


def test_a_token_of_another_tenant_is_404_and_so_is_an_unknown_tenant(token: str, acme: Tenant) -> None:
    assert_problem(get("/api/v1/t/acme/audit-trail/", token), 404)
    assert_problem(get("/api/v1/t/nowhere/audit-trail/", token), 404)


def test_a_revoked_or_expired_token_is_401(token: str, bpo: Tenant, carla: User) -> None:
    with tenant_scope(bpo):
        row = ApiToken.objects.get()
        ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(get(TRAIL, token), 401)
    other = token_of(carla, bpo, Permission.AUDIT_VIEW)
    with tenant_scope(bpo):
        revoke_token(token=ApiToken.objects.latest("id"), by=make.actor(carla, bpo))
    assert_problem(get(TRAIL, other), 401)


def test_a_missing_scope_is_403_and_leaves_an_entry(carla: User, bpo: Tenant) -> None:
    body = assert_problem(get(TRAIL, token_of(carla, bpo, Permission.SOURCE_VIEW)), 403)
    assert body["detail"] == "This token has not the scope audit.view."
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="access.refuse", actor_name="token:tests").exists()


def test_a_token_ends_with_its_issuers_role(token: str, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        end_role(membership=Membership.objects.get(role=Role.OFFICER), by=Actor.system("tests", bpo.pk))
    assert_problem(get(TRAIL, token), 401)


def test_a_signed_in_person_may_read_and_a_stranger_may_not(carla: User, stella: User, bpo: Tenant) -> None:
    client = Client()
    client.force_login(carla)
    assert client.get(TRAIL).status_code == 200
    client.force_login(stella)
    assert_problem(client.get(TRAIL), 404)


def test_a_session_cannot_write_without_the_csrf_token(carla: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(carla)
    assert_problem(client.post(TRAIL, {}, content_type="application/json"), 403)


def test_unforeseen_addresses_and_methods_are_problems(token: str) -> None:
    assert_problem(get("/api/v1/t/northwind/nothing/", token), 404)
    headers = {"Authorization": f"Bearer {token}"}
    assert_problem(Client().delete(TRAIL, headers=headers), 405)
    assert_problem(Client().get(TRAIL, headers=headers | {"Accept": "image/png"}), 406)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=1.5", "cursor=x", "cursor=WyJ4Il0", "no=1"]
)
def test_a_wrong_parameter_is_400_and_is_named(token: str, query: str) -> None:
    body = assert_problem(get(f"{TRAIL}?{query}", token), 400)
    (error,) = body["errors"]
    assert error["pointer"] == f"#/{query.split('=', maxsplit=1)[0]}"


def test_pages_hold_every_row_once_while_rows_are_added(token: str, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        for number in range(25):
            audit("test.deed", by=Actor.system("tests", bpo.pk), target=str(number))
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        body = get(f"{TRAIL}?verb=test.&limit=7&cursor={cursor}", token).json()
        seen += [item["target"] for item in body["items"]]
        cursor = body["next_cursor"]
        with tenant_scope(bpo):
            audit("test.deed", by=Actor.system("tests", bpo.pk), target="later")
    assert seen == [str(number) for number in reversed(range(25))]


@pytest.mark.parametrize("kind", ["malformed", "unknown", "revoked"])
def test_a_refused_token_is_a_failed_login_in_the_portals_own_log(
    kind: str, token: str, bpo: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    if kind == "revoked":
        with tenant_scope(bpo):
            ApiToken.objects.update(revoked_at=timezone.now())
    sent = {"malformed": "csn_api_" + "x" * 60, "unknown": make_token("api").text}.get(kind, token)
    with caplog.at_level("INFO", "countersign.deeds"):
        caplog.clear()
        get(TRAIL, sent)
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "countersign.deeds"]
    assert [(line["kind"], line["outcome"]) for line in lines] == [("failure", "failure")]
    assert sent[20:] not in caplog.text
