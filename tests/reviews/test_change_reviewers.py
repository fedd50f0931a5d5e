"""Changing reviewers midway: nobody signs for another, and a reviewer who leaves does not hold up a campaign."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.queries.overview import overview
from reviews.actions import close_deciding, decide, reassign_items, reopen_campaign
from reviews.models import Campaign, Decision, Finding
from reviews.queries.campaigns import decided_of, reviewer_lines, standing, undecided_of
from reviews.queries.standing import undecided_count
from reviews.states import CampaignState
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant, User
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, fall_due, item, person
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

pytestmark = pytest.mark.django_db
WHY = "Remy left the company."


def test_a_reviewer_who_leaves_does_not_hold_up_the_campaign(campaign: Campaign, cast: Cast) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    decide(item=item(campaign, "bob"), choice=KEEP, by=cast.remy)
    left = [*undecided_of(campaign, person("M1").pk), *decided_of(campaign, person("M1").pk)]
    assert len(left) == 3
    assert reassign_items(items=left, reviewer=person("M2"), reason=WHY, by=cast.officer) == 3
    assert undecided_count(campaign, person("M2")) == 6
    withdrawn = Decision.objects.get(item=item(campaign, "ana"), superseded_by=None)
    assert (withdrawn.outcome, withdrawn.reviewer, withdrawn.reason) == ("not_decided", None, f"Put to Rosa: {WHY}")
    assert AuditEntry.objects.get(verb="item.reassign").detail["undone"] == 2
    with pytest.raises(Refused, match="own access"):
        reassign_items(items=[item(campaign, "remy")], reviewer=person("M1"), reason=WHY, by=cast.officer)


def test_the_new_reviewer_decides_and_signs_alone(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    mine = list(decided_of(campaign, person("M1").pk))
    reassign_items(items=mine, reviewer=person("M2"), reason=WHY, by=cast.officer)
    with pytest.raises(Refused, match="3 of your items are undecided"):
        sign(campaign, cast.rosa, "M2")
    for subject in mine:
        decide(item=item(campaign, subject.account.name, subject.entitlement.key), choice=KEEP, by=cast.rosa)
    assert sign(campaign, cast.rosa, "M2").count == 6
    assert Campaign.objects.get().state == CampaignState.REMEDIATING


def test_items_do_not_go_to_a_reviewer_who_has_signed(campaign: Campaign, cast: Cast) -> None:
    decide_all(campaign, cast)
    sign(campaign, cast.rosa, "M2")
    with pytest.raises(Refused, match="Rosa has signed this campaign already"):
        reassign_items(items=[item(campaign, "ana")], reviewer=person("M2"), reason=WHY, by=cast.officer)
    with pytest.raises(Refused, match="at least one item"):
        reassign_items(items=[], reviewer=person("M2"), reason=WHY, by=cast.officer)


def test_what_nobody_decided_waits_again_after_a_reopening(campaign: Campaign, cast: Cast, in_bpo: Tenant) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    late = _ended(campaign, cast)
    assert (standing(late).undecided, standing(late).not_decided) == (0, 5)
    soon = timezone.now() + timedelta(days=3)
    again = reopen_campaign(campaign=late, due_at=soon, reason="Everybody was ill.", by=cast.officer)
    assert (standing(again).undecided, standing(again).not_decided, standing(again).decided) == (5, 0, 1)
    assert sum(line.decided for line in reviewer_lines(again)) == 1
    with pytest.raises(Refused, match="2 of your items are undecided"):
        sign(again, cast.remy, "M1")
    fall_due(again)
    seen = overview(cast.officer, in_bpo).reviews
    assert seen is not None
    assert {line.reviewer: line.items for line in seen.late} == {"Remy": 2, "Rosa": 3}
    fall_due(again, soon)
    decide(item=item(again, "bob"), choice=REVOKE, by=cast.remy)
    ended = _ended(again, cast)
    assert (standing(ended).not_decided, Decision.objects.filter(outcome="not_decided").count()) == (4, 5)
    assert Finding.objects.filter(kind="not_decided").count() == 2


def _ended(campaign: Campaign, cast: Cast) -> Campaign:
    """Let the due time pass and end the deciding."""
    fall_due(campaign)
    return close_deciding(campaign=campaign, by=cast.officer)


def test_the_officer_moves_decided_items_too(campaign: Campaign, cast: Cast, carla: User) -> None:
    decide(item=item(campaign, "ana"), choice=KEEP, by=cast.remy)
    client, path = make.login(carla), page("reassign", campaign.pk, person("M1").pk)
    assert "1 item decided and not signed" in client.get(path).content.decode()
    client.post(path, {"new": "Rosa (M2)", "reason": WHY, "decided_too": "on"})
    assert item(campaign, "ana").assignments.get(until=None).reviewer == person("M2")
    assert "no item that could be put to somebody else" in client.get(path).content.decode()
