"""The one mail a person and day: log reviews and second looks that wait, escalate, are handed over, and are overdue."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from identities.models import Identity
from reviews.actions import (
    AbsenceFacts,
    decide,
    dispose,
    note_absence,
    open_campaign,
    set_care_rule,
    stand_in,
    take_second_look,
    write_day_mails,
)
from reviews.kinds import Choice, DayKind, Disposed, Looked, Outcome
from reviews.letters import DayLine, day_letter
from reviews.models import DayMail, LogItem, LogReview, LogSchedule, ReviewItem, SecondLook
from reviews.posting import send_day_mails
from reviews.quality import figures_of
from reviews.queries.daymails import overdue_desk
from tenants.kinds import Refused
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.mailing import Sink
from tests.reviews import periods
from tests.reviews.conftest import Cast, deliver, person, ready
from tests.reviews.periods import at, opened
from tests.reviews.test_sign import sign

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture
def cast(bpo: Tenant, carla: User, remy: User, rosa: User) -> Cast:
    return periods.stage(bpo, carla, remy, rosa)


@pytest.fixture
def plan(bpo: Tenant, cast: Cast) -> Iterator[LogSchedule]:
    """Daily reviews from an eventful day on, by the clock of the tenant; the scope is open."""
    with tenant_scope(bpo):
        source = periods.log_source(cast)
    periods.an_eventful_day(source)
    with tenant_scope(bpo):
        yield periods.schedule(cast, time_zone=bpo.time_zone)


FINE = Looked(Disposed.EXPLAINED, "Asked whoever it was.")


def mailed(by: Cast, tenant: Tenant, sink: Sink, when: datetime) -> list[str]:
    """Write and send the mails of a moment; return who was mailed what, and forget it."""
    write_day_mails(by=by.officer, at=when)
    send_day_mails(tenant)
    told = sorted(f"{str(mail['To']).split('@')[0]}: {mail['Subject']}" for mail in sink.mails)
    sink.mails.clear()
    return told


def test_a_log_review_is_mailed_on_its_days_and_daily_when_it_is_late(
    plan: LogSchedule,
    cast: Cast,
    in_bpo: Tenant,
    sink: Sink,
) -> None:
    Identity.objects.filter(external_id="M1").update(manager=person("E3"))
    Identity.objects.filter(external_id="E3").update(email="cem@example.org")
    review = opened(cast, plan)
    mine = "remy: 1 log review waits for you"
    boss = "1 log review of others waits"
    for days, told in (
        (5, [mine]),
        (4, [f"cem: {boss}", mine]),
        (3, []),
        (2, [mine]),
        (1, [f"carla: {boss}", mine]),
        (0, [f"carla: {boss}", mine]),
        (-1, [f"carla: {boss}", mine]),
    ):
        noon = review.due_at - timedelta(days=days) + timedelta(hours=12)
        assert mailed(cast, in_bpo, sink, noon - timedelta(hours=7)) == [], "it is before six"
        assert mailed(cast, in_bpo, sink, noon) == told, days
        assert mailed(cast, in_bpo, sink, noon + timedelta(hours=1)) == [], "once a day"
    write_day_mails(by=cast.officer, at=review.due_at + timedelta(days=2, hours=9))
    for item in LogItem.objects.filter(review=review).select_related("review"):
        dispose(item=item, looked=FINE, by=cast.remy)
    periods.sign(review, cast.remy, "M1")
    assert (send_day_mails(in_bpo), DayMail.objects.filter(state="dropped").count()) == (0, 2), "nothing waits any more"


def away(by: Cast, who: str, deputy: str) -> None:
    """Say that somebody is away from yesterday to tomorrow."""
    today = timezone.localdate()
    days = (today - timedelta(days=1), today + timedelta(days=1))
    note_absence(facts=AbsenceFacts(person(who), person(deputy), *days, "On leave this week."), by=by.officer)


def test_absent_reviewers_are_not_mailed_and_the_deputy_or_the_second_is(
    plan: LogSchedule,
    cast: Cast,
    in_bpo: Tenant,
    sink: Sink,
    rita: Identity,
) -> None:
    review = opened(cast, plan)
    away(cast, "M1", "M2")
    for deed in (write_day_mails, stand_in):
        with pytest.raises(Refused, match="plan and run campaigns"):
            deed(by=cast.remy)
    assert stand_in(by=cast.officer) == 0, "the deputy is the second reviewer, and stands in already"
    noon = at(0, 12)
    assert mailed(cast, in_bpo, sink, noon) == ["remy: 1 log review waits for you", "rosa: 1 log review waits for you"]
    gap = LogItem.objects.select_related("review").get(review=review, kind="gap")
    assert gap.subject == person("M2"), "what is about Rosa stays with Remy, since nobody looks at their own"
    away(cast, "M2", "M3")
    assert (stand_in(by=cast.officer), stand_in(by=cast.officer)) == (1, 0)
    moved = LogReview.objects.get(pk=review.pk)
    assert (moved.reviewer, moved.second) == (person("M1"), rita)
    assert mailed(cast, in_bpo, sink, noon + timedelta(days=1)) == ["rita: 1 log review waits for you"]


@pytest.fixture
def rita(in_bpo: Tenant, cast: Cast) -> Identity:
    """A third reviewer."""
    make.member(make.user("rita"), in_bpo, "reviewer")
    user = User.objects.get(email="rita@example.org")
    return Identity.objects.create(external_id="M3", name="Rita", email=user.email, user=user)


def look_drawn(cast: Cast) -> None:
    """Have every privileged decision of Remy looked at twice."""
    deliver(cast)
    waiting = ready(cast)
    figures = {**figures_of({}), "second_percent": 100}
    set_care_rule(plan=waiting.plan, figures=figures, reason="Asked for by the client.", by=cast.officer)
    waiting.refresh_from_db()
    campaign = open_campaign(campaign=waiting, by=cast.officer)
    for item in ReviewItem.objects.filter(assignments__reviewer=person("M1")).select_related("campaign"):
        decide(item=item, choice=Choice(Outcome.CERTIFY, "Leads the Acme desk.", seen_seconds=40), by=cast.remy)
    sign(campaign, cast.remy, "M1")


def test_second_looks_are_one_line_of_the_days_mail_and_stand_in_the_overview(
    cast: Cast,
    in_bpo: Tenant,
    sink: Sink,
    carla: User,
) -> None:
    look_drawn(cast)
    look = SecondLook.objects.get()
    mine = f"{look.second.name.lower()}: 1 second look waits for you"
    noon = datetime.combine(timezone.localdate() + timedelta(days=1), at(0, 12).timetz())
    assert mailed(cast, in_bpo, sink, noon) == [mine]
    assert mailed(cast, in_bpo, sink, noon + timedelta(days=8)) == [
        "carla: 1 second look of others waits",
        mine,
    ]
    assert [(one.reviewer, one.what) for one in overdue_desk(look.asked_at + timedelta(days=9))] == [
        ("Rosa", "CRM, second quarter, second looks")
    ]
    opened(cast, periods.schedule(cast, name="Late logs", due_days=1))
    shown = make.login(carla).get(reverse("portal:overview", args=["northwind"])).content.decode()
    assert "Late logs, " in shown
    assert "second looks" not in shown
    choice = Choice(Outcome.CERTIFY, "Leads the Acme desk.", seen_seconds=40)
    take_second_look(look=look, choice=choice, by=cast.rosa)
    told = mailed(cast, in_bpo, sink, noon + timedelta(days=20))
    assert not [subject for subject in told if "second look" in subject]


def test_a_long_mail_is_cut_and_says_who_is_late() -> None:
    due = datetime.combine(date(2026, 3, 2), at(0, 0).timetz())
    lines = [DayLine(DayKind.LOG, f"Logs {n}", 2, due, "Remy\nBcc: x") for n in range(24)]
    lines += [DayLine(DayKind.LOOK, "CRM", 1, due + timedelta(days=n), "") for n in range(3)]
    lines += [DayLine(DayKind.SIGN, "Mine", 0, due, "")]
    letter = day_letter(lines, now=due, time_zone="Europe/Madrid", link="http://x")
    assert letter.subject == "1 log review and 3 second looks wait for you, 24 log reviews of others wait, 26 overdue"
    told = letter.body.splitlines()
    assert told[0].startswith("- Access review 'CRM': 3 second looks wait for you. OVERDUE since 02 March 2026 01:00")
    assert told[1].startswith("- Log review 'Mine': everything is looked at, your signature is missing. OVERDUE since")
    assert told[2].startswith("- Log review 'Logs 0': 2 items wait for Remy Bcc: x. OVERDUE")
    assert (told[20], told[-1]) == ("- and 6 more", "http://x")
