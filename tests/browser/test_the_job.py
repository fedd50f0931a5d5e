"""Each kind of user's job, one after the other on the same campaign, as people do it in the browser."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests import make
from tests.browser.conftest import Server, Visit
from tests.browser.seed import CRM

NAME = "Privileged access of the CRM"
LONG_MS = 90_000


def test_a_campaign_goes_from_the_officer_over_reviewers_to_its_end(
    server: Server, worker: None, visit: Visit, tmp_path: Path
) -> None:
    slug = server.cast.bpo.slug
    officer = visit("carla").go(f"/t/{slug}/campaigns/new/")
    plan(officer)
    decide_and_sign(visit("remy").go(f"/t/{slug}/inbox/"), "Bob Lim", "Keep", "Leads the night shift of Acme claims.")
    decide_and_sign(visit("rosa").go(f"/t/{slug}/inbox/"), "Eli Brandt", "Revoke", "Moved to billing in October.")
    deliver_without_the_revoked(officer, f"{server.url}/t/{slug}", tmp_path)
    close(officer, f"{server.url}/t/{slug}")


def plan(page: Page) -> None:
    """Plan a campaign on one page and open it; the opening is done by the worker."""
    page.get_by_label("Name of the campaign").fill(NAME)
    page.get_by_label("Claims CRM").check()
    page.get_by_label("Privileged access only").check()
    page.get_by_label("Fallback reviewer").select_option(label="Rosa Delgado")
    expect(page.locator("#counts")).to_contain_text("2")
    page.get_by_role("button", name="Make this campaign").click()
    page.get_by_role("button", name="Open campaign").click()
    expect(page.locator("main")).to_contain_text("Done", timeout=LONG_MS)


def decide_and_sign(page: Page, subject: str, button: str, reason: str) -> None:
    """Decide the one item of the campaign, read the statement and sign it with the password."""
    page.get_by_role("row", name=NAME).get_by_role("link", name="Review 1 grant").click()
    expect(page.locator("#sheet")).to_contain_text(subject)
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("link", name="Read and sign").click()
    expect(page.locator("main table")).to_contain_text(reason)
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign 1 decision").click()
    expect(page.get_by_role("heading", name="Signature")).to_be_visible()


def deliver_without_the_revoked(page: Page, home: str, folder: Path) -> None:
    """Deliver the system's new list, which no longer holds what was revoked."""
    rows = [line for line in CRM.splitlines(keepends=True) if b"admin_export" not in line]
    file = folder / "crm.csv"
    file.write_bytes(b"".join(rows))
    page.goto(f"{home}/register/systems/crm/upload/")
    page.locator("input[type=file]").set_input_files(file)
    page.locator("[name=source_total]").fill(str(len(rows) - 1))
    page.locator("[name=delivered_by]").fill("Ines Vidal, CRM team")
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.locator("main")).to_contain_text("Complete")


def close(page: Page, home: str) -> None:
    """Verify the revocation against the new list, and close."""
    page.goto(f"{home}/campaigns/")
    page.get_by_role("link", name=NAME).first.click()
    page.get_by_role("button", name="Verify revocations").click()
    page.get_by_role("button", name="Close campaign").click()
    page.get_by_role("dialog").get_by_role("button", name="Close campaign").click()
    expect(page.locator("main")).to_contain_text("Closed")
