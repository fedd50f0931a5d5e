"""Reviews by keys alone and by touch on a phone, over pages of the list: no page is loaded, and both are signed."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from reviews.models import Decision, SignOff
from tenants.scope import tenant_scope
from tests.browser.conftest import GivePasskey, Server, Visit
from tests.browser.strict import StrictPage
from tests.browser.test_review_screen import LOADS, review_of

PRIVILEGED, LONG, SHORT = 5, 200, 6


def grants(count: int, privileged: int) -> bytes:
    """Return a list of grants of service accounts, the first of them privileged."""
    header = "account,entitlement,person,kind"
    kinds = ["payroll_admin"] * privileged + ["payroll_read"] * (count - privileged)
    return "\n".join([header, *(f"svc-{n:03},{kind},,service" for n, kind in enumerate(kinds)), ""]).encode()


def begin(strict: StrictPage, path: str, passkey: GivePasskey) -> tuple[Page, float]:
    """Open the review, with a passkey on the device; returns the page and when it was loaded."""
    page = strict.go(path)
    passkey(strict, "remy")
    return page, page.evaluate(LOADS)


def signed(server: Server, blocker: DjangoDbBlocker) -> tuple[int, str, int]:
    """Return what the database holds of the newest signature: count, level, and the single decisions under it."""
    with blocker.unblock(), tenant_scope(server.cast.bpo):
        signature = SignOff.objects.order_by("-id")[0]
        single = Decision.objects.filter(campaign=signature.campaign, bulk=None, outcome="certify").count()
        return signature.count, signature.level, single


def test_a_reviewer_decides_200_items_by_keys_alone_and_signs(
    server: Server, visit: Visit, passkey: GivePasskey, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        path = review_of(server, grants(LONG, PRIVILEGED))
    strict = visit("remy")
    page, loaded = begin(strict, path, passkey)
    reach(page, "[data-row]")
    for left in range(LONG - 1, -1, -1):
        keep_by_keys(page, with_reason=left >= LONG - PRIVILEGED)
        page.locator("#said", has_text=f"Saved: Keep. {left} left.").wait_for(state="attached")
        page.locator("[data-row][aria-current]:focus").wait_for()
    assert page.evaluate(LOADS) == loaded
    strict.check_looks("by-keys")
    reach(page, ".tally a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Sign {LONG} decisions with a passkey")).to_be_visible()
    reach(page, "#sign_by_passkey")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Signature")
    assert signed(server, django_db_blocker) == (LONG, "passkey", LONG)


def reach(page: Page, wanted: str) -> None:
    """Press Tab until the focus stands on what is wanted, from the top of the page."""
    page.evaluate("document.activeElement.blur(); document.getSelection().removeAllRanges()")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    pytest.fail(f"Tab does not reach {wanted}.")


def keep_by_keys(page: Page, *, with_reason: bool) -> None:
    """Keep the item that has the focus; privileged access asks for a reason, to which R leads."""
    page.keyboard.press("r" if with_reason else "a")
    if with_reason:
        page.keyboard.insert_text("Pays wages every month.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")


def test_a_reviewer_decides_by_touch_on_a_phone_and_signs(
    server: Server, visit: Visit, passkey: GivePasskey, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        path = review_of(server, grants(LONG, 1))
    strict = visit("remy", viewport={"width": 390, "height": 800}, color_scheme="dark", has_touch=True, is_mobile=True)
    page, loaded = begin(strict, path, passkey)
    page.locator("#reason").tap()
    page.keyboard.insert_text("Pays wages every month.")
    for left in range(LONG - 1, -1, -1):
        page.locator("#sheet button[value=certify]").tap()
        page.locator("#said", has_text=f"Saved: Keep. {left} left.").wait_for(state="attached")
    assert page.evaluate(LOADS) == loaded
    page.get_by_role("link", name="Read and sign").tap()
    button = page.get_by_role("button", name=f"Sign {LONG} decisions with a passkey")
    expect(button).to_be_visible()
    button.tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signature")
    assert signed(server, django_db_blocker) == (LONG, "passkey", LONG)


def test_a_key_that_is_held_down_decides_nothing_more(
    server: Server, visit: Visit, passkey: GivePasskey, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        path = review_of(server, grants(SHORT, 0))
    page, _loaded = begin(visit("remy"), path, passkey)
    page.locator("[data-row]").first.focus()
    page.keyboard.down("a")
    page.locator("#said", has_text=f"{SHORT - 1} left.").wait_for(state="attached")
    page.keyboard.down("a")
    page.keyboard.down("a")
    page.keyboard.press("j")
    expect(page.locator("[data-row]").nth(2)).to_be_focused()
    expect(page.locator("#said")).to_have_text(f"Saved: Keep. {SHORT - 1} left.")
