"""Reminders: who is mailed, and that the regular jobs are safe to run again."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from reviews import jobs
from reviews.actions import decide, remind_reviewers
from reviews.models import Campaign
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import Tenant, Work
from tenants.work import Silent
from tests.reviews.conftest import KEEP, Cast, deliver, item, plan, ready

pytestmark = pytest.mark.django_db


def test_only_reviewers_with_undecided_items_are_mailed(
    campaign: Campaign, cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for account, entitlement in (("ana", "agent"), ("bob", "agent"), ("bob", "admin_all")):
        decide(item=item(campaign, account, entitlement), choice=KEEP, by=cast.remy)
    with django_capture_on_commit_callbacks(execute=True):
        assert remind_reviewers(campaign=campaign, by=cast.officer) == 1
    (message,) = mail.outbox
    assert message.to == ["rosa@example.org"]
    assert message.subject == "3 grants wait for your decision: CRM, second quarter"
    assert "Cem Oz" not in message.body
    with pytest.raises(Refused, match="plan and run campaigns"):
        remind_reviewers(campaign=campaign, by=cast.remy)


def test_reminders_go_out_on_the_days_of_the_plan(campaign: Campaign, in_bpo: Tenant) -> None:
    due = timezone.now() + timedelta(minutes=5)
    for days, mailed in ((10, 0), (7, 2), (3, 2), (1, 2), (0, 2)):
        Campaign.objects.filter(pk=campaign.pk).update(due_at=due + timedelta(days=days))
        assert jobs.remind(Silent(), in_bpo) == {"mailed": mailed}


def test_the_regular_jobs_are_safe_to_run_again(campaign: Campaign, in_bpo: Tenant) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    assert [jobs.close_overdue(Silent(), in_bpo) for _ in range(2)] == [{"closed": 1}, {"closed": 0}]
    assert jobs.verify(Silent(), in_bpo)["opened"] == 1
    assert jobs.verify(Silent(), in_bpo)["opened"] == 0


def test_a_recurring_plan_is_opened_by_the_scheduler(cast: Cast, in_bpo: Tenant) -> None:
    deliver(cast)
    made = plan(cast, rule="FREQ=WEEKLY")
    type(made).objects.filter(pk=made.pk).update(next_opening_at=timezone.now() - timedelta(minutes=1))
    assert jobs.create_due(Silent(), in_bpo)["made"] == 1
    waiting = Campaign.objects.get()
    assert waiting.state == CampaignState.READY
    assert Work.objects.get().arguments == [waiting.pk, None]
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    jobs.open_campaign_job(Silent(), in_bpo, waiting.pk)
    assert jobs.open_campaign_job(Silent(), in_bpo, waiting.pk) == {"campaign": waiting.pk}
    assert Campaign.objects.get().opened_by == "system:scheduler"


def test_a_campaign_of_one_time_waits_for_a_person(cast: Cast, in_bpo: Tenant) -> None:
    waiting = ready(cast)
    deliver(cast)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    waiting.refresh_from_db()
    assert waiting.state == CampaignState.READY
