"""The guarded view: log-in for visitors, 404 for strangers, a sentence for members, an entry for each refusal."""

import pytest
from django.test import Client

from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
PAGE = "/t/northwind/audit/"


def test_a_visitor_is_sent_to_log_in(bpo: Tenant, client: Client) -> None:
    answer = client.get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={PAGE}")


def test_a_stranger_and_an_unknown_tenant_get_the_same_404(bpo: Tenant, stella: User, client: Client) -> None:
    client.force_login(stella)
    mine, unknown = client.get(PAGE), client.get("/t/no-such-tenant/audit/")
    assert (mine.status_code, unknown.status_code) == (404, 404)
    assert b"Northwind" not in mine.content


def test_a_member_without_the_right_gets_the_sentence_and_leaves_an_entry(
    bpo: Tenant, remy: User, client: Client
) -> None:
    client.force_login(remy)
    answer = client.get(PAGE)
    assert answer.status_code == 403
    assert "Your role in this tenant does not open this page" in answer.content.decode()
    with tenant_scope(bpo):
        assert list(AuditEntry.objects.filter(verb="access.refuse").values_list("actor_name", "target")) == [
            (remy.email, PAGE)
        ]


def test_an_officer_reads_the_trail_and_nothing_caches_it(bpo: Tenant, carla: User, client: Client) -> None:
    client.force_login(carla)
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_a_role_taken_away_closes_the_next_page(bpo: Tenant, carla: User, client: Client) -> None:
    client.force_login(carla)
    assert client.get(PAGE).status_code == 200
    User.objects.filter(pk=carla.pk).update(is_active=False)
    assert client.get(PAGE).status_code in {302, 404}
