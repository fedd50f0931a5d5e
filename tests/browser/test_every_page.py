"""Every page of each role: no complaint, no overflow, no barrier, in light and dark, at 1280, 390 and 320 pixels."""

from urllib.parse import urlsplit

import pytest
from django.urls import resolve, reverse

from portal.navigation import SECTIONS
from tenants.kinds import ROLE_PERMISSIONS
from tests.browser.conftest import Server, Visit
from tests.browser.seed import ROLES
from tests.browser.strict import StrictPage

LINKS = "[...document.querySelectorAll('main a[href^=\"/t/\"]:not([download])')].map(a => a.getAttribute('href'))"

FILES = ("download", "export", "/raw/", ".csv", ".pdf", ".zip", ".py")
JUDGED: set[str] = set()


def pages_of(name: str, server: Server) -> list[str]:
    """Return the addresses that the sidebar shows the person."""
    held, slug = ROLE_PERMISSIONS[ROLES[name]], server.cast.home(name).slug
    shown = (page for _title, pages in SECTIONS for page in pages if page.permission in held)
    return [reverse(page.name, args=[slug]) for page in shown]


def view_of(path: str) -> str:
    """Return the name of the page behind an address."""
    return resolve(urlsplit(path).path).view_name


def is_page(path: str) -> bool:
    """Whether an address is a page rather than a file to take away."""
    return not any(word in urlsplit(path).path for word in FILES)


def walk(strict: StrictPage, name: str, start: list[str]) -> None:
    """Visit the pages and one page of each further kind that they link to."""
    waiting, seen = list(start), {view_of(path) for path in start}
    while waiting:
        path = waiting.pop(0)
        strict.go(path)
        shot = f"{name}-{view_of(path).replace(':', '-')}"
        if view_of(path) in JUDGED:
            strict.check_fit(shot)  # the same page with another sidebar: only what can differ is looked at again
        else:
            strict.check_looks(shot, whole=path == start[0])
            JUDGED.add(view_of(path))
        for link in strict.page.evaluate(LINKS):
            if is_page(link) and view_of(link) not in seen:
                seen.add(view_of(link))
                waiting.append(link)


@pytest.mark.parametrize("name", sorted(ROLES, key=["carla", "remy", "cleo", "axel", "olga", "ana"].index))
def test_every_page_of_a_role_is_fit_to_be_shown(name: str, server: Server, visit: Visit) -> None:
    walk(visit(name), name, pages_of(name, server))


def test_the_pages_before_the_log_in_are_fit_to_be_shown(visit: Visit) -> None:
    strict = visit()
    for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/logout/"):
        strict.go(path)
        strict.check_looks("entrance" + path.replace("/", "-").rstrip("-"), whole=True)


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
