"""Putting one item off after its person moved: within limits of the database, counted as undecided, and taken up."""

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from identities.actions import upsert_identities
from identities.models import Identity
from reviews import jobs
from reviews.actions import (
    cancel_campaign,
    close_campaign,
    create_postponed_campaigns,
    decide,
    decide_control,
    open_campaign,
)
from reviews.kinds import Choice, Outcome
from reviews.manifest import manifest_digest
from reviews.models import Assignment, Campaign, ControlItem, Decision, Resumption, ReviewItem
from reviews.queries.campaigns import standing
from reviews.queries.standing import statement
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.work import Silent
from tests import make
from tests.database import without_triggers
from tests.reviews.conftest import CRM, KEEP, PEOPLE, Cast, deliver, item, person, ready
from tests.reviews.test_decide import _row
from tests.reviews.test_sign import _signature, sign

pytestmark = pytest.mark.django_db
MOVED = PEOPLE.replace(b"E1,Ana Ruiz,,M1,Acme", b"E1,Ana Ruiz,,M2,Zenith").replace(
    b"E2,Bob Lim,,M1,Acme", b"E2,Bob Lim,,M2,Zenith"
)
WHY = "Joined the Zenith desk last week; her manager sees what she needs."


MADRID = ZoneInfo("Europe/Madrid")
"""The zone of the plans of these tests."""


def today() -> date:
    return timezone.now().astimezone(MADRID).date()


def later(days: int) -> Choice:
    """Choose to postpone by so many days."""
    return until(today() + timedelta(days=days))


def until(day: date) -> Choice:
    """Choose to postpone to a day."""
    return Choice(Outcome.ABSTAIN, WHY, postponed_until=day)


def move(cast: Cast) -> None:
    """Let the list of people tell that Ana and Bob have another manager and another programme."""
    upsert_identities(body=MOVED, by=cast.officer)


def pass_by(days: int) -> None:
    """Let what is postponed have been postponed so many days earlier."""
    without_triggers(
        "UPDATE reviews_decision SET decided_at = decided_at - make_interval(days => $1[1]::int), "
        "postponed_until = postponed_until - $1[1]::int WHERE postponed_until IS NOT NULL",
        days,
    )


def finish(campaign: Campaign, cast: Cast) -> Campaign:
    """Keep what is undecided, and sign for both reviewers."""
    for put in Assignment.objects.filter(campaign=campaign, item__decisions=None).select_related("item", "reviewer"):
        chosen = ReviewItem.objects.select_related("campaign").get(pk=put.item_id)
        decide(item=chosen, choice=KEEP, by=cast.remy if put.reviewer == person("M1") else cast.rosa)
    for actor, who in ((cast.remy, "M1"), (cast.rosa, "M2")):
        if Decision.objects.filter(campaign=campaign, superseded_by=None, reviewer=person(who)).exists():
            sign(campaign, actor, who)
    return Campaign.objects.get(pk=campaign.pk)


def refused(words: str, subject: ReviewItem, **changes: object) -> None:
    """Write a postponement around the actions, as the app role; the database must refuse it with these words."""
    facts = {"outcome": "abstain", "reason": WHY, "postponed_until": today() + timedelta(days=7), **changes}
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        _row(subject, **facts).save(force_insert=True)


def test_after_a_move_an_item_is_postponed_once_and_counts_as_undecided(campaign: Campaign, cast: Cast) -> None:
    subject = item(campaign, "ana")
    with pytest.raises(Refused, match="moved within the last 30 days"):
        decide(item=subject, choice=later(7), by=cast.remy)
    move(cast)
    for days in (0, 31):
        with pytest.raises(Refused, match="Choose a day after today and not after"):
            decide(item=subject, choice=later(days), by=cast.remy)
    made = decide(item=subject, choice=later(30), by=cast.remy)
    assert (made.outcome, AuditEntry.objects.get(verb="item.decide").detail["postponed_until"]) == (
        "abstain",
        str(made.postponed_until),
    )
    now = standing(campaign)
    assert (now.decided, now.postponed, now.undecided, now.percent) == (0, 1, 5, 0)
    text, _digest, count = statement(campaign, person("M1"))
    assert f'"postponed_until":"{made.postponed_until}"' in text
    for put in (item(campaign, "bob"), item(campaign, "bob", "admin_all")):
        decide(item=put, choice=KEEP, by=cast.remy)
    silent = statement(campaign, person("M1"))[0].replace(f'"postponed_until":"{made.postponed_until}",', "")
    with pytest.raises(DatabaseError, match="until when something is postponed"), transaction.atomic():
        _signature(campaign, silent, manifest_digest(silent), count + 2).save(force_insert=True)
    decide(item=subject, choice=later(2), by=cast.remy)
    second = open_campaign(campaign=ready(cast, name="Again"), by=cast.officer)
    with pytest.raises(Refused, match="postponed before and not decided since"):
        decide(item=item(second, "ana"), choice=later(7), by=cast.rosa)
    assert decide(item=item(second, "bob"), choice=later(7), by=cast.rosa).postponed_until


def test_the_database_holds_every_limit_by_itself(campaign: Campaign, cast: Cast) -> None:
    subject, limit = item(campaign, "ana"), "Choose a day within the next 30 days"
    refused("moved within the last 30 days", subject)
    move(cast)
    refused(limit, subject, postponed_until=today())
    refused(limit, subject, postponed_until=today() + timedelta(days=31))
    refused("only_a_single_abstention_is_postponed", subject, outcome="certify")
    refused("decision_gives_a_reason", subject, reason="because")
    without_triggers("UPDATE identities_peoplefeed SET delivered_at = delivered_at - interval '721 hours'")
    refused("moved within the last 30 days", subject)
    without_triggers("UPDATE identities_peoplefeed SET delivered_at = delivered_at + interval '721 hours'")
    made = decide(item=subject, choice=later(7), by=cast.remy)
    early = Resumption(decision=made, came="gone", at=timezone.now())
    with pytest.raises(DatabaseError, match="taken up again, and on its day"), transaction.atomic():
        early.save(force_insert=True)
    second = open_campaign(campaign=ready(cast, name="Again"), by=cast.officer)
    refused("postponed before and not decided since", item(second, "ana"), reviewer=person("M2"))


def test_on_its_day_exactly_what_was_postponed_is_reviewed_once(
    campaign: Campaign, cast: Cast, in_bpo: Tenant, carla: User
) -> None:
    move(cast)
    for subject in (item(campaign, "ana"), item(campaign, "bob", "admin_all")):
        decide(item=subject, choice=later(20), by=cast.remy)
    before = finish(campaign, cast)
    assert before.state == CampaignState.REMEDIATING, "the campaign waits for nothing"
    close_campaign(campaign=before, by=cast.officer)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    pass_by(20)
    deliver(cast, CRM.replace(b"bob,admin_all,E2,human\n", b""), days_ago=0)
    assert jobs.create_due(Silent(), in_bpo) == {"made": 1, "opening": 1}
    assert jobs.create_due(Silent(), in_bpo) == {"made": 0, "opening": 0}
    made = open_campaign(campaign=Campaign.objects.latest("id"), by=cast.officer)
    only = ReviewItem.objects.get(campaign=made)
    assert (only.account.name, only.entitlement.key, Assignment.objects.get(item=only).reviewer) == (
        *("ana", "agent"),
        person("M2"),
    )
    assert only.evidence["previous"]["label"] == "Postponed"
    text = make.login(carla).get(f"/t/northwind/campaigns/{before.pk}/").content.decode()
    assert f'Reviewed in a campaign of its own: <a href="/t/northwind/campaigns/{made.pk}/">{made.name}</a>' in text
    assert "Not reviewed: the access is gone by the newest list" in text
    assert b"Reviews what was postponed in" in make.login(carla).get(f"/t/northwind/campaigns/{made.pk}/").content
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Resumption.objects.filter(came="gone").delete()


def test_nothing_is_opened_for_who_left_or_what_was_decided_meanwhile(campaign: Campaign, cast: Cast) -> None:
    move(cast)
    for subject in (item(campaign, "ana"), item(campaign, "bob"), item(campaign, "bob", "admin_all")):
        decide(item=subject, choice=later(20), by=cast.remy)
    finish(campaign, cast)
    pass_by(20)
    finish(open_campaign(campaign=ready(cast, name="Meanwhile", privileged_only=True), by=cast.officer), cast)
    Identity.objects.filter(external_id="E1").update(employed_until=today() - timedelta(days=1))
    Identity.objects.filter(external_id="E2").update(employed_until=today())
    made = create_postponed_campaigns(by=cast.officer)
    assert [one.definition["postponed"] for one in made] == [[item(campaign, "bob").decisions.get().pk]]
    came = Resumption.objects.values_list("decision__item__account__name", "decision__privileged", "came")
    assert set(came) == {("ana", False, "left"), ("bob", False, "reviewed"), ("bob", True, "decided")}
    assert create_postponed_campaigns(by=cast.officer) == []


def test_a_cancelled_campaign_takes_up_nothing_and_counts_for_no_limit(campaign: Campaign, cast: Cast) -> None:
    move(cast)
    decide(item=item(campaign, "ana"), choice=later(7), by=cast.remy)
    cancel_campaign(campaign=campaign, reason="Planned over the wrong systems.", by=cast.officer)
    again = open_campaign(campaign=ready(cast, name="Again"), by=cast.officer)
    decide(item=item(again, "ana"), choice=later(7), by=cast.rosa)
    pass_by(7)
    assert len(create_postponed_campaigns(by=cast.officer)) == 1
    came = Resumption.objects.values_list("decision__campaign", "came")
    assert set(came) == {(campaign.pk, "cancelled"), (again.pk, "reviewed")}


def test_the_choice_is_offered_only_after_a_move_and_never_for_a_control_item(
    campaign: Campaign, cast: Cast, remy: User
) -> None:
    client, subject = make.login(remy), item(campaign, "ana")
    page = f"/t/northwind/review/{campaign.pk}/"
    offered = b'value="postpone" data-key="p"'
    assert offered not in client.get(f"{page}items/{subject.pk}/").content
    move(cast)
    shown = client.get(f"{page}items/{subject.pk}/").content.decode()
    assert "Ana Ruiz moved lately (manager and programme, by the list of people of" in shown
    sent = {"outcome": "postpone", "reason": WHY, "seen": "", "seen_seconds": "9"}
    path = f"{page}items/{subject.pk}/decide/"
    told = client.post(path, sent, headers={"HX-Request": "true"})
    assert (told.status_code, b"Choose the day until which" in told.content) == (422, True)
    day = today() + timedelta(days=9)
    told = client.post(path, {**sent, "postponed_until": str(day)}, headers={"HX-Request": "true"})
    assert f"Saved: Postponed until {day:%-d %B %Y}. 2 left." in told.content.decode()
    kept = {**sent, "outcome": "abstain", "postponed_until": str(day), "seen": Decision.objects.get().pk}
    client.post(path, kept, headers={"HX-Request": "true"})
    assert Decision.objects.get(superseded_by=None).postponed_until is None, "a day alone postpones nothing"
    control = ControlItem(campaign=campaign, reviewer=person("M1"))
    with pytest.raises(Refused, match="moved within the last 30 days"):
        decide_control(control=control, choice=later(7), by=cast.remy)


def test_days_are_those_of_the_campaigns_zone(cast: Cast) -> None:
    """Somewhere on Earth the day differs from that of UTC at any time: west of it before noon, east of it after."""
    now = timezone.now().astimezone(UTC)
    name = "Pacific/Kiritimati" if now.hour >= 10 else "Pacific/Pago_Pago"
    deliver(cast)
    campaign = open_campaign(campaign=ready(cast, time_zone=name), by=cast.officer)
    move(cast)
    subject, there = item(campaign, "ana"), now.astimezone(ZoneInfo(name)).date()
    assert there != now.date()
    with pytest.raises(Refused, match=f"not after {there + timedelta(days=30):%-d %B %Y}"):
        decide(item=subject, choice=until(there), by=cast.remy)
    limit = "Choose a day within the next 30 days"
    refused(limit, subject, postponed_until=there)
    refused(limit, subject, postponed_until=there + timedelta(days=31))
    decide(item=subject, choice=until(there + timedelta(days=30)), by=cast.remy)
    pass_by(29)
    assert create_postponed_campaigns(by=cast.officer) == []
    early = Resumption(decision=Decision.objects.get(), came="gone", at=now)
    with pytest.raises(DatabaseError, match="taken up again, and on its day"), transaction.atomic():
        early.save(force_insert=True)
    pass_by(1)
    assert len(create_postponed_campaigns(by=cast.officer)) == 1
