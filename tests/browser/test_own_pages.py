"""The pages around a log-in, a person's own pages and refusals: fit to be shown in light and dark, wide and narrow."""

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


def test_refusals_are_pages_too(visit: Visit, server: Server) -> None:
    strict = visit("remy")
    strict.allowed = {403, 404}
    slug = server.cast.bpo.slug
    for path in (f"/t/{slug}/audit/", "/t/nowhere/", "/nowhere/"):
        strict.go(path)
        strict.check_looks("refused" + path.replace("/", "-").rstrip("-"))
