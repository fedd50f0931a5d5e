"""Recurrence: the traps of clocks and months, and the eight dates that a form shows before it is saved."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from reviews.actions import create_campaign
from reviews.jobs import create_due
from reviews.models import Campaign, CampaignPlan
from reviews.recurrence import BadRule, check_rule, next_eight, next_openings
from tenants.kinds import Refused
from tenants.models import Tenant, User, Work
from tenants.work import Silent
from tests import make
from tests.reviews.conftest import Cast, deliver

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "starts_on"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 1, 1)),
        ("FREQ=MONTHLY;BYMONTHDAY=15,31;INTERVAL=1;BYSETPOS=2", date(2026, 1, 1)),
        ("FREQ=MONTHLY;INTERVAL=3", date(2026, 1, 31)),
        ("FREQ=MONTHLY;BYDAY=5MO", date(2026, 1, 1)),
        ("FREQ=YEARLY;BYYEARDAY=366", date(2026, 1, 1)),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", date(2028, 2, 29)),
        ("FREQ=MONTHLY;COUNT=3", date(2026, 1, 1)),
        ("FREQ=DAILY;UNTIL=20270101", date(2026, 1, 1)),
        ("every month", date(2026, 1, 1)),
    ],
)
def test_a_rule_that_would_skip_periods_is_refused(rule: str, starts_on: date) -> None:
    with pytest.raises(BadRule):
        check_rule(rule, starts_on)


@pytest.mark.parametrize(
    "rule", ["FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY", "FREQ=MONTHLY;INTERVAL=3"]
)
def test_the_last_day_and_the_last_friday_are_in_every_month(rule: str) -> None:
    check_rule(rule, date(2026, 1, 28))


def test_nine_o_clock_stays_nine_when_the_clocks_change_and_a_missing_hour_moves_on() -> None:
    weekly = next_openings("FREQ=WEEKLY", date(2026, 3, 1), time(9), NEW_YORK, after=NOW, n=2)
    assert [one.hour for one in weekly] == [14, 13]
    assert [one.astimezone(NEW_YORK).hour for one in weekly] == [9, 9]
    gap = next_openings("FREQ=DAILY", date(2026, 3, 8), time(2, 30), NEW_YORK, after=NOW, n=1)[0]
    assert (gap, gap.astimezone(NEW_YORK).time()) == (datetime(2026, 3, 8, 7, 30, tzinfo=UTC), time(3, 30))


def test_eight_dates_in_the_zone_and_their_faults() -> None:
    told = next_eight("FREQ=MONTHLY;BYMONTHDAY=-1", date(2026, 1, 1), NEW_YORK, NOW)
    assert len(told.dates) == 8
    assert told.dates[:3] == (
        "Saturday, 31 January 2026, 09:00 EST",
        "Saturday, 28 February 2026, 09:00 EST",
        "Tuesday, 31 March 2026, 09:00 EDT",
    )
    assert "skips February 2026" in next_eight("FREQ=MONTHLY;BYMONTHDAY=30", date(2026, 1, 1), NEW_YORK, NOW).fault


@pytest.mark.django_db
def test_the_form_shows_counts_and_dates_before_it_is_saved(cast: Cast, carla: User) -> None:
    deliver(cast)
    sent = {
        "systems": cast.crm.pk,
        "fallback": "M2",
        "strategy": "manager",
        "starts_on": "2030-01-01",
        "own_rule": "freq=monthly;bymonthday=-1",
        "entitlements": "admin*",
    }
    page = text(make.login(carla).get("/t/northwind/campaigns/new/counts/", sent))
    assert "<strong>1 grant</strong> (1 privileged)" in page
    assert "Thursday, 31 January 2030, 09:00 CET" in page
    assert page.count("<li>") == 10
    more = {"name": "Month ends", "due_days": 14, "later": "owner,client", "rule": ""}
    answer = make.login(carla).post("/t/northwind/campaigns/new/", {**sent, **more}, follow=True)
    assert "is made and opened on Thursday, 31 January 2030, 09:00 CET; until then there is none." in text(answer)
    plan = CampaignPlan.objects.get()
    assert (plan.rule, plan.entitlements) == ("FREQ=MONTHLY;BYMONTHDAY=-1", "admin*")
    assert list(plan.later_stages.values_list("n", "strategy")) == [(2, "owner"), (3, "client")]


def text(answer: Any) -> str:
    """Return a page's text on one line."""
    return " ".join(answer.content.decode().split())


@pytest.mark.django_db
def test_what_comes_back_has_no_campaign_before_its_first_date(cast: Cast, in_bpo: Tenant, carla: User) -> None:
    deliver(cast)
    sent = {"name": "Yearly", "systems": cast.crm.pk, "fallback": "M2", "strategy": "manager", "due_days": 14}
    sent |= {"rule": "FREQ=YEARLY", "starts_on": "2030-01-01"}
    assert make.login(carla).post("/t/northwind/campaigns/new/", sent)["Location"] == "/t/northwind/campaigns/plans/"
    assert create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    plan = CampaignPlan.objects.get()
    with pytest.raises(Refused, match="made on 1 January 2030 08:00 UTC, and none before it"):
        create_campaign(plan=plan, occurrence_at=timezone.now(), by=cast.officer)
    assert not Campaign.objects.exists()
    assert not Work.objects.exists()
    create_campaign(plan=plan, occurrence_at=datetime(2030, 1, 1, 8, tzinfo=UTC), by=cast.officer)


@pytest.mark.django_db
def test_what_is_made_once_names_no_date_on_which_it_would_open(cast: Cast, carla: User) -> None:
    sent = {"systems": cast.crm.pk, "fallback": "M2", "strategy": "manager", "starts_on": "2030-01-01"}
    assert "It opens" not in text(make.login(carla).get("/t/northwind/campaigns/new/counts/", sent))
