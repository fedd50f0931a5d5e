"""Campaigns, items and decisions by the API."""

from typing import Any
from urllib.parse import urljoin

import pytest
from django.test import Client

from reviews.actions import decide, end_plan
from reviews.kinds import Trigger
from reviews.models import Campaign
from tenants.actions import issue_token
from tenants.kinds import Permission
from tenants.models import User
from tests.reviews.conftest import KEEP, Cast, item, plan

pytestmark = pytest.mark.django_db
BASE = "/api/v1/t/northwind/campaigns/"


@pytest.fixture
def token(cast: Cast, carla: User) -> str:
    return issue_token(name="grc", scopes=[Permission.CAMPAIGN_VIEW], days=1, user=carla, by=cast.officer)[1]


def read(path: str, token: str) -> Any:
    answer = Client().get(urljoin(BASE, path), headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_campaign_is_listed_and_says_how_it_stands(campaign: Campaign, token: str) -> None:
    assert [one["id"] for one in read("", token)["items"]] == [campaign.pk]
    assert read("?state=closed", token)["items"] == []
    body = read(f"{campaign.pk}/", token)
    assert (body["state"], body["standing"]["items"], body["standing"]["undecided"]) == ("open", 6, 6)


def test_plans_are_listed_with_their_end(cast: Cast, token: str) -> None:
    plan(cast, "Weekly", rule="FREQ=WEEKLY")
    end_plan(plan=plan(cast, "Leavers", trigger=Trigger.LEAVER), reason="Done by the weekly one.", by=cast.officer)
    ended, weekly = read("../plans/", token)["items"]
    assert (weekly["name"], weekly["systems"], weekly["ended_at"]) == ("Weekly", ["crm"], None)
    assert weekly["next_opening_at"]
    assert (ended["trigger"], ended["end_reason"], ended["ended_by"]) == (
        "leaver",
        "Done by the weekly one.",
        "carla@example.org",
    )


def test_items_come_in_order_with_their_evidence(campaign: Campaign, token: str) -> None:
    first = read(f"{campaign.pk}/items/?limit=4", token)
    rest = read(f"{campaign.pk}/items/?limit=4&cursor={first['next_cursor']}", token)
    items = [*first["items"], *rest["items"]]
    assert [one["n"] for one in items] == [1, 2, 3, 4, 5, 6]
    assert all(one["evidence"] and one["advice_reason"] for one in items)
    (privileged,) = read(f"{campaign.pk}/items/?privileged=true", token)["items"]
    assert privileged["entitlement"] == "admin_all"


def test_decisions_are_listed_as_they_were_made(campaign: Campaign, cast: Cast, token: str) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    (made,) = read(f"{campaign.pk}/decisions/", token)["items"]
    assert (made["outcome"], made["decided_by"], made["supersedes"]) == ("certify", "remy@example.org", None)


def test_another_scope_does_not_open_campaigns(campaign: Campaign, cast: Cast, carla: User) -> None:
    other = issue_token(name="x", scopes=[Permission.AUDIT_VIEW], days=1, user=carla, by=cast.officer)[1]
    for path in ("", "../plans/", f"{campaign.pk}/", f"{campaign.pk}/items/", f"{campaign.pk}/decisions/"):
        answer = Client().get(urljoin(BASE, path), headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == 403, path
