"""Races over real connections: two tabs, and a signature against a change of mind; each ends with one truth."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.utils import timezone

from identities.actions import SystemFacts, save_system, upsert_identities
from identities.models import Identity
from reviews.actions import create_campaign, decide, open_campaign, sign_off
from reviews.kinds import Authentication, Choice, Level, Outcome
from reviews.manifest import manifest_digest
from reviews.models import Campaign, Decision, ReviewItem, SignOff
from reviews.queries.standing import statement
from tenants.kinds import Refused, Role
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.database import FreshDatabase
from tests.reviews.conftest import KEEP, PEOPLE, REVOKE, Cast, deliver, person, plan

ROUNDS = 6


@pytest.fixture
def stage(fresh_database: FreshDatabase) -> tuple[Tenant, Cast]:
    """A committed BPO with its register, its officer and two reviewers."""
    bpo = make.tenant("northwind", "Northwind Services")
    people = {name: make.user(name) for name in ("carla", "remy", "rosa")}
    for name, user in people.items():
        make.member(user, bpo, Role.OFFICER if name == "carla" else Role.REVIEWER)
    actors = {name: make.actor(user, bpo) for name, user in people.items()}
    with tenant_scope(bpo):
        upsert_identities(body=PEOPLE, by=actors["carla"])
        facts = SystemFacts("CRM", "crm", "admin*", owner=Identity.objects.get(external_id="M2"))
        cast = Cast(actors["carla"], actors["remy"], actors["rosa"], save_system(facts=facts, by=actors["carla"]))
        deliver(cast)
    return bpo, cast


def _campaign(bpo: Tenant, cast: Cast, name: str) -> Campaign:
    with tenant_scope(bpo):
        made = create_campaign(plan=plan(cast, name), occurrence_at=timezone.now(), by=cast.officer)
        return open_campaign(campaign=made, by=cast.officer)


def _items(campaign: Campaign, who: str) -> list[ReviewItem]:
    mine = ReviewItem.objects.filter(campaign=campaign, assignments__reviewer=person(who))
    return list(mine.select_related("campaign").order_by("n"))


def _at_once(bpo: Tenant, *deeds: Callable[[], object]) -> list[str]:
    """Run the deeds at the same moment, each on a connection of its own; returns "done" or the refusal of each."""
    gate = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> str:
        try:
            with tenant_scope(bpo):
                gate.wait(timeout=20)
                deed()
        except Refused as refusal:
            return refusal.verdict.reason
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_two_tabs_leave_one_decision(stage: tuple[Tenant, Cast]) -> None:
    bpo, cast = stage
    campaign = _campaign(bpo, cast, "Two tabs")
    with tenant_scope(bpo):
        items = _items(campaign, "M1")
    for item in items:
        answers = _at_once(
            bpo,
            lambda item=item: decide(item=item, choice=KEEP, by=cast.remy, seen=None),
            lambda item=item: decide(item=item, choice=REVOKE, by=cast.remy, seen=None),
        )
        assert sorted(answer == "done" for answer in answers) == [False, True]
        assert any("in another window" in answer for answer in answers)
    with tenant_scope(bpo):
        assert Decision.objects.filter(campaign=campaign).count() == len(items)


def test_a_signature_covers_exactly_the_decisions_that_count(stage: tuple[Tenant, Cast]) -> None:
    bpo, cast = stage
    proof = Authentication(Level.CODE, ("password", "code"), timezone.now())
    changed = Choice(Outcome.REVOKE, "Moved to another desk today.")
    for number in range(ROUNDS):
        campaign = _campaign(bpo, cast, f"Race {number}")
        with tenant_scope(bpo):
            items = _items(campaign, "M1")
            for item in items:
                decide(item=item, choice=KEEP, by=cast.remy)
            shown = statement(campaign, person("M1"))[1]
        sign = {"campaign": campaign, "by": cast.remy, "printed_name": "Remy", "shown_digest": shown, "proof": proof}
        answers = _at_once(
            bpo,
            lambda sign=sign: sign_off(**sign),
            lambda items=items: decide(item=items[0], choice=changed, by=cast.remy),
        )
        with tenant_scope(bpo):
            _agrees(campaign, answers)


def _agrees(campaign: Campaign, answers: list[str]) -> None:
    """Check that a signature, if there is one, is over what counts now."""
    signature = SignOff.objects.filter(campaign=campaign).first()
    assert (signature is not None) == (answers[0] == "done"), answers
    assert "done" in answers
    if signature is not None:
        assert signature.digest == manifest_digest(signature.manifest)
        assert signature.digest == statement(campaign, person("M1"))[1]


def test_two_schedulers_make_one_campaign(stage: tuple[Tenant, Cast]) -> None:
    bpo, cast = stage
    with tenant_scope(bpo):
        made, at = plan(cast, "Weekly"), timezone.now()
    answers = _at_once(bpo, *[lambda: create_campaign(plan=made, occurrence_at=at, by=cast.officer)] * 2)
    assert max(answers) == "done"
    assert min(answers) == "This period of the plan has its campaign already."
    with tenant_scope(bpo):
        assert Campaign.objects.filter(plan=made).count() == 1
    assert connection.settings_dict["NAME"].startswith("fresh_")
