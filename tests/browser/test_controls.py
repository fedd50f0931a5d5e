"""An officer evaluates the controls of a period and looks at a row: every page as people see it."""

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit

LONG_MS = 90_000


def test_an_officer_evaluates_the_controls_and_looks_at_a_row(server: Server, worker: None, visit: Visit) -> None:
    strict = visit("carla")
    home = f"/t/{server.cast.bpo.slug}"
    page = strict.go(f"{home}/controls/")
    page.get_by_role("button", name="Evaluate this period").click()
    expect(page.locator("main")).to_contain_text("Done", timeout=LONG_MS)
    strict.go(f"{home}/controls/")
    expect(page.locator("main")).to_contain_text("Evaluated")
    strict.check_looks("carla-evidence-controls-evaluated")
    page.get_by_label("State").select_option(label="Not yet computed")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("main tbody")).to_contain_text("No query yet for")
    for key in ("iso27001-a.8.3", "gdpr-25.2"):
        strict.go(f"{home}/controls/{key}/")
        expect(page.locator("main")).to_contain_text("The query, SHA-256")
        strict.check_looks(f"carla-evidence-control-{key}")
    strict.go(f"{home}/controls/settings/")
    page.get_by_label("What to settle").select_option(label="Remote")
    page.get_by_label("Out of scope").check()
    page.get_by_label("Reason").fill("Nobody works remotely for this client.")
    page.get_by_role("button", name="Settle this").click()
    expect(page.locator("main")).to_contain_text("Nobody works remotely for this client.")
    strict.check_looks("carla-evidence-settings-settled")
