"""An officer evaluates the controls of a period and looks at a row: every page as people see it."""

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit

LONG_MS = 90_000
REGISTERS = ("documents", "processing", "gaps", "responses", "operations")


def test_an_officer_evaluates_the_controls_and_looks_at_a_row(server: Server, worker: None, visit: Visit) -> None:
    strict = visit("carla")
    home = f"/t/{server.cast.bpo.slug}"
    page = strict.go(f"{home}/controls/")
    page.get_by_role("button", name="Evaluate this period").click()
    expect(page.locator("main")).to_contain_text("Done", timeout=LONG_MS)
    strict.go(f"{home}/controls/")
    expect(page.locator("main")).to_contain_text("Evaluated")
    strict.check_state("carla-evidence-controls-evaluated")
    page.get_by_label("State").select_option(label="No data")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("main tbody")).to_contain_text("below the floor of")
    for key in ("iso27001-a.8.3", "gdpr-25.2"):
        strict.go(f"{home}/controls/{key}/")
        expect(page.locator("main")).to_contain_text("The query, SHA-256")
        strict.check_state(f"carla-evidence-control-{key}")
    page.get_by_role("link", name="Information sheet of this table").first.click()
    expect(page.locator("main")).to_contain_text("Control total, SHA-256")
    strict.check_state("carla-evidence-sheet")
    strict.go(f"{home}/controls/settings/")
    page.get_by_label("What to settle").select_option(label="Remote")
    page.get_by_label("Out of scope").check()
    page.get_by_label("Reason").fill("Nobody works remotely for this client.")
    page.get_by_role("button", name="Settle this").click()
    expect(page.locator("main")).to_contain_text("Nobody works remotely for this client.")
    strict.check_state("carla-evidence-settings-settled")


def test_an_officer_keeps_the_registers(server: Server, visit: Visit) -> None:
    strict = visit("carla")
    home = f"/t/{server.cast.bpo.slug}"
    for path in ("calendar", *(f"controls/{name}" for name in REGISTERS)):
        strict.go(f"{home}/{path}/")
        strict.check_state(f"carla-evidence-{path.rpartition('/')[2]}")
    page = strict.go(f"{home}/alerts/incidents/new/")
    page.get_by_label("Title").fill("A desk was left unlocked")
    page.get_by_label("What happened").fill("Somebody read claims at a desk that was not theirs.")
    page.get_by_label("First sign found").fill("2026-01-05T09:00")
    strict.check_state("carla-incident-new")
    page.get_by_role("button", name="Open the incident").click()
    page.get_by_label("What was done or found").fill("Called the client's officer at once.")
    page.get_by_label("Step").select_option(label="The client was told")
    page.get_by_role("button", name="Record the step").click()
    expect(page.locator("main")).to_contain_text("Called the client's officer at once.")
    strict.check_state("carla-incident")
    strict.go(f"{home}/alerts/incidents/")
    strict.check_state("carla-incidents")


def test_an_officer_approves_a_place_and_ends_it(server: Server, visit: Visit) -> None:
    strict = visit("carla")
    strict.allowed = {422}
    page = strict.go(f"/t/{server.cast.bpo.slug}/places/")
    main = page.locator("main")
    expect(main).to_contain_text("No place is approved")
    page.get_by_label("Network or country").fill("Atlantis")
    page.get_by_label("Approved by").fill("Ines Coll, CISO")
    page.get_by_label("Approved on").fill("2026-01-07")
    page.get_by_label("Why").fill("Home office, policy 4.2.")
    page.get_by_role("button", name="Approve the place").click()
    expect(main).to_contain_text("is no country")
    strict.check_state("carla-places-refused")
    page.get_by_label("Network or country").fill("2001:db8:85a3::/48")
    page.get_by_role("button", name="Approve the place").click()
    expect(main).to_contain_text("later than it was approved")
    page.get_by_role("button", name="End the approval").click()
    page.get_by_label("Why it ends").fill("The office is closed.")
    page.locator("dialog").get_by_role("button", name="End the approval").click()
    expect(main).to_contain_text("Ended: The office is closed.")
    page.get_by_label("Network or country").fill("Spain")
    page.get_by_label("Approved by").fill("Ines Coll, CISO")
    page.get_by_label("Why").fill("Home office, policy 4.2.")
    page.get_by_role("button", name="Approve the place").click()
    expect(main).to_contain_text("Spain (ES)")
    strict.check_state("carla-places")
