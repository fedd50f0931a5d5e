"""Reminders: who is mailed, and that the regular jobs are safe to run again."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from identities.models import Identity, System
from reviews import jobs
from reviews.actions import (
    answer_silence,
    close_deciding,
    decide,
    extend_campaign,
    reassign_items,
    remind_reviewers,
    write_notices,
)
from reviews.kinds import SilenceAnswer
from reviews.models import Campaign, ReviewNotice, SilentItem
from reviews.posting import send_due
from reviews.reminding import step_before
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import Tenant, User, Work
from tenants.work import Silent
from tests import make
from tests.mailing import Sink, free_port
from tests.reviews.conftest import KEEP, Cast, deliver, fall_due, fall_late, item, person, plan, ready
from tests.reviews.test_sign import sign

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


def mails(campaign: Campaign, cast: Cast, tenant: Tenant, sink: Sink, at: datetime | None = None) -> list[str]:
    """Write and send what is due at a moment; return to whom what was mailed, and forget it."""
    write_notices(campaign=campaign, by=cast.officer, at=at)
    send_due(tenant)
    told = sorted(f"{str(mail['To']).split('@')[0]}: {str(mail['Subject']).split(':')[0]}" for mail in sink.mails)
    sink.mails.clear()
    return told


def test_only_reviewers_with_undecided_items_are_mailed(
    campaign: Campaign, cast: Cast, in_bpo: Tenant, sink: Sink
) -> None:
    for account, entitlement in (("ana", "agent"), ("bob", "agent"), ("bob", "admin_all")):
        decide(item=item(campaign, account, entitlement), choice=KEEP, by=cast.remy)
    assert remind_reviewers(campaign=campaign, by=cast.officer) == 1
    assert Work.objects.get(kind="reviews.notices").job == "reviews.jobs.send_notices"
    assert jobs.send_notices(Silent(), in_bpo) == {"mailed": 1}
    (message,) = sink.mails
    assert message["To"] == "rosa@example.org"
    assert message["Subject"] == "3 grants wait for your decision: CRM, second quarter"
    assert "http://localhost:8000/t/northwind/inbox/" in message.get_payload()
    assert "Cem Oz" not in message.as_string()
    with pytest.raises(Refused, match="plan and run campaigns"):
        remind_reviewers(campaign=campaign, by=cast.remy)


def test_reminders_escalate_on_their_days_and_each_is_sent_once(
    campaign: Campaign, cast: Cast, in_bpo: Tenant, sink: Sink
) -> None:
    Identity.objects.filter(external_id="M1").update(manager=person("E3"))
    Identity.objects.filter(external_id="E3").update(email="cem@example.org")
    both = ["remy: 3 grants wait for your decision", "rosa: 3 grants wait for your decision"]
    assert mails(campaign, cast, in_bpo, sink) == ["remy: 3 grants put to you", "rosa: 3 grants put to you"]
    due = Campaign.objects.get().due_at
    assert due is not None
    for days, told in (
        (8, []),
        (6.9, both),
        (4, []),
        (2.5, ["cem: Remy has 3 grants undecided", *both]),
        (0.9, both),
        (0.2, [both[0], "rosa: 3 grants of your systems are undecided", both[1]]),
        (0.1, []),
    ):
        assert mails(campaign, cast, in_bpo, sink, due - timedelta(days=days)) == told, days
    assert ReviewNotice.objects.filter(state="sent").count() == 12


def test_what_is_overdue_is_mailed_daily_until_it_is_done(
    campaign: Campaign, cast: Cast, in_bpo: Tenant, sink: Sink
) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    fall_due(campaign)
    close_deciding(campaign=campaign, by=cast.officer)
    told = ["remy: 3 grants decided and not signed", "rosa: 1 grant nobody decided waits for your answer"]
    for days in (0, 1, 2):
        later = timezone.now() + timedelta(days=days)
        assert mails(campaign, cast, in_bpo, sink, later) == told
        assert mails(campaign, cast, in_bpo, sink, later + timedelta(hours=1)) == []
    answer_silence(silence=SilentItem.objects.get(), answer=SilenceAnswer.REVOKE, reason="Not needed.", by=cast.rosa)
    sign(campaign, cast.remy, "M1")
    fall_late(timezone.now())
    late = ["rosa: 1 grant of your systems is late to be revoked"]
    assert mails(campaign, cast, in_bpo, sink, timezone.now() + timedelta(days=3)) == late


def test_a_reassigned_reviewer_gets_no_wrong_mail(campaign: Campaign, cast: Cast, in_bpo: Tenant, sink: Sink) -> None:
    mails(campaign, cast, in_bpo, sink)
    due = Campaign.objects.get().due_at
    assert due is not None
    write_notices(campaign=campaign, by=cast.officer, at=due - timedelta(days=2.5))
    mine = [item(campaign, "ana"), item(campaign, "bob"), item(campaign, "bob", "admin_all")]
    reassign_items(items=mine, reviewer=person("M2"), reason="Remy is on leave.", by=cast.officer)
    told = mails(campaign, cast, in_bpo, sink, timezone.now())
    assert told == ["rosa: 3 grants put to you", "rosa: 3 grants wait for your decision"]
    assert ReviewNotice.objects.get(state="dropped").recipient == person("M1")


def test_an_extension_begins_the_steps_again(campaign: Campaign, cast: Cast, in_bpo: Tenant, sink: Sink) -> None:
    mails(campaign, cast, in_bpo, sink)
    due = Campaign.objects.get().due_at
    assert due is not None
    write_notices(campaign=campaign, by=cast.officer, at=due - timedelta(days=1))
    later = due + timedelta(days=20)
    extend_campaign(campaign=campaign, due_at=later, reason="The audit takes all hands.", by=cast.officer)
    assert mails(campaign, cast, in_bpo, sink) == []
    assert len(mails(campaign, cast, in_bpo, sink, later - timedelta(days=7))) == 2


def test_mail_that_cannot_be_sent_waits_and_is_seen(
    campaign: Campaign, cast: Cast, in_bpo: Tenant, settings: Settings, carla: User
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert jobs.remind(Silent(), in_bpo) == {"written": 2, "mailed": 0}
    assert {row.state for row in ReviewNotice.objects.all()} == {"failed"}
    shown = make.login(carla).get(f"/t/northwind/campaigns/{campaign.pk}/").content.decode()
    assert "The mail server did not take it: Connection refused." in shown


@pytest.mark.parametrize(
    ("days", "opened_days_ago", "name"), [(2, 1, None), (2, 5, "T-3"), (0.2, 3, "T-0"), (9, 1, None)]
)
def test_a_step_before_the_opening_is_not_caught_up(days: float, opened_days_ago: float, name: str | None) -> None:
    now = timezone.now()
    step = step_before(now + timedelta(days=days), since=now - timedelta(days=opened_days_ago), now=now)
    assert (step.name if step else None) == name


def test_the_regular_jobs_are_safe_to_run_again(campaign: Campaign, in_bpo: Tenant) -> None:
    fall_due(campaign)
    System.objects.update(owner=None)  # nobody answers for the service account any more
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
