"""Thresholds of a plan, reviewers who keep each other's access, and second looks that never see the first."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from identities.models import Identity
from reviews.actions import (
    close_campaign,
    decide,
    open_campaign,
    put_second_look,
    set_care_rule,
    take_second_look,
)
from reviews.agreement import agreement, drawn, quarter, reciprocal
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, CareRule, Decision, Finding, ReviewItem, SecondLook
from reviews.quality import figures_of, thresholds_of
from tenants.kinds import Refused
from tenants.models import User
from tests import make
from tests.reviews.conftest import REVOKE, Cast, deliver, person, ready
from tests.reviews.test_pages import page
from tests.reviews.test_sign import sign

BOTH_WAYS = b"""account,entitlement,person,kind
bob,admin_all,E2,human
ana,admin_all,E1,human
remy,agent,M1,human
rosa,agent,M2,human
"""
HALF = {**figures_of({}), "second_percent": 50}
EASY = Choice(Outcome.CERTIFY, "Leads the Acme desk.", seen_seconds=40)


def test_a_seed_draws_the_same_again_and_rounds_up() -> None:
    assert drawn("a", range(40), 10) == drawn("a", reversed(range(40)), 10)
    assert len(drawn("a", range(40), 10)) == 4
    assert drawn("a", range(40), 10) != drawn("b", range(40), 10)
    assert (len(drawn("a", [7], 1)), drawn("a", [7], 0), drawn("a", [], 50)) == (1, [], [])


def test_kappa_is_given_where_it_says_something() -> None:
    pairs = [("certify", "certify")] * 20 + [("revoke", "modify")] * 15
    pairs += [("certify", "revoke")] * 10 + [("revoke", "certify")] * 5 + [("certify", "")] * 3
    found = agreement(pairs)
    assert (found.asked, found.answered, found.agreed, found.waiting) == (53, 50, 35, 3)
    assert found.kappa == pytest.approx(0.4)  # Cohen's formula: (0.7 - 0.5) / (1 - 0.5)
    assert agreement(pairs[:29]).kappa is None
    assert agreement([("certify", "certify")] * 40).kappa is None
    assert agreement([("certify", "")]).share is None
    assert agreement([("certify", "revoke"), ("certify", "certify")] * 20).kappa == 0


def test_a_pair_needs_both_directions_and_a_quarter_ends() -> None:
    assert reciprocal({(1, 2): 3, (1, 3): 1, (3, 4): 1}) == []
    (pair,) = reciprocal({(2, 1): 3, (1, 2): 4})
    assert (pair.one, pair.other, pair.one_kept, pair.other_kept) == (1, 2, 4, 3)
    first, end = quarter(datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert (first, end) == (datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.fixture
def mutual(cast: Cast) -> Campaign:
    """An open campaign in which Remy and Rosa review each other; half of what is privileged is looked at twice."""
    Identity.objects.filter(external_id="M1").update(manager=person("M2"))
    Identity.objects.filter(external_id="M2").update(manager=person("M1"))
    deliver(cast, BOTH_WAYS)
    waiting = ready(cast)
    set_care_rule(plan=waiting.plan, figures=HALF, reason="Asked for by the client.", by=cast.officer)
    waiting.refresh_from_db()
    return open_campaign(campaign=waiting, by=cast.officer)


def keep_all(campaign: Campaign, cast: Cast) -> None:
    for subject in ReviewItem.objects.filter(campaign=campaign).select_related("campaign"):
        by = cast.remy if subject.assignments.get().reviewer == person("M1") else cast.rosa
        decide(item=subject, choice=EASY, by=by)


@pytest.mark.django_db
def test_thresholds_hold_for_what_is_not_open_and_within_limits(cast: Cast, mutual: Campaign, carla: User) -> None:
    assert mutual.definition["second_percent"] == 50
    client, address = make.login(carla), page("care_rule", mutual.pk)
    typed = {**HALF, "least_decisions": 10, "kept_percent": 90, "reason": "A smaller desk."}
    assert client.post(address, {**typed, "median_seconds": 121}).status_code == 422
    assert client.post(address, {**typed, "reason": "short"}).status_code == 422
    assert client.post(address, typed).status_code == 302
    mutual.refresh_from_db()
    assert thresholds_of(mutual.definition).least_decisions == 30
    shown = client.get(address).content.decode()
    assert all(words in shown for words in ("A smaller desk.", "10 decisions", "1 to 120 s."))
    with pytest.raises(Refused, match="between 1 and 120 s"):
        set_care_rule(plan=mutual.plan, figures={**HALF, "median_seconds": 0}, reason="Too easy.", by=cast.officer)
    with pytest.raises(DatabaseError, match="within_its_limits"), transaction.atomic():
        CareRule.objects.create(
            **{**HALF, "kept_percent": 20}, plan=mutual.plan, reason="Around it all.", set_at=timezone.now(), set_by="x"
        )


@pytest.mark.django_db
def test_who_keeps_whose_access_is_found_when_both_signed(cast: Cast, mutual: Campaign, carla: User) -> None:
    keep_all(mutual, cast)
    sign(mutual, cast.remy, "M1")
    assert not Finding.objects.filter(kind="reciprocal").exists()
    sign(mutual, cast.rosa, "M2")
    found = Finding.objects.get(kind="reciprocal")
    assert "the one kept 1 of the other's grants, the other 1." in found.sentence
    assert not any(name in found.sentence for name in ("Remy", "Rosa"))
    shown = make.login(carla).get(page("care", mutual.pk)).content.decode()
    assert "Who kept each other" in shown
    assert shown.count("1 grant<") == 2


@pytest.mark.django_db
def test_a_second_look_is_blind_and_a_difference_is_for_the_officer(
    cast: Cast, mutual: Campaign, remy: User, rosa: User, carla: User
) -> None:
    keep_all(mutual, cast)
    sign(mutual, cast.remy, "M1")
    look = SecondLook.objects.get()
    assert (look.first, look.second, look.drawn_from) == (person("M1"), person("M2"), 2)
    client, address = make.login(rosa), page("second_look", look.pk)
    assert "Take 1 second look" in client.get(page("inbox")).content.decode()
    shown = client.get(address).content.decode()
    assert look.item.entitlement.key in shown
    assert not any(words in shown for words in (EASY.reason, "Remy", "Decisions</h3>"))
    assert make.login(remy).get(address).status_code == 404
    with pytest.raises(Refused, match="asked of somebody else"):
        take_second_look(look=look, choice=REVOKE, by=cast.remy)
    assert client.post(address, {"outcome": "revoke", "reason": "short"}).status_code == 422
    assert client.post(address, {"outcome": "revoke", "reason": REVOKE.reason}).status_code == 302
    with pytest.raises(Refused, match="taken already"):
        take_second_look(look=look, choice=EASY, by=cast.rosa)
    first = Decision.objects.get(pk=look.decision_id)
    assert (first.outcome, first.reason) == ("certify", EASY.reason)
    assert not Decision.objects.filter(supersedes=first).exists()
    found = Finding.objects.get(kind="second_look")
    assert "the signed decision is to keep, a second reviewer who did not see it says to revoke" in found.sentence
    told = make.login(carla).get(page("care", mutual.pk)).content.decode()
    assert "0 of 1 (0\u202f%)" in told


@pytest.mark.django_db
def test_a_campaign_does_not_close_before_its_second_looks(cast: Cast, mutual: Campaign, carla: User) -> None:
    keep_all(mutual, cast)
    sign(mutual, cast.remy, "M1")
    sign(mutual, cast.rosa, "M2")
    with pytest.raises(Refused, match="second look waits"):
        close_campaign(campaign=mutual, by=cast.officer)
    look = SecondLook.objects.get()
    for new, words in (("M1", "decided first"), ("E3", "may not review")):
        with pytest.raises(Refused, match=words):
            put_second_look(look=look, reviewer=person(new), reason="Rosa is away.", by=cast.officer)
    told = make.login(carla).get(page("campaign", mutual.pk)).content.decode()
    assert "1 second look waits for the second reviewer" in told
    take_second_look(look=look, choice=EASY, by=cast.rosa)
    assert close_campaign(campaign=mutual, by=cast.officer).state == "closed"
    assert not Finding.objects.filter(kind="second_look").exists()


ATTACKS: dict[str, dict[str, object]] = {
    "nobody_looks_second_at_their_own_access": {"second": "subject"},
    "second_look_is_somebody_elses": {"second": "first"},
    "begins open, at a signed decision": {"outcome": "certify"},
    "second_look_copies_its_item": {"subject_key": 0},
}


@pytest.mark.django_db
def test_the_database_holds_a_second_look(cast: Cast, mutual: Campaign) -> None:
    keep_all(mutual, cast)
    sign(mutual, cast.remy, "M1")
    look = SecondLook.objects.get()
    other = Decision.objects.filter(reviewer=person("M1"), privileged=True).exclude(pk=look.decision_id).get()
    facts: dict[str, object] = {"campaign": mutual, "item": other.item, "decision": other, "privileged": True}
    facts |= {"subject_key": other.subject_key, "advice": other.advice, "first": person("M1"), "second": person("M2")}
    facts |= {"seed": "0" * 32, "drawn_from": 2, "asked_at": timezone.now()}
    who = {"subject": other.item.subject, "first": person("M1")}
    for words, wrong in ATTACKS.items():
        told = {name: who.get(str(value), value) for name, value in wrong.items()}
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            SecondLook(**{**facts, **told}).save()
    rosas = Decision.objects.filter(reviewer=person("M2"))[0]
    with pytest.raises(DatabaseError, match="at a signed decision"), transaction.atomic():
        SecondLook(**{**facts, "decision": rosas, "first": person("M2"), "second": person("M1")}).save()
    take_second_look(look=look, choice=EASY, by=cast.rosa)
    for change in ({"outcome": "revoke"}, {"second": person("M1")}):
        with pytest.raises(DatabaseError, match="taken already"), transaction.atomic():
            SecondLook.objects.update(**change)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        SecondLook.objects.update(seed="1" * 32)
