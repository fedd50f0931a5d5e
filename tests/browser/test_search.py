"""The search page and the timelines in a browser: the query, its chips, plus and minus, zooming; and their looks."""

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit


def test_an_analyst_searches_narrows_and_zooms(visit: Visit, server: Server) -> None:
    strict, slug = visit("ana"), server.cast.bpo.slug
    page = strict.go(f"/t/{slug}/search/")
    page.locator("#id_q").fill("user:bob* outcome:denied")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("link", name="Outcome: denied")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(12)
    strict.check_state("search")
    page.get_by_text("How to write a query").click()
    page.get_by_text("Add a filter to the query").click()
    strict.check_state("search-opened")
    page.get_by_text("Save this search as a view").click()
    page.get_by_label("Name of the view").fill("Bob's refusals")
    page.get_by_role("button", name="Save the view").click()
    expect(page.get_by_role("link", name="Bob's refusals")).to_be_visible()
    page.get_by_text("Remove a view").click()
    page.get_by_text("Save this search as a view").click()
    strict.check_state("search-views")
    page.get_by_role("link", name="Without outcome:denied").first.click()
    expect(page.get_by_role("link", name="Not outcome: denied")).to_be_visible()
    page.locator("td[data-label=From] a.mono").first.click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Search")
    strict.check_state("timeline-of-an-address")
    page.get_by_text("Show one day").click()
    page.locator("details .chip").last.click()
    expect(page.get_by_role("heading", name="hour by hour")).to_be_visible()
    strict.check_state("timeline-of-a-day")
    page.locator("details .chip").last.click()
    expect(page.locator("details .chip[aria-current=true]")).to_have_count(1)


def test_a_wrong_query_is_told(visit: Visit, server: Server) -> None:
    strict = visit("ana")
    page = strict.go(f"/t/{server.cast.bpo.slug}/search/?q=usr:bob")
    expect(page.get_by_text("At character 1 stands “usr:”")).to_be_visible()
    strict.check_state("search-wrong")


def test_the_exports_are_listed(visit: Visit, server: Server) -> None:
    strict, base = visit("carla"), f"/t/{server.cast.bpo.slug}/search/"
    page = strict.go(base)
    with page.expect_download() as taken:
        page.get_by_role("link", name="Export as CSV").click()
    assert taken.value.suggested_filename.endswith(".csv")
    taken.value.path()
    strict.go(f"{base}exports/")
    expect(page.get_by_role("link", name="Manifest of CSV")).to_have_count(1)
    strict.check_state("exports")
