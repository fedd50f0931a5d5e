"""The frame around every page: log-in, homes, themes, keyboard, menus and dialogs, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests import make
from tests.browser.conftest import Server, Visit
from tests.factors import code_of

HOMES = {"carla": "/overview/", "olga": "/overview/", "axel": "/room/", "cleo": "/client/"}


@pytest.mark.parametrize("name", HOMES)
def test_a_log_in_leads_to_the_home_of_the_role(name: str, server: Server, visit: Visit) -> None:
    page = visit().go("/accounts/login/")
    page.get_by_label("Email").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    if name == "axel":
        page.locator("input[name=code]").fill(code_of(make.TOTP_SECRET))
        page.get_by_role("button", name="Log in with the code").click()
    if name == "carla":
        page.get_by_role("link", name="Northwind Services").click()
    page.wait_for_url(f"**/t/{server.cast.home(name).slug}{HOMES[name]}")


def test_a_wrong_password_is_refused_with_a_summary_that_has_the_focus(visit: Visit) -> None:
    page = visit().go("/accounts/login/")
    page.get_by_label("Email").fill("carla@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("There is something to correct")


def test_the_first_key_leads_past_the_sidebar(server: Server, visit: Visit) -> None:
    page = visit("carla").go(f"/t/{server.cast.bpo.slug}/overview/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_chosen_theme_is_written_by_the_server(visit: Visit) -> None:
    page = visit("ana").go("/preferences/")
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Keep these preferences").click()
    expect(page.get_by_role("status")).to_contain_text("Your preferences are kept.")
    assert 'data-bs-theme="dark"' in page.request.get(page.url).text()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_automatic_theme_follows_the_device(scheme: str, visit: Visit) -> None:
    page = visit("olga", color_scheme=scheme).go("/preferences/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)


def test_a_dialog_asks_before_a_role_ends_and_can_be_left(server: Server, visit: Visit) -> None:
    page = visit("carla").go(f"/t/{server.cast.bpo.slug}/people-and-roles/")
    row = page.get_by_role("row", name="Ana")
    row.get_by_role("button", name="End the role").click()
    dialog = page.get_by_role("dialog", name="End the role of Ana now?")
    expect(dialog).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert dialog.evaluate("one => one.scrollWidth <= one.clientWidth"), "what it says is read whole on a phone"
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("Holds")


def test_on_a_phone_the_menu_unfolds_and_escape_closes_what_is_open(server: Server, visit: Visit) -> None:
    page = visit("carla", viewport={"width": 390, "height": 800}).go(f"/t/{server.cast.bpo.slug}/overview/")
    expect(page.get_by_role("link", name="Audit trail")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Audit trail")).to_be_visible()
    page.locator(".side-tenant summary").click()
    expect(page.get_by_role("link", name="Acme Insurance")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Acme Insurance")).to_be_hidden()


def test_a_token_is_shown_once(server: Server, visit: Visit) -> None:
    page = visit("carla").go(f"/t/{server.cast.bpo.slug}/tokens/")
    page.get_by_label("What it is for").fill("Export for the data lake")
    page.get_by_label("Read the audit trail").check()
    page.get_by_role("button", name="Issue the token").click()
    shown = page.locator(".alert-success .hash").inner_text()
    assert shown.startswith("csn_api_")
    page.goto(page.url)
    assert shown not in page.content()
    expect(page.get_by_role("row", name="Export for the data lake")).to_contain_text("Opens")


def test_a_passkey_can_be_added_and_opens_the_door(visit: Visit) -> None:
    strict = visit("remy")
    page = strict.go("/accounts/2fa/")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    traits = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**traits, "isUserVerified": True, "automaticPresenceSimulation": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Continue with the password").click()
    page.get_by_label("Log in with it alone").check()
    page.get_by_role("button", name="Add this passkey").click()
    page.wait_for_url(lambda url: not url.endswith("/add/"))
    page.context.clear_cookies()
    strict.go("/accounts/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url(strict.url + "/")
    expect(page.get_by_role("heading", name="Where do you want to work?")).to_be_visible()
