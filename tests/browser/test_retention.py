"""An officer changes a term, sets a hold and lifts it; an auditor reads the same page and can change nothing."""

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit


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
    strict.check_looks("carla-retention-held")
    page.get_by_role("button", name="Lift the hold").first.click()
    page.get_by_label("Why it is lifted").fill("The case is closed.")
    page.locator("dialog").get_by_role("button", name="Lift the hold").click()
    expect(main).to_contain_text("Lifted: The case is closed.")
    reader = visit("axel")
    reader.go(f"/t/{server.cast.bpo.slug}/retention/")
    expect(reader.page.get_by_role("button", name="Set the hold")).to_have_count(0)
