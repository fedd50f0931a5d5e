"""What follows a review, in a real browser: a question from the screen, a risk that waits for its second, tickets."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from identities.actions import SystemFacts, save_system
from identities.models import Identity, System
from reviews.actions import (
    PlanFacts,
    create_campaign,
    create_plan,
    decide,
    end_plan,
    propose_risk,
    set_ticket_route,
    write_tickets,
)
from reviews.kinds import Choice, Outcome, Trigger
from reviews.models import Campaign, Remediation, ReviewItem, ScopeLine
from reviews.ticketing import hand_over_tickets
from tenants.scope import tenant_scope
from tests import make
from tests.browser.conftest import Server, Visit
from tests.browser.test_review_screen import GRANTS, review_of
from tests.reviews.test_sign import sign


@pytest.fixture
def asked(server: Server, django_db_blocker: DjangoDbBlocker) -> str:
    """The address of a review whose items nobody decided."""
    with django_db_blocker.unblock():
        return review_of(server, GRANTS)


@pytest.fixture
def waiting(server: Server, django_db_blocker: DjangoDbBlocker) -> int:
    """A risk that the officer asks to accept, and a ticket about it that no mail server takes; the proposal's id."""
    bpo, people = server.cast.bpo, server.cast.people
    with django_db_blocker.unblock():
        path = review_of(server, GRANTS)
        with tenant_scope(bpo):
            remy, carla = make.actor(people["remy"], bpo), make.actor(people["carla"], bpo)
            campaign = Campaign.objects.get(pk=path.rstrip("/").rsplit("/", 1)[1])
            for item in ReviewItem.objects.filter(campaign=campaign).select_related("campaign"):
                outcome = Outcome.REVOKE if item.privileged else Outcome.CERTIFY
                decide(item=item, choice=Choice(outcome, "Payroll moved to the vendor."), by=remy)
            sign(campaign, remy, "M1")
            fix, until = Remediation.objects.get(campaign=campaign), timezone.now() + timedelta(days=20)
            made = propose_risk(remediation=fix, until=until, reason="The vendor takes over in a fortnight.", by=carla)
            set_ticket_route(mail="desk@northwind.example", url="", fresh_secret=False, by=carla)
            write_tickets(by=carla)
        hand_over_tickets(bpo)
        return made.pk


@pytest.fixture
def planned(server: Server, django_db_blocker: DjangoDbBlocker) -> tuple[int, int]:
    """A plan that comes back, one that ended, and a campaign without a list: the first plan's id and the line's."""
    bpo, people = server.cast.bpo, server.cast.people
    with django_db_blocker.unblock(), tenant_scope(bpo):
        carla, today = make.actor(people["carla"], bpo), timezone.localdate()
        missing = save_system(facts=SystemFacts("Payroll archive", "archive", "admin*"), by=carla)
        fallback = Identity.objects.get(external_id="M2")
        facts = PlanFacts("Weekly, privileged", list(System.objects.all()), fallback, "Europe/Madrid", today)
        weekly = create_plan(facts=replace(facts, rule="FREQ=WEEKLY", privileged_only=True, programme="Acme"), by=carla)
        leavers = create_plan(facts=replace(facts, name="Leavers", trigger=Trigger.LEAVER), by=carla)
        end_plan(plan=leavers, reason="The monthly review takes its place.", by=carla)
        once = create_plan(facts=replace(facts, name="The archive", systems=[missing]), by=carla)
        create_campaign(plan=once, occurrence_at=timezone.now(), by=carla)
        return weekly.pk, ScopeLine.objects.get(system=missing).pk


def test_a_question_is_asked_by_a_key_without_leaving_the_screen(asked: str, visit: Visit) -> None:
    strict, owner = visit("remy"), visit("rosa")
    page = strict.go(asked)
    page.locator("[data-row]").first.focus()
    page.keyboard.press("q")
    page.keyboard.type("Does she still set pay?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#thread")).to_contain_text("Does she still set pay?")
    expect(page.locator("#thread")).to_contain_text("No answer yet")
    expect(page.locator("#sheet [name=seen]")).to_have_value("")  # still undecided
    strict.check_state("remy-asks")
    answer = owner.go("/t/northwind/questions/")
    answer.get_by_role("link", name="Does she still set pay?").click()
    answer.get_by_label("Your answer").fill("Until the vendor takes over.")
    owner.check_state("rosa-question")
    answer.get_by_role("button", name="Answer").click()
    expect(answer.get_by_text("It decides nothing: the reviewer does.")).to_be_visible()
    page.reload()
    expect(page.locator("#thread")).to_contain_text("Until the vendor takes over.")


def test_what_follows_a_review_is_fit_to_be_shown(waiting: int, planned: tuple[int, int], visit: Visit) -> None:
    officer, signer = visit("carla"), visit("rosa")
    for strict, name, path in (
        (officer, "tickets", "campaigns/tickets/"),
        (officer, "plans", "campaigns/plans/"),
        (officer, "plan-like", f"campaigns/new/like/{planned[0]}/"),
        (officer, "waive", f"campaigns/scope/{planned[1]}/waive/?reason=The+payroll+moves+to+the+vendor."),
        (officer, "risks", "risks/"),
        (signer, "risk", f"risks/{waiting}/"),
    ):
        strict.go(f"/t/northwind/{path}")
        strict.check_state(name)
