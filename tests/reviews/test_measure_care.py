"""How carefully a reviewer decided: figures from the decisions alone, and the finding beyond the thresholds."""

from datetime import UTC, datetime, timedelta

import pytest

from reviews.actions import decide
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Finding
from reviews.quality import Look, Thresholds, concerns, measure, thresholds_of
from tenants.models import User
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, item
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

DUE = datetime(2026, 5, 15, 9, tzinfo=UTC)


def looks(count: int, *, seconds: int = 3, days: float = 5, **changes: object) -> list[Look]:
    """Return decisions to keep, ten seconds apart, so many days before the deadline."""
    facts: dict[str, object] = {"outcome": "certify", "advice": "keep", "privileged": False, "bulk": False, **changes}
    begin = DUE - timedelta(days=days)
    return [Look(seconds=seconds, decided_at=begin + timedelta(seconds=10 * n), **facts) for n in range(count)]


def said(*found: Look, **limits: float) -> list[str]:
    """Return what is said about decisions."""
    terms = Thresholds(**limits)
    return concerns(measure(found, DUE, terms), terms)


def test_it_counts_time_pace_agreement_and_the_last_day() -> None:
    late = looks(10, seconds=9, days=0.5, outcome="revoke")
    found = measure([*looks(20), *looks(5, bulk=True), *late], DUE, Thresholds())
    assert (found.decisions, found.single, found.measured) == (35, 30, 30)
    assert (found.median_seconds, found.median_gap_seconds) == (3, 10)
    assert (found.kept, found.kept_in_bulk) == (25 / 35, 5 / 25)
    assert (found.follows_advice, found.last_day) == (25 / 35, 10 / 35)
    nothing = measure([], DUE, Thresholds())
    assert (nothing.kept, nothing.median_seconds, nothing.follows_advice) == (None, None, None)


def test_it_says_what_is_beyond_the_thresholds_and_nothing_else() -> None:
    assert said(*looks(30)) == ["100 % were kept, at a median of 3 s an item"]
    assert said(*looks(29)) == said(*looks(30, seconds=5)) == said(*looks(28), *looks(2, outcome="revoke")) == []
    assert said(*looks(30, seconds=0)) == ["the time in view is known of 0 of 30 alone"]
    assert said(*looks(30, seconds=0, bulk=True)) == []
    assert said(*looks(30, seconds=9, days=0.9)) == ["100 % were decided on the last day"]
    assert said(*looks(1, seconds=4, privileged=True)) == ["1 about privileged access in less than 5 s"]
    assert said(*looks(1, seconds=5, privileged=True)) == []
    assert said(*looks(10), least_decisions=10) != []
    assert thresholds_of({"quality": {"least_decisions": 10}}).least_decisions == 10


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
