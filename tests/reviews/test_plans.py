"""Plans: the page that lists them, their end, a new one like an old one, and what the database holds of both."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identities.actions import SystemFacts, save_system
from reviews import jobs
from reviews.actions import (
    begin_stage,
    close_campaign,
    close_deciding,
    create_campaign,
    decide,
    end_plan,
    follow_up,
    open_campaign,
)
from reviews.kinds import Silence, Strategy, Trigger
from reviews.models import Campaign, CampaignPlan, PlanStage, PlanSystem
from reviews.queries.campaigns import to_open
from reviews.queries.triggers import triggered_plans
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.work import Silent
from tests import make
from tests.reviews.conftest import KEEP, Cast, deliver, fall_due, item, person, plan
from tests.reviews.test_pages import page
from tests.reviews.test_recurrence import text
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db
WHY = "The yearly review takes its place."


def begun(cast: Cast, **changes: object) -> tuple[CampaignPlan, Campaign]:
    """Make a weekly plan over the CRM and open the campaign of its first week."""
    deliver(cast)
    made = plan(cast, rule="FREQ=WEEKLY", starts_on=timezone.localdate() - timedelta(days=2), **changes)
    campaign = create_campaign(plan=made, occurrence_at=timezone.now(), by=cast.officer)
    return made, open_campaign(campaign=campaign, by=cast.officer)


def test_the_list_says_what_each_plan_covers_and_made(cast: Cast, carla: User, remy: User) -> None:
    client = make.login(carla)
    assert "No plan yet" in text(client.get(page("plans")))
    made, campaign = begun(cast, privileged_only=True, programme="Acme", later=[Strategy.OWNER])
    plan(cast, "Leavers", trigger=Trigger.LEAVER, strategy=Strategy.NAMED, named=person("M1"))
    plan(cast, "Own rule", rule="FREQ=MONTHLY;BYMONTHDAY=-1")
    shown = text(client.get(page("plans")))
    assert "Privileged access on CRM; people of Acme only." in shown
    assert "Each person&#x27;s manager, then owner of the system; 14 days to decide" in shown
    assert "Every week" in shown
    assert f"{made.next_opening_at:%Y-%m-%dT%H:%M}" in shown
    assert f'1<div><a href="{page("campaign", campaign.pk)}">' in shown
    assert "After: a leaver with active access" in shown
    assert "Remy; 14 days" in shown
    assert "FREQ=MONTHLY;BYMONTHDAY=-1" in shown
    assert make.login(remy).get(page("plans")).status_code == 403
    assert make.login(remy).post(page("plan_end", made.pk), {"reason": WHY}).status_code == 403


def test_the_list_costs_the_same_whatever_its_length(cast: Cast, carla: User) -> None:
    client = make.login(carla)
    begun(cast)
    client.get(page("plans"))
    with CaptureQueriesContext(connection) as before:
        client.get(page("plans"))
    billing = save_system(facts=SystemFacts("Billing", "billing", "admin*"), by=cast.officer)
    for n in range(3):
        more = plan(cast, f"Plan {n}", systems=[cast.crm, billing], later=[Strategy.OWNER])
        create_campaign(plan=more, occurrence_at=timezone.now(), by=cast.officer)
    with CaptureQueriesContext(connection) as after:
        assert text(client.get(page("plans"))).count("Access on Billing, CRM.") == 3
    assert len(after) == len(before)


def test_a_plan_is_ended_on_the_page_with_a_reason(cast: Cast, carla: User) -> None:
    client, made = make.login(carla), plan(cast, rule="FREQ=WEEKLY")
    for reason in ("", "too short", "x" * 301):
        told = client.post(page("plan_end", made.pk), {"reason": reason}, follow=True)
        assert "Write in 10 to 300 characters why the plan ends." in text(told)
    assert "has ended: it makes no further campaign" in text(
        client.post(page("plan_end", made.pk), {"reason": WHY}, follow=True)
    )
    shown = text(client.get(page("plans")))
    assert f"by carla@example.org: {WHY}" in shown
    assert "End this plan" not in shown
    assert "has ended already" in text(client.post(page("plan_end", made.pk), {"reason": WHY}, follow=True))
    entry = AuditEntry.objects.get(verb="plan.end")
    assert (entry.detail["plan"], entry.detail["why"], entry.actor_name) == (made.pk, WHY, "carla@example.org")
    once = plan(cast, "Once")
    assert "nothing to end" in text(client.post(page("plan_end", once.pk), {"reason": WHY}, follow=True))


def test_an_ended_plan_makes_no_campaign(cast: Cast, in_bpo: Tenant) -> None:
    weekly = plan(cast, rule="FREQ=WEEKLY", starts_on=timezone.localdate() - timedelta(days=9))
    CampaignPlan.objects.update(next_opening_at=timezone.now() - timedelta(days=1))
    trigger = plan(cast, "New administrators", trigger=Trigger.NEW_PRIVILEGED)
    for one in (weekly, trigger):
        end_plan(plan=one, reason=WHY, by=cast.officer)
    deliver(cast)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    assert not triggered_plans()
    with pytest.raises(Refused, match="has ended: it makes no further campaign"):
        create_campaign(plan=CampaignPlan.objects.get(pk=weekly.pk), occurrence_at=timezone.now(), by=cast.officer)


def test_a_plan_that_was_not_ended_makes_them(cast: Cast, in_bpo: Tenant) -> None:
    plan(cast, rule="FREQ=WEEKLY", starts_on=timezone.localdate() - timedelta(days=9))
    CampaignPlan.objects.update(next_opening_at=timezone.now() - timedelta(days=1))
    plan(cast, "New administrators", trigger=Trigger.NEW_PRIVILEGED)
    deliver(cast)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 2, "opening": 2}


def _row(campaign: Campaign) -> dict[str, Any]:
    return dict(Campaign.objects.filter(pk=campaign.pk).values().get())


def test_ending_a_plan_changes_nothing_in_its_open_campaign(cast: Cast, carla: User) -> None:
    made, campaign = begun(cast, later=[Strategy.OWNER])
    before = _row(campaign)
    make.login(carla).post(page("plan_end", made.pk), {"reason": WHY})
    assert CampaignPlan.objects.get(pk=made.pk).ended_by == "carla@example.org"
    assert _row(campaign) == before
    decide_all(campaign, cast)
    for by, who in ((cast.remy, "M1"), (cast.rosa, "M2")):
        sign(campaign, by, who)
    campaign.refresh_from_db()
    assert campaign.definition == before["definition"]
    assert begin_stage(campaign=campaign, by=cast.officer).stage == 2


def test_planning_the_same_again_leaves_the_open_campaign_alone(cast: Cast, carla: User) -> None:
    made, campaign = begun(cast)
    before = _row(campaign)
    sent = {"name": "Another", "systems": cast.crm.pk, "fallback": "M1", "strategy": "owner", "due_days": 3}
    sent |= {"rule": "FREQ=YEARLY", "starts_on": "2030-01-01", "entitlements": "admin*"}
    assert make.login(carla).post(page("plan_like", made.pk), sent).status_code == 302
    assert CampaignPlan.objects.count() == 2
    assert CampaignPlan.objects.get(pk=made.pk).entitlements == ""
    assert _row(campaign) == before
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)


def test_a_new_plan_is_filled_like_an_old_one(cast: Cast, carla: User) -> None:
    facts = {"entitlements": "admin*", "programme": "Acme", "due_days": 21, "purpose": "SOX 404"}
    facts |= {"strategy": Strategy.NAMED, "named": person("M1"), "later": [Strategy.OWNER, Strategy.CLIENT]}
    facts |= {"rule": "FREQ=MONTHLY;BYMONTHDAY=-1", "silence_standard": Silence.REVOKE, "privileged_only": True}
    deliver(cast)
    old, client = plan(cast, "Month ends", **facts), make.login(carla)
    shown = client.get(page("plan_like", old.pk))
    assert (shown.context["counts"].grants, len(shown.context["openings"].dates)) == (1, 8)
    form = shown.context["form"]
    typed = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    assert (typed["fallback"], typed["named"], typed["own_rule"]) == ("Rosa (M2)", "Remy (M1)", old.rule)
    assert typed["starts_on"] == timezone.localdate()
    assert "name" not in typed
    assert client.post(page("plan_like", old.pk), {**typed, "name": "Month ends, again"}).status_code == 302
    new = CampaignPlan.objects.get(name="Month ends, again")
    own = {"id", "name", "created_at", "_state", "_prefetched_objects_cache"}
    same = [{k: v for k, v in vars(CampaignPlan.objects.get(pk=one.pk)).items() if k not in own} for one in (old, new)]
    assert same[0] == same[1]
    assert [one.strategy for one in new.later_stages.order_by("n")] == [Strategy.OWNER, Strategy.CLIENT]
    assert [line.system for line in new.plan_systems.all()] == [cast.crm]


def test_a_follow_up_waits_for_a_person_also_where_the_plan_comes_back(cast: Cast) -> None:
    made, campaign = begun(cast, strategy=Strategy.NAMED, named=person("M1"), silence_privileged=Silence.NOT_DECIDED)
    fall_due(campaign)
    close_deciding(campaign=campaign, by=cast.officer)
    closed = close_campaign(campaign=Campaign.objects.get(pk=campaign.pk), by=cast.officer)
    fresh = follow_up(campaign=closed, reason="Nobody decided in time.", by=cast.officer)
    assert (fresh.state, to_open()) == (CampaignState.READY, [])
    again = create_campaign(plan=made, occurrence_at=timezone.now(), by=cast.officer)
    assert to_open() == [again], "what the calendar makes opens by itself"


ATTACKS = {
    "another name": ("never changed", "UPDATE reviews_campaignplan SET name = 'Other'"),
    "a wider scope": ("never changed", "UPDATE reviews_campaignplan SET entitlements = 'x*'"),
    "another fallback": ("never changed", "UPDATE reviews_campaignplan SET fallback_id = named_id, named_id = NULL"),
    "no plan": ("permission denied", "DELETE FROM reviews_campaignplan"),
    "no system": ("permission denied", "DELETE FROM reviews_plansystem"),
    "another system": ("permission denied", "UPDATE reviews_plansystem SET system_id = system_id + 1"),
    "no stage": ("permission denied", "DELETE FROM reviews_planstage"),
    "an end without a person": (
        "ended_plan_says_who_and_why",
        "UPDATE reviews_campaignplan SET ended_at = now(), next_opening_at = NULL, end_reason = 'Nobody needs it.'",
    ),
    "an end without a reason": (
        "ended_plan_says_who_and_why",
        "UPDATE reviews_campaignplan SET ended_at = now(), next_opening_at = NULL, ended_by = 'x', "
        "end_reason = 'short'",
    ),
    "an end that goes on": (
        "and_makes_nothing",
        "UPDATE reviews_campaignplan SET ended_at = now(), ended_by = 'x', end_reason = 'Nobody needs it.'",
    ),
    "an end long ago": (
        "bears the time",
        "UPDATE reviews_campaignplan SET ended_at = now() - interval '1 day', ended_by = 'x', "
        "end_reason = 'Nobody needs it.'",
    ),
}


def refused(words: str, statement: str) -> None:
    """Run a statement that the database must refuse with these words."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_keeps_what_a_plan_says(attack: str, cast: Cast) -> None:
    plan(cast, rule="FREQ=WEEKLY", later=[Strategy.OWNER], named=person("M1"))
    refused(*ATTACKS[attack])


def test_the_database_takes_no_system_or_stage_afterwards(cast: Cast) -> None:
    billing = save_system(facts=SystemFacts("Billing", "billing", "admin*"), by=cast.officer)
    made, _campaign = begun(cast)
    ended = plan(cast, "Ended", rule="FREQ=WEEKLY")
    end_plan(plan=ended, reason=WHY, by=cast.officer)
    for one in (made, ended):
        for row in (PlanSystem(plan=one, system=billing), PlanStage(plan=one, n=2, strategy=Strategy.OWNER)):
            with pytest.raises(DatabaseError, match="named when it is made"), transaction.atomic():
                row.save(force_insert=True)


def test_the_database_lets_no_ended_plan_begin_again(cast: Cast) -> None:
    made = plan(cast, rule="FREQ=WEEKLY")
    end_plan(plan=made, reason=WHY, by=cast.officer)
    for change in (
        "UPDATE reviews_campaignplan SET ended_at = NULL, ended_by = '', end_reason = ''",
        "UPDATE reviews_campaignplan SET end_reason = 'Something else was meant.'",
        "UPDATE reviews_campaignplan SET next_opening_at = now()",
    ):
        refused("ends once", change)
