"""The mapping editor and the page on which old records are read again, in a browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit


@pytest.mark.usefixtures("worker")
def test_a_mapping_is_tried_saved_and_old_records_are_read_again(visit: Visit, server: Server) -> None:
    strict, slug = visit("carla"), server.cast.bpo.slug
    page = strict.go(f"/t/{slug}/sources/")
    page.get_by_role("link", name="Desk tool").click()
    page.get_by_role("link", name="see or change it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mapping")
    page.get_by_role("button", name="Take those in quarantine").click()
    expect(page.get_by_text("The record names no actor.")).to_be_visible()
    page.get_by_label("till").select_option("")
    page.get_by_label("user").select_option("actor_name")
    page.get_by_label("result").select_option("outcome")
    page.get_by_label("Values of the column for the outcome").fill("no = policy_denied")
    page.get_by_role("button", name="Show what the records become").click()
    expect(page.get_by_role("cell", name="user9")).to_be_visible()
    strict.check_state("mapping")
    page.get_by_label("Why it changes").fill("The user acts, not the till.")
    page.get_by_role("button", name="Save the mapping").click()
    expect(page.get_by_text("Version 2 holds for records that arrive from now on.")).to_be_visible()
    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Take up again").click()
    strict.check_state("mapping-versions")
    page.get_by_role("link", name="Read old records again").click()
    page.get_by_role("button", name="Show what would differ").click()
    expect(page.get_by_text("4 records in 1 delivery, by json/1 mapping 1")).to_be_visible()
    strict.check_state("read-again")
    page.get_by_role("button", name="Read 4 records again").click()
    expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    strict.check_state("read-again-waits")
    expect(page.get_by_role("heading", name="Deliveries that were read again")).to_be_visible(timeout=60_000)
    strict.check_state("read-again-done")
