"""The pages around a log-in, a person's own pages and refusals: fit to be shown in light and dark, wide and narrow."""

import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import expect

from tests import make
from tests.browser.conftest import Server, Visit


def test_the_pages_before_the_log_in_are_fit_to_be_shown(visit: Visit) -> None:
    strict = visit()
    for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/logout/"):
        strict.go(path)
        strict.check_looks("entrance" + path.replace("/", "-").rstrip("-"))


def test_a_persons_own_pages_are_fit_to_be_shown(visit: Visit) -> None:
    strict = visit("carla")
    for path in (
        "/",
        "/preferences/",
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/sessions/",
    ):
        strict.go(path)
        strict.check_looks("own" + path.replace("/", "-").rstrip("-"))


def test_the_pages_of_a_second_proof_are_fit_to_be_shown(visit: Visit) -> None:
    strict = visit("ana")
    page = strict.go("/accounts/2fa/totp/activate/")
    strict.check_looks("second-proof-again")
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Continue with the password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up an authenticator app")
    strict.check_looks("second-proof-app")
    page.locator("#id_code").fill(code_now(page.get_by_label("Secret").input_value()))
    page.get_by_role("button", name="Switch the app on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    strict.check_looks("second-proof-codes")
    for path in ("recovery-codes/generate/", "totp/deactivate/", "webauthn/add/", "webauthn/"):
        strict.go(f"/accounts/2fa/{path}")
        strict.check_looks("second-proof-" + path.replace("/", "-").rstrip("-"))
    strict.go("/accounts/2fa/totp/deactivate/")
    page.get_by_role("button", name="Switch the app off").click()
    expect(page.get_by_role("status")).to_contain_text("Your authenticator app is switched off.")


def code_now(secret: str) -> str:
    """Return the six digits that an authenticator app shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_refusals_are_pages_too(visit: Visit, server: Server) -> None:
    strict = visit("remy")
    strict.allowed = {403, 404}
    slug = server.cast.bpo.slug
    for path in (f"/t/{slug}/audit/", "/t/nowhere/", "/nowhere/"):
        strict.go(path)
        strict.check_looks("refused" + path.replace("/", "-").rstrip("-"))
