"""Controls and packs by the API."""

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client

from evidence.bundle import Bundle
from evidence.models import EvidencePack, FileStage, PackFile
from evidence.signoffs.actions import issue_pack
from evidence.states import PackState
from tenants.actions import issue_token
from tenants.kinds import Actor, Permission
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.evidence.signing import deputy_of, signs

Ask = Callable[..., EvidencePack]
pytestmark = pytest.mark.django_db
BASE = "/api/v1/t/northwind/"


@pytest.fixture
def token(bpo: Tenant, carla: User, officer: Actor) -> str:
    with tenant_scope(bpo):
        scopes = [Permission.CONTROL_VIEW, Permission.PACK_VIEW]
        return issue_token(name="grc", scopes=scopes, days=1, user=carla, by=officer)[1]


def get(path: str, token: str, **headers: str) -> Any:
    return Client().get(BASE + path, headers={"Authorization": f"Bearer {token}", **headers})


def test_every_control_of_the_catalogue_is_listed_page_by_page(token: str) -> None:
    whole = get("controls/?limit=1000", token).json()["items"]
    first = get("controls/?limit=40", token).json()
    rest = get(f"controls/?limit=1000&cursor={first['next_cursor']}", token).json()
    assert [one["key"] for one in first["items"] + rest["items"]] == [one["key"] for one in whole]
    assert len(whole) > 60
    assert {one["state"] for one in whole} == {"not_computed"}
    assert all(one["proof"] and one["limits"] for one in whole)


def test_controls_are_filtered_and_wrong_filters_are_named(token: str) -> None:
    assert {one["framework"] for one in get("controls/?framework=gdpr", token).json()["items"]} == {"gdpr"}
    for query in ("framework=none", "state=good", "cursor=WyJ4Il0"):
        answer = get(f"controls/?{query}", token)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"].split("/")[1]) == (
            400,
            query.split("=", maxsplit=1)[0],
        )


def test_a_pack_is_listed_and_only_an_issued_one_is_given(bpo: Tenant, pack: Ask, token: str) -> None:
    made = pack()
    assert [one["id"] for one in get("packs/", token).json()["items"]] == [made.pk]
    read = get(f"packs/{made.pk}/", token).json()
    assert (read["state"], read["language"]) == (PackState.REQUESTED, "en")
    refused = get(f"packs/{made.pk}/download/", token, Accept="application/zip")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    assert "not built" in refused.json()["detail"]


def test_an_issued_pack_is_given_whole_and_taking_it_is_a_deed(
    bpo: Tenant, pack: Ask, token: str, officer: Actor
) -> None:
    made = pack()
    with tenant_scope(bpo):
        seal = {
            "sha256": hashlib.sha256(b"PK..!").hexdigest(),
            "manifest_sha256": "b" * 64,
            "issued_at": made.requested_at,
        }
        ended = {"ended_at": made.requested_at, "size_bytes": 5}
        EvidencePack.objects.filter(pk=made.pk).update(state=PackState.BUILDING)
        EvidencePack.objects.filter(pk=made.pk).update(state=PackState.DRAFT, **seal, **ended)
        made.refresh_from_db()
    refused = get(f"packs/{made.pk}/download/", token, Accept="application/zip")
    assert "a draft" in refused.json()["detail"]
    for by in (officer, deputy_of(bpo)):
        signs(bpo, made, by)
    with tenant_scope(bpo):
        bundle = Bundle(BytesIO(b"PK..!"), 5, seal["sha256"], "b" * 64, "", {})
        name = storages["packs"].save(f"{bpo.uuid}/by-hand.zip", ContentFile(b"PK..!"))
        issue_pack(pack=made, bundle=bundle, stored_as=name, by=officer)
    answer = get(f"packs/{made.pk}/download/", token, Accept="application/zip")
    assert (answer.status_code, b"".join(answer), answer.headers["Content-Type"]) == (200, b"PK..!", "application/zip")
    assert made.file_name in answer.headers["Content-Disposition"]
    with tenant_scope(bpo):
        assert AuditEntry.objects.get(verb="pack.download").actor_name == "token:grc"
        PackFile.objects.create(pack=made, stage=FileStage.ISSUED, n=1, data=b"!")
    refused = get(f"packs/{made.pk}/download/", token, Accept="application/zip")
    assert (refused.status_code, "its SHA-256 differs" in refused.json()["detail"]) == (403, True)
