"""Opening a campaign: what is frozen, who reviews what, and what keeps it from opening."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reviews.actions import cancel_campaign, collect_snapshots, create_campaign, create_due_campaigns, open_campaign
from reviews.kinds import Strategy
from reviews.models import Assignment, Campaign, CampaignPlan, Exclusion, ReviewItem, ScopeLine
from reviews.states import CampaignState
from tenants.kinds import Actor, Cancelled, Refused
from tenants.models import AuditEntry
from tests.reviews.conftest import Cast, deliver, item, person, plan, ready, waive

pytestmark = pytest.mark.django_db


def test_it_freezes_every_row_and_puts_it_to_a_reviewer(campaign: Campaign) -> None:
    assert campaign.state == CampaignState.OPEN
    assert campaign.due_at is not None
    assert ReviewItem.objects.count() == 6
    reviewers = dict(Assignment.objects.values_list("item__account__name", "reviewer__name"))
    assert reviewers == {"ana": "Remy", "bob": "Remy", "cem": "Rosa", "remy": "Rosa", "backup": "Rosa"}
    entry = AuditEntry.objects.get(verb="campaign.open")
    assert (entry.detail["rows"], entry.detail["items"], entry.detail["exclusions"]) == (6, 6, 0)


def test_it_says_why_there_is_no_advice_without_logs(campaign: Campaign) -> None:
    frozen = item(campaign, "ana")
    assert frozen.advice == "insufficient"
    assert "No log source is expected for CRM" in frozen.advice_reason
    assert frozen.evidence["coverage_per_mille"] is None
    assert frozen.evidence["peers"] == {"have": 2, "of": 2, "programme": "Acme"}
    assert item(campaign, "backup").advice_reason.startswith("It is a service account")


def test_an_open_campaign_takes_no_other_snapshot(campaign: Campaign, cast: Cast) -> None:
    deliver(cast, days_ago=0)
    with pytest.raises(Refused, match="this one has its population"):
        collect_snapshots(campaign=campaign, by=cast.officer)


def test_a_privileged_only_campaign_accounts_for_the_rest(cast: Cast) -> None:
    deliver(cast)
    opened = open_campaign(campaign=ready(cast, privileged_only=True), by=cast.officer)
    assert list(ReviewItem.objects.values_list("account__name", "entitlement__key")) == [("bob", "admin_all")]
    assert Exclusion.objects.filter(campaign=opened, reason__contains="not privileged").count() == 5


def test_it_waits_for_a_complete_snapshot_and_goes_on_when_it_comes(cast: Cast) -> None:
    deliver(cast, total=9)
    waiting = ready(cast)
    assert waiting.state == CampaignState.COLLECTING
    with pytest.raises(Refused, match="cannot go to 'Open'"):
        open_campaign(campaign=waiting, by=cast.officer)
    deliver(cast, days_ago=0.5)
    assert collect_snapshots(campaign=waiting, by=cast.officer).state == CampaignState.READY


def test_a_snapshot_that_is_too_old_does_not_count(cast: Cast) -> None:
    deliver(cast, days_ago=31)
    assert ready(cast).state == CampaignState.COLLECTING


def test_a_campaign_without_any_snapshot_does_not_get_ready_by_waivers(cast: Cast) -> None:
    waiting = ready(cast)
    line = ScopeLine.objects.get(campaign=waiting)
    with pytest.raises(Refused, match="at least 10 characters"):
        waive(line, cast.officer, "later")
    assert waive(line, cast.officer).state == "collecting"


def test_it_refuses_when_a_grant_has_no_reviewer_but_its_subject(cast: Cast) -> None:
    deliver(cast, b"account,entitlement,person\nrosa,agent,M2\n")
    alone = ready(cast, strategy=Strategy.NAMED, named=person("M2"))
    with pytest.raises(Refused, match="1 of 1 grants have no reviewer"):
        open_campaign(campaign=alone, by=cast.officer)
    assert not ReviewItem.objects.exists()


def test_a_reviewer_may_not_open(cast: Cast) -> None:
    deliver(cast)
    with pytest.raises(Refused, match="plan and run campaigns"):
        open_campaign(campaign=ready(cast), by=cast.remy)


class _Impatient:
    """Progress of a person who cancels after the first step."""

    def step(self, done: int, total: int, message: str = "") -> None:
        raise Cancelled


@pytest.mark.parametrize("reason", ["Too short", "x" * 301])
def test_a_campaign_is_cancelled_for_a_reason_that_can_be_kept(cast: Cast, reason: str) -> None:
    with pytest.raises(Refused, match="10 to 300 characters"):
        cancel_campaign(campaign=ready(cast), reason=reason, by=cast.officer)


def test_a_cancelled_opening_leaves_nothing(cast: Cast) -> None:
    deliver(cast)
    waiting = ready(cast)
    with pytest.raises(Cancelled):
        open_campaign(campaign=waiting, by=cast.officer, progress=_Impatient())
    assert not ReviewItem.objects.exists()
    assert Campaign.objects.get(pk=waiting.pk).state == CampaignState.READY


def test_one_period_has_one_campaign(cast: Cast) -> None:
    made = plan(cast)
    at = timezone.now()
    create_campaign(plan=made, occurrence_at=at, by=cast.officer)
    with pytest.raises(Refused, match="has its campaign already"):
        create_campaign(plan=made, occurrence_at=at, by=cast.officer)


def test_missed_periods_of_a_recurring_plan_are_made_late_and_once(cast: Cast, system: Actor) -> None:
    made = plan(cast, rule="FREQ=WEEKLY", starts_on=timezone.localdate() - timedelta(days=16))
    CampaignPlan.objects.filter(pk=made.pk).update(next_opening_at=timezone.now() - timedelta(days=15))
    assert len(create_due_campaigns(by=system)) >= 2
    made.refresh_from_db()
    assert made.next_opening_at is not None
    assert made.next_opening_at > timezone.now()
    assert create_due_campaigns(by=system) == []
