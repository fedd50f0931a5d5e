"""An officer changes a term, sets a hold and lifts it; an auditor reads the same page and can change nothing."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.strict import StrictPage


def test_an_officer_sets_a_term_and_a_hold_and_lifts_it(server: Server, visit: Visit) -> None:
    strict = visit("carla")
    strict.allowed = {422}
    page = strict.go(f"/t/{server.cast.bpo.slug}/retention/")
    main = page.locator("main")
    expect(main).to_contain_text("Nothing was removed yet.")
    page.get_by_label("Months").fill("24")
    page.get_by_label("Why").first.fill("The client's contract, annex 3.")
    page.get_by_role("button", name="Set the term").click()
    expect(main).to_contain_text("24 months from")
    page.get_by_label("What is held").select_option(label="Events of one person")
    page.get_by_label("Person").fill("nobody at all")
    page.get_by_label("Why").last.fill("Case 7/26.")
    page.get_by_role("button", name="Set the hold").click()
    expect(main).to_contain_text("Nobody is called that in the register or the logs")
    page.get_by_label("What is held").select_option(label="Everything of this tenant")
    page.get_by_role("button", name="Set the hold").click()
    expect(main).to_contain_text("Nothing of this tenant is removed until the hold below is lifted.")
    strict.check_state("carla-retention-held")
    page.get_by_role("button", name="Lift the hold").first.click()
    page.get_by_label("Why it is lifted").fill("The case is closed.")
    page.locator("dialog").get_by_role("button", name="Lift the hold").click()
    expect(main).to_contain_text("Lifted: The case is closed.")
    asks_for_an_erasure(strict, server.cast.bpo.slug)
    reader = visit("axel")
    reader.go(f"/t/{server.cast.bpo.slug}/retention/")
    expect(reader.page.get_by_role("button", name="Set the hold")).to_have_count(0)


def asks_for_an_erasure(strict: StrictPage, slug: str) -> None:
    """Look at what an erasure would take and what stands against it, and ask for it."""
    page = strict.go(f"/t/{slug}/retention/")
    page.get_by_role("link", name="Erasures under GDPR Art. 17").click()
    main, today = page.locator("main"), timezone.localdate()
    expect(main).to_contain_text("Nothing was ever erased before its term.")
    page.get_by_label("Person, address or event").fill("Bob Lim")
    page.get_by_label("First day").fill(str(today - timedelta(days=40)))
    page.get_by_label("Last day").fill(str(today))
    page.get_by_role("button", name="Look, and change nothing").click()
    expect(main).to_contain_text("What stands against it")
    page.get_by_label("Why").fill("The person left and asked for it.")
    page.get_by_label("Legal reference").fill("Art. 17(1)(a) GDPR, request 2026-14")
    page.get_by_role("button", name="Ask for the erasure of").click()
    expect(main).to_contain_text("waits for another officer")
