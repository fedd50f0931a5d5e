"""What people do on the tenant's own pages: roles, tokens, the audit trail and long work."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.audit import audit
from tenants.kinds import Actor, Permission, Role, WorkState
from tenants.models import ApiToken, AuditEntry, Membership, Tenant, User, Work
from tenants.scope import tenant_scope
from tests import make

pytestmark = pytest.mark.django_db


def test_an_officer_gives_a_person_a_role_with_a_last_day(bpo: Tenant, carla: User) -> None:
    last = timezone.now().astimezone(bpo.zone).date() + timedelta(days=20)
    told = {"name": "Noor Haddad", "email": "Noor@Example.org", "role": "analyst", "ends_on": last.isoformat()}
    answer = make.login(carla).post(reverse("tenants:person_add", args=[bpo.slug]), told)
    assert answer.status_code == 302
    role = Membership.objects.get(user__email="noor@example.org")
    assert role.ends_at is not None
    assert role.ends_at.astimezone(bpo.zone).date() == last


def test_nobody_is_made_an_auditor_without_an_invitation(bpo: Tenant, carla: User) -> None:
    told = {"name": "Noor", "email": "noor@example.org", "role": "auditor", "ends_on": ""}
    answer = make.login(carla).post(reverse("tenants:person_add", args=[bpo.slug]), told)
    assert answer.status_code == 422
    assert "invited under Auditors" in answer.content.decode()
    assert not User.objects.filter(email="noor@example.org").exists()


def test_an_ended_role_opens_nothing_any_more(bpo: Tenant, carla: User, remy: User) -> None:
    reader = make.login(remy)
    assert reader.get(reverse("reviews:inbox", args=[bpo.slug])).status_code == 200
    role = Membership.objects.get(user=remy)
    make.login(carla).post(reverse("tenants:role_end", args=[bpo.slug, role.pk]))
    assert reader.get(reverse("reviews:inbox", args=[bpo.slug])).status_code == 404


def test_nobody_ends_a_role_by_following_a_link(bpo: Tenant, carla: User, remy: User) -> None:
    role = Membership.objects.get(user=remy)
    assert make.login(carla).get(reverse("tenants:role_end", args=[bpo.slug, role.pk])).status_code == 405


def test_a_token_is_shown_once_and_revoked(bpo: Tenant, carla: User) -> None:
    client, url = make.login(carla), reverse("tenants:tokens", args=[bpo.slug])
    told = {"name": "SIEM", "scopes": [Permission.AUDIT_VIEW.value], "days": "30"}
    shown = client.post(url, told).context["issued"]
    assert shown.startswith("csn_api_")
    assert shown not in client.get(url).content.decode()
    with tenant_scope(bpo):
        token = ApiToken.objects.get()
    client.post(reverse("tenants:token_revoke", args=[bpo.slug, token.pk]))
    with tenant_scope(bpo):
        assert not ApiToken.objects.get().is_usable(timezone.now())


def test_a_token_of_another_tenant_is_not_there(acme: Tenant, bpo: Tenant, carla: User) -> None:
    assert make.login(carla).post(reverse("tenants:token_revoke", args=[bpo.slug, 12345])).status_code == 404


def test_the_trail_goes_on_where_the_page_ended(bpo: Tenant, carla: User) -> None:
    _write_deeds(bpo, carla, 120)
    client, url, seen = make.login(carla), reverse("tenants:audit", args=[bpo.slug]), list[str]()
    cursor = ""
    while True:
        page = client.get(url, {"verb": "test.", "cursor": cursor}).context["page"]
        seen += [entry.target for entry in page.rows]
        if page.next is None:
            break
        cursor = str(page.next)
    assert seen == [f"deed {number}" for number in reversed(range(120))]


@pytest.mark.parametrize("cursor", ["nonsense", "2026-01-01_x", "_", "2026-01-01T00:00:00_" + "0" * 32])
def test_a_cursor_that_is_not_ours_shows_the_first_page(cursor: str, bpo: Tenant, carla: User) -> None:
    answer = make.login(carla).get(reverse("tenants:audit", args=[bpo.slug]), {"cursor": cursor})
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["tenants:audit", "tenants:tokens", "tenants:people", "portal:overview"])
def test_a_list_asks_the_database_as_often_for_many_rows_as_for_few(name: str, bpo: Tenant, carla: User) -> None:
    client, url = make.login(carla), reverse(name, args=[bpo.slug])
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    _write_deeds(bpo, carla, 60)
    for number in range(20):
        make.member(make.user(f"person{number}"), bpo, Role.ANALYST)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few)
    assert len(few) < 60


def test_long_work_is_polled_until_it_is_over_and_then_the_page_is_loaded_again(bpo: Tenant, carla: User) -> None:
    work = _work(bpo, carla, WorkState.RUNNING)
    client, url = make.login(carla), reverse("tenants:work", args=[bpo.slug, work.pk])
    part = client.get(url, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 1s"' in part.content.decode()
    assert "3 of 9" in part.content.decode()
    assert "HX-Refresh" not in part.headers
    _set(bpo, work, state=WorkState.DONE)
    over = client.get(url, headers={"HX-Request": "true"})
    assert over.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in over.content.decode()


def test_whoever_asked_for_the_work_can_cancel_it_and_others_cannot(
    bpo: Tenant, carla: User, ana: User, remy: User
) -> None:
    work = _work(bpo, carla, WorkState.RUNNING)
    url = reverse("tenants:work_cancel", args=[bpo.slug, work.pk])
    assert [make.login(one).post(url).status_code for one in (ana, remy)] == [403, 404]
    assert "Stopping" in make.login(carla).post(url, headers={"HX-Request": "true"}).content.decode()
    with tenant_scope(bpo):
        assert Work.objects.get(pk=work.pk).cancel_requested
        assert AuditEntry.objects.filter(verb="work.cancel").count() == 1


def test_who_sees_only_what_is_shared_sees_only_their_own_work(bpo: Tenant, carla: User, axel: User) -> None:
    theirs, own = _work(bpo, carla, WorkState.RUNNING), _work(bpo, axel, WorkState.RUNNING)
    urls = [reverse("tenants:work", args=[bpo.slug, work.pk]) for work in (theirs, own)]
    assert [make.login(axel).get(url).status_code for url in urls] == [404, 200]
    assert [make.login(carla).get(url).status_code for url in urls] == [200, 200]


def _write_deeds(tenant: Tenant, person: User, number: int) -> None:
    by: Actor = make.actor(person, tenant)
    with tenant_scope(tenant):
        for one in range(number):
            audit("test.deed", by=by, target=f"deed {one}")


def _work(tenant: Tenant, person: User, state: WorkState) -> Work:
    with tenant_scope(tenant):
        facts = {"kind": "test", "title": "A long one", "job": "none", "asked_by": person.email}
        return Work.objects.create(**facts, state=state, asked_by_user=person, done=3, total=9)


def _set(tenant: Tenant, work: Work, **values: object) -> None:
    with tenant_scope(tenant):
        Work.objects.filter(pk=work.pk).update(**values)
