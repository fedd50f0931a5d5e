"""The issue of a signed pack that failed is tried again; a draft is withdrawn with a reason and stays in the list."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from evidence.jobs import issue_pack
from evidence.models import EvidencePack
from evidence.states import PackState
from ledger.queries import NotSignedError
from tenants.actions import issue_token
from tenants.kinds import Permission, WorkState
from tenants.models import AuditEntry, Tenant, User, Work
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.evidence.signing import draft_by_hand

REASON = "The period is wrong: it ends a month too early."


@pytest.fixture
def draft(bpo: Tenant, pack: Callable[..., EvidencePack]) -> EvidencePack:
    """A draft that two have signed, and whose file is no pack."""
    made = pack(("gdpr",))
    with tenant_scope(bpo):
        draft_by_hand(made, b"no pack")
    return made


@pytest.fixture
def page(carla: User) -> Client:
    """Carla's browser."""
    return make.login(carla)


def asks(bpo: Tenant, carla: User) -> Callable[..., Any]:
    """Return what asks the API with a token that may build packs."""
    with tenant_scope(bpo):
        scopes = {Permission.PACK_BUILD, Permission.PACK_VIEW}
        _row, token = issue_token(name="t", scopes=scopes, days=1, user=carla, by=make.actor(carla, bpo))
    headers = {"Authorization": f"Bearer {token}"}

    def ask(path: str, **body: str) -> tuple[int, Any]:
        whole, kind = f"/api/v1/t/northwind/packs/{path}", {"content_type": "application/json"}
        client, posts = Client(headers=headers), path.endswith(("issue/", "withdraw/"))
        answer = client.post(whole, json.dumps(body), **kind) if posts else client.get(whole)
        return answer.status_code, answer.json()

    return ask


def fails(bpo: Tenant, draft: EvidencePack) -> None:
    """Run the issue that waits: nobody has signed the ledger, so that it fails and the pack stays a draft."""
    with tenant_scope(bpo):
        work = Work.objects.latest("id")
    with pytest.raises(NotSignedError):
        issue_pack(Silent(), bpo, draft.pk)
    with tenant_scope(bpo):  # as the worker notes it, over a connection that sees nothing of this test's transaction
        Work.objects.filter(pk=work.pk).update(state=WorkState.FAILED, finished_at=timezone.now())
        draft.refresh_from_db()
    assert (draft.state, draft.work_id) == (PackState.DRAFT, work.pk)


@pytest.mark.django_db
def test_a_failed_issue_is_tried_again_by_page_and_api(
    bpo: Tenant, carla: User, draft: EvidencePack, page: Client
) -> None:
    address, ask = f"/t/northwind/packs/{draft.pk}/", asks(bpo, carla)
    assert b"Try to issue it again" in page.get(address).content
    page.post(f"{address}issue/")
    assert b"Try to issue it again" not in page.get(address).content
    assert ask(f"{draft.pk}/issue/")[0] == 403
    assert b"cannot be withdrawn any more" in page.post(f"{address}withdraw/", {"reason": REASON}, follow=True).content
    fails(bpo, draft)
    assert ask(f"{draft.pk}/issue/")[0] == 202
    fails(bpo, draft)
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="pack.retry").count() == 2


@pytest.mark.django_db
def test_a_draft_is_withdrawn_with_a_reason_and_stays(
    bpo: Tenant, carla: User, draft: EvidencePack, page: Client
) -> None:
    ask = asks(bpo, carla)
    assert b"at least 10 characters" in page.post(f"/t/northwind/packs/{draft.pk}/withdraw/", follow=True).content
    assert ask(f"{draft.pk}/withdraw/", reason="no")[0] == 400
    with (
        tenant_scope(bpo),
        pytest.raises(IntegrityError, match="withdrawn_pack_says_who_and_why"),
        transaction.atomic(),
    ):
        EvidencePack.objects.filter(pk=draft.pk).update(state=PackState.WITHDRAWN)
    status, told = ask(f"{draft.pk}/withdraw/", reason=REASON)
    assert (status, told["state"], told["sha256"], told["withdrawn_by"]) == (200, "withdrawn", draft.sha256, "token:t")
    assert REASON in page.get("/t/northwind/packs/").content.decode()
    assert [one["id"] for one in ask("?state=withdrawn")[1]["items"]] == [draft.pk]
    assert ask(f"{draft.pk}/issue/")[0] == ask(f"{draft.pk}/withdraw/", reason=REASON)[0] == 403
    assert page.get(f"/t/northwind/packs/{draft.pk}/download/").status_code == 403
    with tenant_scope(bpo):
        assert AuditEntry.objects.get(verb="pack.withdraw").detail["why"] == REASON
        for state in (PackState.DRAFT, PackState.ISSUED):
            with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                EvidencePack.objects.filter(pk=draft.pk).update(state=state)
        with pytest.raises(DatabaseError), transaction.atomic():
            EvidencePack.objects.filter(pk=draft.pk).delete()
