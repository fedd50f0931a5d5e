"""The demonstration: seeded once through the product's own doors, never twice; every page of it for each of its people.

No page complains, overflows or is a barrier, in all four forms.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.test import override_settings
from django.urls import resolve
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker
from pytest_socket import enable_socket

from evidence.models import EvidencePack
from evidence.states import PackState
from ledger.queries import head
from logs.models import AccessEvent, LogSource
from portal.demo.cast import Part
from portal.demo.seed import CAST, HOME, Seed
from reviews.models import Campaign, LogReview
from reviews.states import CampaignState
from tenants.kinds import Role
from tenants.queries import actor_for, tenant_by_slug
from tenants.scope import tenant_scope
from tenants.sharing import visible
from tenants.work import Printed
from tests.browser.conftest import visiting
from tests.browser.serving import seeded_database, serving
from tests.browser.strict import StrictPage
from tests.browser.test_own_pages import code_now

LINKS = "[...document.querySelectorAll('{} a[href^=\"/t/\"]:not([download])')].map(a => a.getAttribute('href'))"
FILES = ("download", "export", "/raw/", ".csv", ".pdf", ".zip", ".py")
HASHERS = [f"{__name__}.QuickHasher"]

AGENTS, DAYS, WORKFORCE = 16, 30, 40
DEPUTY = "dario@harbour.example"
PEOPLE = [part for part in CAST if (part.tenant == HOME or part.role == Role.CLIENT) and part.email != DEPUTY]
"""One for each kind of user; the officer at the clients sees the same kinds of pages."""

JUDGED: set[str] = set()


class QuickHasher(PBKDF2PasswordHasher):
    """What the served portal knows, and renews with all its rounds at a log-in."""

    iterations = 1


@dataclass(frozen=True)
class Demo:
    """The served demonstration: its address, its log, its files, and the password of each of its people."""

    url: str
    log: Path
    home: Path
    passwords: dict[str, str]


@pytest.fixture(scope="module")
def demo(
    chromium: Browser,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Demo]:
    """Seed the demonstration through its real doors, smaller than `make run` does, and serve it (as `server`)."""
    enable_socket()
    home = tmp_path_factory.mktemp("demo")
    seed = Seed(home, Printed(io.StringIO()), agents=AGENTS, days=DAYS, workforce=WORKFORCE, frameworks=("gdpr",))
    with django_db_blocker.unblock(), seeded_database() as name:
        with override_settings(PASSWORD_HASHERS=HASHERS):
            seed.run()
        with serving(name, home) as (url, log):
            yield Demo(url, log, home, seed.sign_ins.passwords)


def test_it_seeds_a_bpo_with_two_clients_once(demo: Demo) -> None:
    home, acme = tenant_by_slug("harbour"), tenant_by_slug("acme")
    assert home is not None
    assert acme is not None
    with tenant_scope(home):
        states = set(Campaign.objects.values_list("state", flat=True))
        assert states == {CampaignState.CLOSED, CampaignState.OPEN}
        assert sorted(LogReview.objects.values_list("state", flat=True)) == ["closed", "open"]
        assert head(home.uuid).size > 1_000
        assert list(EvidencePack.objects.values_list("state", flat=True)) == [PackState.ISSUED]
    with tenant_scope(acme):
        cleo = next(member.user for member in acme.memberships.filter(role="client"))
        actor = actor_for(cleo, acme)
        assert actor is not None
        assert visible(actor, EvidencePack.objects.all()).count() == 1
        fed = LogSource.objects.get(fed_by=home)
        people = set(AccessEvent.objects.filter(source=fed).values_list("actor_name", flat=True))
        assert people == {f"sup{number}@acme.example" for number in range(1, 5)}


def test_it_is_not_seeded_again(demo: Demo) -> None:
    again = io.StringIO()
    with override_settings(COUNTERSIGN_DATA=demo.home):
        call_command("demo", stdout=again)
    assert "nothing was seeded again" in again.getvalue()
    assert "rosa@harbour.example" in again.getvalue()


def sign_in(strict: StrictPage, part: Part, password: str) -> None:
    """Log in as the demonstration prints it, and go to the tenant in which the person has the role."""
    page = strict.go("/accounts/login/")
    page.get_by_label("Email").fill(part.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    strict.go(f"/t/{part.tenant}/")


def make_second_factor(strict: StrictPage, password: str) -> None:
    """Do as the auditor is told at the first entry: set up an authenticator app."""
    page = strict.page
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Continue with the password").click()
    page.locator("#id_code").fill(code_now(page.get_by_label("Secret").input_value()))
    page.get_by_role("button", name="Switch the app on").click()
    page.get_by_role("link", name="Go on to your work").click()


def state_purpose(strict: StrictPage, part: Part) -> None:
    """Say what one looks at logs for, as the first look of the day asks, and go on to where one was."""
    page = strict.go(f"/t/{part.tenant}/purpose/?next=/t/{part.tenant}/")
    page.get_by_label("Access review").check()
    page.get_by_label("Reference").fill("CHG-4711")
    strict.check_state(f"{part.email.partition('@')[0]}-{part.tenant}-purpose")
    page.get_by_role("button", name="State the purpose and go on").click()
    page.wait_for_url(lambda url: "/purpose/" not in url)


def view_of(path: str) -> str:
    """Return the name of the page behind an address."""
    return resolve(urlsplit(path).path).view_name


def is_page(path: str) -> bool:
    """Whether an address is a page rather than a file to take away."""
    return not any(word in urlsplit(path).path for word in FILES)


def walk(strict: StrictPage, name: str) -> set[str]:
    """Visit the pages of the sidebar and one page of each further kind that they link to; return the kinds seen."""
    waiting = list(dict.fromkeys([strict.page.url, *strict.page.evaluate(LINKS.format("aside"))]))
    seen = {view_of(path) for path in waiting}
    first = True
    while waiting:
        path = waiting.pop(0)
        strict.go(path)
        shot = f"{name}-{view_of(path).replace(':', '-')}"
        if first or view_of(path) not in JUDGED:
            strict.check_looks(shot, frame=first)
            JUDGED.add(view_of(path))
        else:
            strict.check_fit(shot)  # the same page with another sidebar: only what can differ is looked at again
        first = False
        for link in strict.page.evaluate(LINKS.format("main")):
            if is_page(link) and view_of(link) not in seen:
                seen.add(view_of(link))
                waiting.append(link)
    return seen


@pytest.mark.parametrize("part", PEOPLE, ids=lambda part: f"{part.email.partition('@')[0]}-{part.tenant}")
def test_every_page_of_the_demonstration_is_fit_to_be_shown(part: Part, demo: Demo, chromium: Browser) -> None:
    with visiting(chromium, demo.url, demo.log) as visit:
        strict = visit()
        strict.allowed = {403} if part.role == Role.AUDITOR else set()  # led to a second factor, at first
        sign_in(strict, part, demo.passwords[part.email])
        if part.role == Role.AUDITOR:
            make_second_factor(strict, demo.passwords[part.email])
        elif part.role not in {Role.REVIEWER, Role.OPERATOR}:
            state_purpose(strict, part)
        seen = walk(strict, f"{part.email.partition('@')[0]}-{part.tenant}")
        assert len(seen) >= LEAST[part.role], sorted(seen)


LEAST = {
    Role.OPERATOR: 8,
    Role.OFFICER: 20,
    Role.ANALYST: 6,
    Role.REVIEWER: 3,
    Role.AUDITOR: 3,
    Role.CLIENT: 5,
}
"""Kinds of pages that each role reaches at the least: a walk that found nothing would prove nothing."""
