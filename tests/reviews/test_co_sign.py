"""A client's reviewer co-signs from the client's own tenant: from its home page to the signature, and nobody else."""

import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from identities.actions import upsert_identities
from reviews.actions import open_campaign
from reviews.kinds import Strategy
from reviews.models import Assignment, Campaign, SignOff
from reviews.queries.reviewers import client_reviewers, eligible_reviewers
from tenants.kinds import Role
from tenants.models import AuditEntry, Membership, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.factors import Passkey
from tests.reviews.conftest import cast_of, deliver, person, ready
from tests.reviews.test_pages import page

pytestmark = pytest.mark.django_db
CLIENTS = b"""C1,Cleo,cleo@example.org,client,,Acme
C2,Zoe,zoe@example.org,client,,Zenith
C3,Stella,stella@example.org,client,,Other
"""
HERE = 'hx-get="/t/northwind/inbox/waiting/"'


@pytest.fixture
def zoe(zenith: Tenant) -> User:
    """A person of the other client."""
    someone = make.user("zoe")
    make.member(someone, zenith, Role.CLIENT)
    return someone


@pytest.fixture
def campaign(bpo: Tenant, cleo: User, zoe: User, carla: User, remy: User, rosa: User) -> Campaign:
    """An open campaign that the clients decide: four grants of Acme's people, one of Zenith's. No scope stays open."""
    with tenant_scope(bpo):
        cast = cast_of(bpo, carla, remy, rosa)
        head = b"external_id,name,email,kind,manager,programme\n"
        upsert_identities(body=head + CLIENTS, by=cast.officer)
        deliver(cast)
        return open_campaign(campaign=ready(cast, strategy=Strategy.CLIENT), by=cast.officer)


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path, secure=True)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


def decide_all(client: Client, review: str) -> None:
    """Keep every grant on the review page, each with a reason."""
    for path in re.findall(rf'hx-get="({review}items/\d+/)"', text(client, review)):
        kept = {"outcome": "certify", "reason": "Works on our claims each day."}
        assert client.post(f"{path}decide/", kept, secure=True).status_code == 302


def test_a_client_goes_from_their_home_to_the_signature(
    campaign: Campaign, bpo: Tenant, acme: Tenant, cleo: User
) -> None:
    key, client = Passkey(b"cleos-phone"), make.login(cleo)
    key.register(cleo)
    assert HERE in text(client, "/t/acme/client/")
    waiting, review = text(client, page("waiting")), page("review", campaign.pk)
    assert "4 grants to your data wait for your co-signature" in waiting
    assert f'href="{review}"' in waiting
    assert "Cem" not in text(client, review)
    decide_all(client, review)
    assert f'href="{page("sign", campaign.pk)}"' in text(client, page("waiting"))
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', text(client, page("sign", campaign.pk)))
    assert found
    proof = json.dumps(key.answer(bytes.fromhex(found[1])))
    told = {"printed_name": "Cleo Ito", "digest": found[1], "credential": proof}
    signed = client.post(page("sign", campaign.pk), told, secure=True)
    assert "Cleo Ito" in text(client, signed["Location"])
    assert "No grant waits for your co-signature" in text(client, page("waiting"))
    assert "Hand on" not in text(client, page("inbox"))
    with tenant_scope(bpo):
        signature = SignOff.objects.get()
        assert (signature.reviewer.external_id, signature.count, signature.level) == ("C1", 4, "passkey")
        assert AuditEntry.objects.get(verb="campaign.sign").actor_name == "cleo@example.org"
        assert not Membership.objects.filter(tenant=bpo, user=cleo).exists()


def test_nobody_but_the_clients_own_reviewer_sees_what_waits(
    campaign: Campaign, bpo: Tenant, acme: Tenant, zoe: User, stella: User
) -> None:
    colleague = make.user("eve")
    make.member(colleague, acme, Role.CLIENT)
    with tenant_scope(bpo):
        of_cleo = Assignment.objects.filter(campaign=campaign, reviewer__external_id="C1").first()
        assert of_cleo
        item = page("item", campaign.pk, of_cleo.item_id)
    assert "1 grant to your data waits" in text(make.login(zoe), page("waiting"))
    assert "Ana Ruiz" not in text(make.login(zoe), page("review", campaign.pk))
    text(make.login(zoe), item, 404)
    assert text(make.login(colleague), page("waiting")).strip() == ""
    for path in (page("inbox"), page("review", campaign.pk), item, page("sign", campaign.pk)):
        text(make.login(colleague), path, 404)
    for path in (page("waiting"), page("inbox"), page("review", campaign.pk), item):
        text(make.login(stella), path, 404)
    for path in (page("absences"), page("campaigns"), page("reviewer_choices"), "/t/northwind/", "/t/northwind/audit/"):
        text(make.login(zoe), path, 404)


def test_the_seat_ends_with_the_role_in_the_clients_tenant(campaign: Campaign, bpo: Tenant, cleo: User) -> None:
    with tenant_scope(bpo):
        assert client_reviewers() == {"Acme": person("C1").pk, "Zenith": person("C2").pk}
        assert person("C1").pk not in eligible_reviewers()
        assert person("C3").user_id is None
    Membership.objects.filter(user=cleo).update(ends_at=timezone.now())
    text(make.login(cleo), page("review", campaign.pk), 404)
    with tenant_scope(bpo):
        assert client_reviewers() == {"Zenith": person("C2").pk}
