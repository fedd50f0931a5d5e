"""Signs packs off in the browser, where one officer is enough."""

from playwright.sync_api import expect

from tests.browser.strict import StrictPage


def let_one_sign(strict: StrictPage, home: str) -> None:
    """Settle that one person signs packs off, with a reason."""
    page = strict.page
    page.goto(f"{home}/controls/settings/")
    page.get_by_label("What to settle").select_option(label="One person is enough to sign packs off")
    page.get_by_label("Out of scope").check()
    page.get_by_label("Reason").fill("The firm has one compliance officer.")
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.locator("main")).to_contain_text("The firm has one compliance officer.")


def sign_when_built(strict: StrictPage, patience: int) -> None:
    """Wait on the pack's page until it is a draft, sign it with a passkey, and wait until it is issued."""
    page = strict.page
    page.get_by_role("link", name="Read and sign").click(timeout=patience)
    strict.check_state("job-pack-sign")
    page.reload()  # axe leaves empty style attributes behind
    page.get_by_role("button", name="Sign as Preparer with a passkey").click()
    expect(page.get_by_role("link", name="Download the pack")).to_be_visible(timeout=patience)
