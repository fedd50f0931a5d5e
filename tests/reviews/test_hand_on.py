"""Handing on: by the reviewer, to a deputy, and when a reviewer leaves in mid-campaign; never to the subject."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from identities.models import Identity
from reviews import jobs
from reviews.actions import AbsenceFacts, decide, delegate_items, end_absence, note_absence, open_campaign
from reviews.assigning import Terms, choose_reviewer
from reviews.kinds import Basis, Strategy
from reviews.models import Absence, Assignment, Campaign, Decision, ReviewItem
from reviews.queries.campaigns import undecided_of
from tenants.kinds import Refused
from tenants.models import Tenant, User
from tenants.work import Silent
from tests import make
from tests.reviews.conftest import KEEP, Cast, deliver, item, person, ready
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db
WHY = "On leave until the end of May."


def away(cast: Cast, who: str, deputy: str, days: int = 3) -> Absence:
    """Say that a reviewer is away from today on."""
    today = timezone.localdate()
    facts = AbsenceFacts(person(who), person(deputy), today, today + timedelta(days=days), WHY)
    return note_absence(facts=facts, by=cast.officer)


def holders(campaign: Campaign) -> dict[str, tuple[str, str]]:
    """Return who reviews each item now, and as what."""
    rows = Assignment.objects.filter(campaign=campaign, until=None).select_related("reviewer", "item__account")
    return {f"{row.item.account.name} {row.privileged}": (row.reviewer.external_id, row.basis) for row in rows}


def third(in_bpo: Tenant) -> User:
    """A third reviewer, who is in the register as M3."""
    someone = make.user("tove")
    make.member(someone, in_bpo, "reviewer")
    Identity.objects.create(external_id="M3", name="Tove", user=someone)
    return someone


def test_a_reviewer_hands_undecided_items_on_with_a_note(campaign: Campaign, cast: Cast, remy: User) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    client = make.login(remy)
    assert b"2 undecided items" in client.get(f"/t/northwind/review/{campaign.pk}/delegate/").content
    client.post(f"/t/northwind/review/{campaign.pk}/delegate/", {"new": "M2", "reason": WHY})
    assert holders(campaign)["bob True"] == ("M2", "delegated")
    assert holders(campaign)["ana False"] == ("M1", "manager")
    for items, to in (
        ([item(campaign, "bob")], "M1"),
        ([item(campaign, "remy")], "M1"),
        ([item(campaign, "ana")], "M2"),
    ):
        with pytest.raises(Refused):
            delegate_items(items=items, reviewer=person(to), reason=WHY, by=cast.remy)
    officer = make.login(User.objects.get(email="carla@example.org"))
    page = officer.get(f"/t/northwind/campaigns/{campaign.pk}/items/{item(campaign, 'bob').pk}/").content.decode()
    assert "Handed on by the reviewer" in page
    assert WHY in page


def test_a_deputy_takes_over_what_is_undecided_and_nothing_else(campaign: Campaign, cast: Cast, in_bpo: Tenant) -> None:
    third(in_bpo)
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    away(cast, "M1", "M3")
    for _ in range(2):
        jobs.remind(Silent(), in_bpo)
    told = holders(campaign)
    assert (told["ana False"], told["bob True"], told["bob False"]) == (("M1", "manager"), *[("M3", "deputy")] * 2)
    assert Assignment.objects.filter(item=item(campaign, "bob")).count() == 2


def test_an_absence_counts_at_the_opening_and_ends_early(cast: Cast, in_bpo: Tenant, remy: User) -> None:
    deliver(cast)
    third(in_bpo)
    first, second = away(cast, "M1", "M3"), away(cast, "M2", "M1")
    end_absence(absence=second, by=cast.rosa)
    told = holders(open_campaign(campaign=ready(cast), by=cast.officer))
    assert told["bob True"] == ("M3", "deputy")
    assert told["cem False"] == ("M2", "manager")
    with pytest.raises(Refused, match="Ask a compliance officer"):
        end_absence(absence=first, by=cast.rosa)
    page = make.login(remy).get("/t/northwind/absences/").content.decode()
    assert "Tove" in page


def test_a_deputy_never_reviews_their_own_access_nor_one_who_is_away_too() -> None:
    for deputies, subject, told in (
        ({1: 2}, 9, (2, Basis.DEPUTY)),
        ({1: 2}, 2, (3, Basis.FALLBACK)),
        ({1: 2, 2: 4}, 9, (3, Basis.FALLBACK)),
        ({1: 2, 3: 2}, 2, None),
    ):
        terms = Terms(Strategy.MANAGER, None, 3, None, frozenset(range(1, 9)), deputies)
        assert choose_reviewer(terms, subject=subject, manager=1, owner=None) == told


def test_a_reviewer_who_leaves_in_mid_campaign_is_replaced_but_keeps_what_they_signed(
    campaign: Campaign, cast: Cast, in_bpo: Tenant
) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    Identity.objects.filter(external_id="M1").update(employed_until=date(2026, 1, 1))
    jobs.remind(Silent(), in_bpo)
    assert {who for who, _basis in holders(campaign).values()} == {"M2"}
    assert holders(campaign)["ana False"] == ("M2", "left")
    assert Decision.objects.get(item=item(campaign, "ana"), superseded_by=None).outcome == "not_decided"
    assert undecided_of(campaign, person("M2").pk).count() == ReviewItem.objects.count()


def test_what_a_leaver_signed_stays(campaign: Campaign, cast: Cast, in_bpo: Tenant) -> None:
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    Identity.objects.filter(external_id="M1").update(employed_until=date(2026, 1, 1))
    jobs.remind(Silent(), in_bpo)
    assert Assignment.objects.filter(reviewer=person("M1"), until=None).count() == 3
