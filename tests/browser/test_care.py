"""Conflicts of duties and second looks in the browser, and what the officer reads of the care taken."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from identities.models import Entitlement, Identity, System
from reviews.actions import PlanFacts, add_conflict, create_campaign, create_plan, decide, open_campaign, set_care_rule
from reviews.kinds import Choice, Outcome, Strategy
from reviews.models import Campaign, ReviewItem
from reviews.quality import figures_of
from tenants.kinds import Actor
from tenants.scope import tenant_scope
from tests import make
from tests.browser.conftest import Server, Visit
from tests.reviews.test_sign import sign

WORDS = "She works on the claims desk every day."


@pytest.fixture
def campaigns(server: Server, django_db_blocker: DjangoDbBlocker) -> tuple[Campaign, Campaign]:
    """A signed campaign whose privileged decisions are all looked at twice, and an open one over conflicts."""
    cast = server.cast
    officer, remy, rosa = (make.actor(cast.people[name], cast.bpo) for name in ("carla", "remy", "rosa"))
    with django_db_blocker.unblock(), tenant_scope(cast.bpo):
        signed = _opened("Care, third quarter", officer, second=100)
        for by, person in ((remy, "M1"), (rosa, "M2")):
            for n, item in enumerate(
                ReviewItem.objects.filter(campaign=signed, assignments__reviewer__external_id=person)
            ):
                seen = 3 if item.privileged else 25 + 7 * n
                decide(item=item, choice=Choice(Outcome.CERTIFY, WORDS, seen_seconds=seen), by=by)
            sign(signed, by, person)
        agent = Entitlement.objects.get(key="agent")
        admins = list(Entitlement.objects.filter(key__in=("admin_all", "admin_export")))
        add_conflict(one=admins, other=[agent], why="Whoever works cases does not change their rules.", by=officer)
        return signed, _opened("Conflicts, third quarter", officer, conflicts_only=True)


@pytest.fixture
def removed(server: Server, campaigns: tuple[Campaign, Campaign], django_db_blocker: DjangoDbBlocker) -> int:
    """The item of the conflict's side that goes."""
    with django_db_blocker.unblock(), tenant_scope(server.cast.bpo):
        return ReviewItem.objects.get(campaign=campaigns[1], entitlement__key="admin_all").pk


def _opened(name: str, by: Actor, *, second: int = 0, conflicts_only: bool = False) -> Campaign:
    facts = PlanFacts(
        name=name,
        systems=[System.objects.get(key="crm")],
        fallback=Identity.objects.get(external_id="M1"),
        time_zone="Europe/Madrid",
        starts_on=timezone.localdate() - timedelta(days=1),
        strategy=Strategy.MANAGER,
        conflicts_only=conflicts_only,
    )
    made = create_campaign(plan=create_plan(facts=facts, by=by), occurrence_at=timezone.now(), by=by)
    figures = {**figures_of({}), "second_percent": second}
    set_care_rule(plan=made.plan, figures=figures, reason="As the client asks.", by=by)
    return open_campaign(campaign=made, by=by)


def test_a_conflict_is_decided_and_a_second_look_taken(
    server: Server, visit: Visit, campaigns: tuple[Campaign, Campaign], removed: int
) -> None:
    signed, conflicts = campaigns
    rosa, remy, carla = visit("rosa"), visit("remy"), visit("carla")
    home = f"/t/{server.cast.bpo.slug}"
    page = remy.go(f"{home}/review/{conflicts.pk}/conflicts/")
    page.get_by_label("Reason").fill("He does not export any more.")
    remy.check_state("remy-conflicts")
    page.get_by_role("button", name="Remove admin_all").click()
    expect(page.locator(".case .card-header")).to_contain_text("Removed: admin_all")
    page = remy.go(f"{home}/review/{conflicts.pk}/?item={removed}")
    remy.check_looks("remy-urgent")
    page.get_by_role("button", name="Urgent").click()
    expect(page.get_by_role("status")).to_have_text([""])  # one tap begins nothing: it is asked first
    page.get_by_role("dialog").get_by_role("button", name="Carry it out now").click()
    expect(page.get_by_role("status").first).to_contain_text("to carry out now")
    page = rosa.go(f"{home}/second-looks/")
    rosa.check_state("rosa-second-looks")
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_text(WORDS)).to_have_count(0)
    rosa.check_state("rosa-second-look")
    page.get_by_label("Reason").fill("Nobody used it for months.")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status").first).to_contain_text("recorded")
    for name in ("care/", "care/rule/"):
        carla.go(f"{home}/campaigns/{signed.pk}/{name}")
        carla.check_state("carla-" + name.strip("/").replace("/", "-"))
