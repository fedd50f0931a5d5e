"""How carefully a reviewer decided: figures from the decisions alone, and the finding beyond the thresholds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from reviews.actions import decide
from reviews.kinds import CARE_LIMITS, Choice, Outcome
from reviews.models import Campaign, Finding
from reviews.quality import Look, Thresholds, care_terms, concerns, figures_of, measure, thresholds_of
from tenants.models import User
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, item
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

DUE = datetime(2026, 5, 15, 9, tzinfo=UTC)


def looks(count: int, *, seconds: int = 3, days: float = 5, apart: float = 10, **changes: object) -> list[Look]:
    """Return decisions to keep, ten seconds apart, so many days before the deadline."""
    facts: dict[str, object] = {"outcome": "certify", "advice": "keep", "privileged": False, "bulk": None, **changes}
    begin = DUE - timedelta(days=days)
    return [Look(seconds=seconds, decided_at=begin + timedelta(seconds=apart * n), **facts) for n in range(count)]


def said(*found: Look, **limits: float) -> list[str]:
    """Return what is said about decisions."""
    terms = Thresholds(**limits)
    return concerns(measure(found, DUE, terms), terms)


def test_it_counts_time_pace_agreement_and_the_last_day() -> None:
    late = looks(10, seconds=9, days=0.5, outcome="revoke")
    found = measure([*looks(20), *looks(5, bulk=uuid4()), *late], DUE, Thresholds())
    assert (found.decisions, found.single, found.measured) == (35, 30, 30)
    assert (found.median_seconds, found.median_gap_seconds) == (3, 10)
    assert (found.kept, found.kept_in_bulk, found.largest_bulk) == (25 / 35, 5 / 25, 5)
    assert (found.advised, found.follows_advice, found.last_day) == (35, 25 / 35, 10 / 35)
    nothing = measure([], DUE, Thresholds())
    assert (nothing.kept, nothing.median_seconds, nothing.follows_advice) == (None, None, None)


def test_it_says_what_is_beyond_the_thresholds_and_nothing_else() -> None:
    assert said(*looks(30)) == ["100 % were kept, at a median of 3 s an item"]
    assert (
        said(*looks(29))
        == said(*looks(30, seconds=5))
        == said(*looks(28), *looks(2, outcome="revoke", advice=""))
        == []
    )
    assert said(*looks(30, seconds=0)) == ["the time in view is known of 0 of 30 alone"]
    assert said(*looks(30, seconds=9, days=0.9)) == ["100 % were decided on the last day"]
    assert said(*looks(1, seconds=4, privileged=True)) == ["1 about privileged access in less than 5 s"]
    assert said(*looks(1, seconds=5, privileged=True)) == []
    assert said(*looks(10), least_decisions=10) != []


def test_the_servers_clock_shows_a_pace_that_the_page_did_not_tell() -> None:
    fast = looks(30, seconds=40, apart=1.5)
    assert said(*fast) == ["100 % were kept, at a median of 1.5 s between two, by the server's clock"]
    assert said(*looks(30, seconds=2, apart=2))[0].endswith(
        "2 s an item and at a median of 2 s between two, by the server's clock"
    )
    assert said(*fast, gap_seconds=0) == said(*looks(30, seconds=40, apart=5)) == []
    assert said(*looks(29, seconds=40, apart=1), *looks(9, bulk=uuid4())) == [], "29 gaps tell too little"


def test_following_the_advice_counts_where_it_is_fast_or_seldom() -> None:
    mixed = [*looks(20), *looks(15, outcome="revoke", advice="revoke", days=4)]
    assert said(*mixed) == ["100 % were decided as advised, at a median of 3 s an item"]
    careful = [*looks(20, seconds=30), *looks(15, seconds=30, outcome="modify", advice="revoke", days=4)]
    assert said(*careful) == said(*mixed, follows=1) == []
    against = [*looks(7, seconds=30), *looks(23, seconds=30, outcome="revoke")]
    assert said(*against) == ["23 % were decided as advised"]
    assert said(*against[1:]) == said(*against, seldom_follows=0.2) == [], "29 tell too little; a plan may allow more"
    assert said(*looks(40, seconds=30, outcome="revoke", advice="")) == [], "where there is no advice, none is followed"


def test_what_is_kept_together_counts_by_its_share_and_its_size() -> None:
    one, other = uuid4(), uuid4()

    def bulk(count: int, which: UUID) -> list[Look]:
        return looks(count, seconds=0, bulk=which)

    assert said(*bulk(50, one), *bulk(30, other), *looks(9, seconds=9)) == []
    assert said(*bulk(51, one), *looks(9, seconds=9)) == ["51 were kept in one go"]
    assert said(*bulk(25, one), *bulk(25, other)) == ["100 % of what was kept was kept together with other access"]
    assert said(*bulk(15, one), *bulk(14, other)) == said(*bulk(25, one), *bulk(25, other), bulk_kept=1) == []


def test_a_campaign_is_judged_by_what_its_definition_told_when_it_opened() -> None:
    before = thresholds_of({"quality": {"least_decisions": 10, "kept": 0.9}})
    assert (before.least_decisions, before.kept) == (10, 0.9)
    odd = [*looks(60, seconds=9, apart=1, bulk=uuid4()), *looks(40, seconds=9, apart=1)]
    odd += looks(310, seconds=9, apart=1, outcome="revoke")
    for older in (before, thresholds_of({})):
        assert concerns(measure(odd, DUE, older), older) == []
    assert len(said(*odd)) == 2
    usual = figures_of({})
    assert figures_of(care_terms(usual)) == usual
    assert thresholds_of(care_terms(usual)) == Thresholds()
    assert set(usual) == set(CARE_LIMITS)


@pytest.mark.django_db
def test_a_hasty_signature_makes_a_finding_that_names_nobody(campaign: Campaign, cast: Cast, carla: User) -> None:
    hasty = Choice(Outcome.CERTIFY, KEEP.reason, seen_seconds=2)
    decide(item=item(campaign, "bob", "admin_all"), choice=hasty, by=cast.remy)
    for account in ("ana", "bob"):
        decide(item=item(campaign, account), choice=REVOKE, by=cast.remy)
    sign(campaign, cast.remy, "M1")
    found = Finding.objects.get(kind="hasty_review")
    assert "1 about privileged access in less than 5 s" in found.sentence
    assert "Remy" not in found.sentence
    shown = make.login(carla).get(page("care", campaign.pk)).content.decode()
    assert all(
        words in shown for words in ("Remy", "2 s (of 1)", "1 about privileged access in less than 5 s", "33\u202f%")
    )


@pytest.mark.django_db
def test_figures_by_person_are_for_the_officer_alone(
    campaign: Campaign, cast: Cast, remy: User, carla: User, axel: User
) -> None:
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    assert not Finding.objects.filter(kind="hasty_review").exists()
    assert "not measured" in make.login(carla).get(page("care", campaign.pk)).content.decode()
    for other in (remy, axel):
        assert make.login(other).get(page("care", campaign.pk)).status_code == 403
    told = make.login(remy).get(page("review", campaign.pk)).content.decode()
    assert "How long each item is in view" in told
