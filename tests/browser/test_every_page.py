"""Every page of each role: no complaint, no overflow, no barrier, in light and dark, at 1280, 390 and 320 pixels."""

from contextlib import suppress

import pytest
from django.urls import NoReverseMatch, reverse

from portal.navigation import SECTIONS
from tenants.kinds import ROLE_PERMISSIONS
from tests.browser.conftest import Server, Visit
from tests.browser.seed import ROLES


def pages_of(name: str, server: Server) -> dict[str, str]:
    """Return the pages that the sidebar shows the person, by name."""
    held, slug = ROLE_PERMISSIONS[ROLES[name]], server.cast.home(name).slug
    shown = (page.name for _title, pages in SECTIONS for page in pages if page.permission in held)
    found = {}
    for page in shown:
        with suppress(NoReverseMatch):
            found[page] = reverse(page, args=[slug])
    return found


@pytest.mark.parametrize("name", ROLES)
def test_every_page_of_a_role_is_fit_to_be_shown(name: str, server: Server, visit: Visit) -> None:
    strict = visit(name)
    for page, path in pages_of(name, server).items():
        strict.go(path)
        strict.check_looks(f"{name}-{page.replace(':', '-')}")


def test_the_pages_before_the_log_in_are_fit_to_be_shown(visit: Visit) -> None:
    strict = visit()
    for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/logout/"):
        strict.go(path)
        strict.check_looks("entrance" + path.replace("/", "-").rstrip("-"))


def test_a_persons_own_pages_are_fit_to_be_shown(visit: Visit) -> None:
    strict = visit("carla")
    for path in ("/", "/preferences/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"):
        strict.go(path)
        strict.check_looks("own" + path.replace("/", "-").rstrip("-"))


def test_refusals_are_pages_too(visit: Visit, server: Server) -> None:
    strict = visit("remy")
    strict.allowed = {403, 404}
    slug = server.cast.bpo.slug
    for path in (f"/t/{slug}/audit/", "/t/nowhere/", "/nowhere/"):
        strict.go(path)
        strict.check_looks("refused" + path.replace("/", "-").rstrip("-"))
