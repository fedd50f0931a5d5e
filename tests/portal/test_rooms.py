"""The overview, the client's home and the auditor's room open for their roles and show what is there."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.kinds import LeafKind
from logs.models import AccessEvent
from portal.queries.client import Feed, Touch
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["carla", "olga"])
def test_the_overview_opens_without_any_row(name: str, bpo: Tenant, request: pytest.FixtureRequest) -> None:
    answer = make.login(request.getfixturevalue(name)).get(reverse("portal:overview", args=[bpo.slug]))
    assert answer.status_code == 200
    assert "Unresolved alerts" in answer.content.decode()


@pytest.mark.django_db
def test_an_officer_sees_the_eight_facts_and_an_operator_only_their_own(bpo: Tenant, carla: User, olga: User) -> None:
    url = reverse("portal:overview", args=[bpo.slug])
    of_officer = [fact.label for fact in make.login(carla).get(url).context["facts"]]
    of_operator = [fact.label for fact in make.login(olga).get(url).context["facts"]]
    assert of_officer == [
        "Open campaigns",
        "Privileged grants reviewed",
        "Overdue items",
        "Open findings",
        "Unresolved alerts",
        "Silent log sources",
        "Evidence missing or overdue",
        "Last evidence pack",
    ]
    assert of_operator == ["Unresolved alerts", "Silent log sources", "Ledger"]


@pytest.mark.django_db
def test_the_overview_does_not_wait_for_the_calendar(bpo: Tenant, carla: User, olga: User) -> None:
    client, url = make.login(carla), reverse("portal:overview", args=[bpo.slug])
    part = reverse("portal:overview_due", args=[bpo.slug])
    client.get(url)
    with CaptureQueriesContext(connection) as page:
        assert f'hx-get="{part}"' in client.get(url).content.decode()
    with CaptureQueriesContext(connection) as later:
        answer = client.get(part)
    assert answer.context["fact"].value.isdecimal()
    assert b"fact-value" in answer.content
    asks = [["evidence_document" in query["sql"] for query in asked.captured_queries] for asked in (page, later)]
    assert (any(asks[0]), any(asks[1])) == (False, True)
    assert make.login(olga).get(part).status_code == 403


@pytest.mark.django_db
def test_no_data_is_not_a_full_share(bpo: Tenant, carla: User) -> None:
    facts = make.login(carla).get(reverse("portal:overview", args=[bpo.slug])).context["facts"]
    assert next(fact.value for fact in facts if fact.label == "Privileged grants reviewed") == "\u2013"


@pytest.mark.django_db
def test_a_client_without_a_shared_source_is_told_so(acme: Tenant, cleo: User) -> None:
    answer = make.login(cleo).get(reverse("portal:client", args=[acme.slug]))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "No source delivers this kind of log: Database access." in page
    assert "No evidence pack is shared with you yet." in page


@pytest.mark.django_db
def test_an_auditor_finds_an_empty_room_with_its_term(bpo: Tenant, axel: User) -> None:
    answer = make.login(axel).get(reverse("portal:room", args=[bpo.slug]))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "30 days left:" in page
    assert "No campaign is shared with you yet." in page


@pytest.mark.django_db
def test_the_feed_answers_304_while_nothing_is_new(acme: Tenant, cleo: User) -> None:
    client, url = make.login(cleo), reverse("portal:client_feed", args=[acme.slug])
    first = client.get(url)
    assert first.status_code == 200
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert client.get(url, {"tag": "none"}).status_code == 304
    assert client.get(url, {"tag": "something-else"}).status_code == 200


def test_a_late_record_below_the_first_line_is_news() -> None:
    at = datetime(2026, 5, 4, 9, tzinfo=UTC)
    touches = [Touch(AccessEvent(id=n, received_at=at), "Ana", "CRM", "log in", "System login") for n in (3, 1, 2)]
    assert len({Feed(touches[:1]).tag, Feed(touches[:2]).tag, Feed([touches[0], touches[2]]).tag, Feed([]).tag}) == 4


@pytest.mark.django_db
def test_opening_the_feed_is_a_deed_and_its_refresh_is_not_another(acme: Tenant, cleo: User) -> None:
    client = make.login(cleo)
    client.get(reverse("portal:client", args=[acme.slug]))
    client.get(reverse("portal:client_feed", args=[acme.slug]))
    with tenant_scope(acme):
        looks = AuditEntry.objects.filter(verb="feed.look", leaf_kind=LeafKind.LOOKED)
        assert [look.actor_name for look in looks] == [cleo.email]


@pytest.mark.django_db
def test_a_campaign_that_is_not_shared_is_not_there(bpo: Tenant, axel: User) -> None:
    assert make.login(axel).get(reverse("portal:room_campaign", args=[bpo.slug, 1])).status_code == 404
