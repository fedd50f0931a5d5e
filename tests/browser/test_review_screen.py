"""The review screen in a real browser: fit to be shown, decided by keys, signed, and deaf outside the list."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity
from identities.queries import identity_of_user
from reviews.actions import PlanFacts, create_campaign, create_plan, open_campaign
from reviews.kinds import Strategy
from reviews.models import Campaign
from tenants.scope import tenant_scope
from tests import make
from tests.browser.conftest import GivePasskey, Server, Visit

LOADS = "performance.getEntriesByType('navigation')[0].startTime + performance.timeOrigin"
PEOPLE = b"""external_id,name,email,programme
K3,Maria Concepcion de los Angeles Villanueva-Fernandez,,Payroll
K4,Bo,,Payroll
"""
GRANTS = b"""account,entitlement,person,kind,title,meaning,granted_by,granted_at,origin
maria.villanueva-fernandez@northwind.example,payroll_admin,K3,human,Payroll administrator,Sets pay,Ines,2025-04-02,C-1
bo,payroll_read,K4,human,Payroll reader,Reads payslips,Ines,2025-04-02,CHG-1042
maria.villanueva-fernandez@northwind.example,payroll_read,K3,human,Payroll reader,Reads payslips,,,
svc-export,payroll_read,,service,Payroll reader,Reads payslips,,,
"""


@pytest.fixture
def payroll(server: Server, django_db_blocker: DjangoDbBlocker) -> str:
    """The address of Remy's review of the payroll system; a fresh campaign for each test."""
    with django_db_blocker.unblock():
        return review_of(server, GRANTS)


def review_of(server: Server, grants: bytes) -> str:
    """Open a campaign over a list of grants, all put to Remy; returns the address of the review."""
    with tenant_scope(server.cast.bpo):
        officer = make.actor(server.cast.people["carla"], server.cast.bpo)
        upsert_identities(body=PEOPLE, by=officer)
        key, now, total = f"payroll-{Campaign.objects.count()}", timezone.now(), grants.count(b"\n") - 1
        rosa = _identity(server, "rosa")
        system = save_system(facts=SystemFacts(key.title(), key, "*_admin", owner=rosa), by=officer)
        upload = SnapshotUpload(grants, now - timedelta(hours=2), total, "payroll.csv", "", "Report 7", "Ines")
        import_snapshot(system=system, upload=upload, by=officer)
        remy = _identity(server, "remy")
        facts = PlanFacts(f"{system.name}, April", [system], rosa, "UTC", now.date(), Strategy.NAMED, remy)
        plan = create_plan(facts=facts, by=officer)
        campaign = create_campaign(plan=plan, occurrence_at=now, by=officer)
        open_campaign(campaign=campaign, by=officer)
        return reverse("reviews:review", args=[server.cast.bpo.slug, campaign.pk])


def _identity(server: Server, name: str) -> Identity:
    """Return who a person of the cast is in the register."""
    found = identity_of_user(server.cast.people[name].pk)
    assert found is not None
    return found


def _press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_review_screen_and_the_pages_around_it_are_fit_to_be_shown(payroll: str, visit: Visit) -> None:
    strict = visit("remy")
    for name, path in (("review", payroll), ("sign", payroll + "sign/")):
        strict.go(path)
        strict.check_state(f"remy-{name}")
    officer = visit("carla")
    campaign = payroll.replace("/review/", "/campaigns/")
    for name, path in (
        ("campaign", campaign),
        ("items", campaign + "items/"),
        ("new", campaign + "../new/"),
        ("absences", campaign + "../../absences/"),
    ):
        officer.go(path)
        officer.check_state(f"carla-campaign-{name}")


def test_a_reviewer_decides_by_keys_and_signs(payroll: str, visit: Visit, passkey: GivePasskey) -> None:
    strict = visit("remy")
    strict.allowed = {422}
    page = strict.go(payroll)
    passkey(strict, "remy")
    page.locator("[data-row]").first.focus()
    _press(page, "a")
    expect(page.locator("#sheet [role=alert]")).to_contain_text("This access is privileged")
    page.locator("#reason").fill("Runs the payroll of April, checked with Ines.")
    page.locator("[data-row]").first.focus()
    _press(page, "a")
    expect(page.locator("#said")).to_have_text("Saved: Keep. 3 left.")
    for left in (2, 1, 0):
        expect(page.locator("[data-row]").nth(3 - left)).to_be_focused()
        expect(page.locator("#sheet [name=seen]")).to_have_value("")
        _press(page, "a")
        expect(page.locator("#said")).to_have_text(f"Saved: Keep. {left} left.")
    page.get_by_role("link", name="Read and sign").click()
    expect(page.get_by_role("button", name="Sign 4 decisions with a passkey")).to_be_visible()
    strict.check_state("remy-signs")
    page.get_by_role("button", name="Sign 4 decisions with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signature")
    strict.check_state("remy-receipt")


def test_a_reviewer_keeps_several_together_by_keys_and_undoes_it(payroll: str, visit: Visit) -> None:
    strict = visit("remy")
    page = strict.go(payroll)
    loaded = page.evaluate(LOADS)
    for tick in page.locator("[name=items]").all():
        tick.press("Space")
    page.get_by_role("button", name="Keep the ticked together").press("Enter")
    expect(page.get_by_role("heading", name="Keep 3 grants together?")).to_be_focused()
    strict.check_state("keep-together")
    _press(page, "Tab", "Enter")  # to the button below the list of what will be kept
    expect(page.get_by_role("heading", name="3 grants are kept together.")).to_be_focused()
    expect(page.locator("#said")).to_contain_text("1 left.")
    strict.check_state("kept-together")
    _press(page, "Tab", "Tab", "Enter")  # past the next undecided item
    expect(page.get_by_role("heading", name="3 grants are undecided again.")).to_be_focused()
    expect(page.locator("[name=items]")).to_have_count(3)
    page.get_by_role("link", name="Next undecided item").press("Enter")
    expect(page.locator("[data-row]").first).to_be_focused()
    assert page.evaluate(LOADS) == loaded


def test_a_reviewer_keeps_several_together_on_a_phone_and_undoes_it(payroll: str, visit: Visit) -> None:
    page = visit("remy", viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True).go(payroll)
    loaded = page.evaluate(LOADS)
    page.locator("[data-row]").nth(1).tap()
    expect(page.get_by_role("button", name="Revoke")).to_be_in_viewport()  # the item, not the list above it
    for tick in page.locator("[name=items]").all():
        tick.tap()
    page.get_by_role("button", name="Keep the ticked together").tap()
    expect(page.get_by_role("heading", name="Keep 3 grants together?")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Keep these 3")).to_be_in_viewport()
    page.get_by_role("button", name="Keep these 3").tap()
    expect(page.get_by_role("heading", name="3 grants are kept together.")).to_be_in_viewport()
    page.get_by_text("Kept together (1)").tap()
    expect(page.get_by_role("button", name="Undo these 3")).to_have_count(2)
    page.locator("#sheet").get_by_role("button", name="Undo these 3").tap()
    expect(page.get_by_role("heading", name="3 grants are undecided again.")).to_be_in_viewport()
    assert page.evaluate(LOADS) == loaded


def test_keys_do_nothing_outside_the_list(payroll: str, visit: Visit) -> None:
    page = visit("remy").go(payroll)
    page.locator("#reason").fill("")
    page.locator("#reason").press("a")
    expect(page.locator("#reason")).to_have_value("a")
    page.locator("main").focus()
    _press(page, "a", "u")
    expect(page.locator("#said")).to_have_text("")


def test_question_mark_shows_the_keys_and_where_to_turn_them_off(payroll: str, visit: Visit) -> None:
    page = visit("remy").go(payroll)
    page.locator("[data-row]").first.focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("link", name="Turn them off in your preferences")).to_be_visible()


def test_an_item_is_postponed_by_key_after_a_move(
    payroll: str, visit: Visit, server: Server, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), tenant_scope(server.cast.bpo):
        told = PEOPLE.replace(b"Fernandez,,Payroll", b"Fernandez,,Claims")
        upsert_identities(body=told, by=make.actor(server.cast.people["carla"], server.cast.bpo))
    strict = visit("remy")
    page = strict.go(payroll)
    expect(page.locator("#postpone-why")).to_contain_text("moved lately (programme, by the list of people of")
    strict.check_state("remy-may-postpone")
    strict.go(payroll)  # what judges the page leaves styles on it, which the next part would take over
    page.locator("[data-row]").first.focus()
    _press(page, "p")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("Joined the claims desk last week; her manager sees what she needs.")
    page.locator("[data-row]").first.focus()
    _press(page, "p")
    expect(page.locator("#said")).to_have_text(re.compile("Saved: Postponed until .* 3 left."))
    _press(page, "j")
    expect(page.locator("#sheet .sheet-who")).to_contain_text("Maria")
    page.locator("#reason").fill("Joined the claims desk last week, as above.")
    page.locator("#postponed_until").press("Enter")  # it presses the first button of the form, which must not keep
    expect(page.locator("#said")).to_have_text(re.compile("Saved: Postponed until .* 2 left."))
    strict.go(payroll + "sign/")
    strict.check_state("remy-signs-postponed")
    officer = visit("carla")
    expect(officer.go(payroll.replace("/review/", "/campaigns/")).locator("#postponed")).to_contain_text("Waits")
    officer.check_state("carla-campaign-postponed")
