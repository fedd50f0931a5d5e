"""Stages and follow-ups: manager, then the owner, then the client's own reviewer; what is revoked goes no further."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identities.models import Identity
from reviews import jobs
from reviews.actions import (
    AbsenceFacts,
    begin_stage,
    close_campaign,
    decide,
    delegate_items,
    follow_up,
    note_absence,
    open_campaign,
    reassign_items,
)
from reviews.kinds import Choice, Outcome, Strategy
from reviews.models import Assignment, Campaign, Exclusion, Finding, ReviewItem
from reviews.queries.campaigns import campaign_lines, standing
from reviews.states import CampaignState
from tenants.kinds import Actor, Refused
from tenants.models import Tenant, User
from tenants.work import Silent
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, deliver, item, person, ready
from tests.reviews.test_sign import sign

pytestmark = pytest.mark.django_db


def reviewer(in_bpo: Tenant, name: str, external_id: str, **fields: object) -> Actor:
    """Make one more person of the register who may review."""
    someone = make.user(name)
    make.member(someone, in_bpo, "reviewer")
    Identity.objects.create(external_id=external_id, name=name.title(), user=someone, **fields)
    return make.actor(someone, in_bpo)


def decide_stage(campaign: Campaign, actors: dict[str, Actor], revoked: str = "") -> Campaign:
    """Let every reviewer decide what is put to them, and sign."""
    for put in Assignment.objects.filter(campaign=campaign).select_related(
        "item__account", "item__campaign", "reviewer"
    ):
        choice = REVOKE if put.item.account.name == revoked else KEEP
        decide(item=put.item, choice=choice, by=actors[put.reviewer.external_id])
    for who in sorted(
        set(Assignment.objects.filter(campaign=campaign).values_list("reviewer__external_id", flat=True))
    ):
        sign(campaign, actors[who], who)
    return Campaign.objects.get(pk=campaign.pk)


def items(campaign: Campaign) -> dict[str, str]:
    """Return who reviews each item, by account."""
    rows = Assignment.objects.filter(campaign=campaign, until=None)
    rows = rows.select_related("item__account", "item__entitlement", "reviewer")
    return {f"{row.item.account.name} {row.item.entitlement.key}": row.reviewer.external_id for row in rows}


@pytest.fixture
def actors(cast: Cast, in_bpo: Tenant) -> dict[str, Actor]:
    """The two reviewers, a third, and the client's own."""
    client = reviewer(in_bpo, "clara", "C1", kind="client", programme="Acme")
    tove = reviewer(in_bpo, "tove", "M3")
    Identity.objects.filter(external_id="M2").update(manager=person("M3"))
    return {"M1": cast.remy, "M2": cast.rosa, "M3": tove, "C1": client}


def test_a_review_goes_from_manager_to_owner_to_the_client(
    cast: Cast, actors: dict[str, Actor], in_bpo: Tenant
) -> None:
    deliver(cast)
    first = open_campaign(campaign=ready(cast, later=[Strategy.OWNER, Strategy.CLIENT]), by=cast.officer)
    with pytest.raises(Refused, match="every reviewer of this one has signed"):
        begin_stage(campaign=first, by=cast.officer)
    first = decide_stage(first, actors, revoked="bob")
    deliver(cast, days_ago=0)  # a newer list changes nothing: the later stages review the same population
    for _ in range(2):
        jobs.create_due(Silent(), in_bpo)
    second = Campaign.objects.get(stage=2)
    assert (second.follows, second.state, second.name) == (first, CampaignState.READY, "CRM, second quarter (stage 2)")
    second = open_campaign(campaign=second, by=cast.officer)
    assert items(second) == {"ana agent": "M2", "backup agent": "M3", "cem agent": "M3", "remy agent": "M3"}
    assert set(Exclusion.objects.filter(campaign=second).values_list("reason", flat=True)) == {"Settled at stage 1."}
    third = open_campaign(campaign=begin_stage(campaign=decide_stage(second, actors), by=cast.officer), by=cast.officer)
    assert items(third) == {"ana agent": "C1", "remy agent": "C1"}
    assert ReviewItem.objects.filter(campaign=third).count() + Exclusion.objects.filter(campaign=third).count() == 6
    third = decide_stage(third, actors)
    with pytest.raises(Refused, match="last stage"):
        begin_stage(campaign=third, by=cast.officer)


def test_nobody_is_given_a_grant_at_two_stages(cast: Cast, actors: dict[str, Actor], in_bpo: Tenant) -> None:
    deliver(cast)
    first = open_campaign(campaign=ready(cast, later=[Strategy.OWNER]), by=cast.officer)
    second = begin_stage(campaign=decide_stage(first, actors, revoked="bob"), by=cast.officer)
    second = open_campaign(campaign=second, by=cast.officer)
    ana = item(second, "ana")  # Remy decided it as her manager
    for deed, by in ((reassign_items, cast.officer), (delegate_items, cast.rosa)):
        with pytest.raises(Refused, match="decided item 1 at an earlier stage"):
            deed(items=[ana], reviewer=person("M1"), reason="Rosa is on leave.", by=by)
    today = timezone.localdate()
    note_absence(facts=AbsenceFacts(person("M2"), person("M1"), today, today, "Rosa is on leave."), by=cast.officer)
    jobs.remind(Silent(), in_bpo)
    assert items(second)["ana agent"] == "M3", "not the deputy, who decided it before"
    put = Assignment.objects.get(item=ana, until=None)
    Assignment.objects.filter(pk=put.pk).update(until=timezone.now())
    put.pk, put.reviewer = None, person("M1")
    with pytest.raises(DatabaseError, match="at two stages"), transaction.atomic():
        Assignment.objects.bulk_create([put])


def test_nobody_signs_in_the_place_of_a_client(cast: Cast, actors: dict[str, Actor], in_bpo: Tenant) -> None:
    deliver(cast)
    User.objects.filter(email="clara@example.org").update(is_active=False)
    waiting = ready(cast, strategy=Strategy.CLIENT)
    with pytest.raises(Refused, match="have no reviewer"):
        open_campaign(campaign=waiting, by=cast.officer)


def test_a_closed_campaign_is_followed_up_over_what_stayed_undecided(
    cast: Cast, campaign: Campaign, actors: dict[str, Actor]
) -> None:
    abstain = Choice(Outcome.ABSTAIN, "I do not know this account.")
    decide(item=item(campaign, "backup"), choice=abstain, by=cast.rosa)
    with pytest.raises(Refused, match="after the closing"):
        follow_up(campaign=campaign, reason="Abstained in April.", by=cast.officer)
    for put in Assignment.objects.filter(campaign=campaign).exclude(item__account__name="backup"):
        decide(item=ReviewItem.objects.get(pk=put.item_id), choice=KEEP, by=actors[put.reviewer.external_id])
    for who in ("M1", "M2"):
        sign(campaign, actors[who], who)
    closed = close_campaign(campaign=Campaign.objects.get(pk=campaign.pk), by=cast.officer)
    made = open_campaign(
        campaign=follow_up(campaign=closed, reason="Abstained in April.", by=cast.officer), by=cast.officer
    )
    now, found = standing(closed), Finding.objects.get(kind="not_decided")
    assert (now.decided, now.abstained, now.undecided, now.outcomes["abstain"]) == (5, 1, 0, 1)
    assert "abstained from 1 grants, 0 of them privileged. They are not approved" in found.sentence
    assert [line.decided for line in campaign_lines([closed])] == [5]
    assert (made.follows, made.name) == (closed, "Follow-up of CRM, second quarter")
    assert set(items(made)) == {"backup agent"}
    page = make.login(User.objects.get(email="carla@example.org")).get(f"/t/northwind/campaigns/{made.pk}/")
    assert b"Follows up what stayed undecided in" in page.content


def test_the_database_fixes_what_a_campaign_follows(cast: Cast, campaign: Campaign) -> None:
    for sql in (
        "UPDATE reviews_campaign SET stage = 2, follows_id = id",
        "INSERT INTO reviews_campaign (tenant_id, plan_id, name, occurrence_at, state, definition, round, created_at, "
        "created_by, opened_by, closed_by, cancelled_by, cancel_reason, stage, follows_id) SELECT tenant_id, plan_id, "
        "'x', now(), 'draft', '{}', 1, now(), 'x', '', '', '', '', 2, id FROM reviews_campaign",
    ):
        with pytest.raises(DatabaseError, match="follows"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_scope_names_entitlements_programmes_and_dormant_accounts(cast: Cast) -> None:
    deliver(cast)
    for n, (scope, kept) in enumerate(
        (
            ({"entitlements": "admin*, nothing"}, {"bob admin_all"}),
            ({"programme": "Zenith"}, {"cem agent"}),
            ({"dormant_days": 90, "programme": "Zenith"}, {"cem agent"}),
        )
    ):
        opened = open_campaign(campaign=ready(cast, name=f"Scope {n}", **scope), by=cast.officer)
        assert set(items(opened)) == kept
        assert Exclusion.objects.filter(campaign=opened).count() == 6 - len(kept)
