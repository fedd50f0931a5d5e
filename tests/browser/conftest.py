"""A running portal on a seeded database, and a Chromium that forgives nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.controller import Controller
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker
from pytest_socket import enable_socket

from tenants.models import User
from tests.browser import seed
from tests.browser.device import give_passkey
from tests.browser.serving import seeded_database, serving, working
from tests.browser.strict import StrictPage, told
from tests.chromium import CHROMIUM
from tests.mailing import Sink, free_port

PATIENCE_MS: Final = 15_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as a browser test, and skip it where there is no Chromium."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="There is no Chromium: install it, or name it in CHROMIUM."))


@dataclass(frozen=True)
class Server:
    """A running portal: its address and the people in it."""

    url: str
    cast: seed.Cast
    log: Path
    database: str


@pytest.fixture(scope="package")
def server(
    chromium: Browser,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """Copy the migrated database, seed it through the product's own actions, and serve it.

    The browser comes first: Django keeps other connections while Playwright's loop runs, and both would stay open.
    """
    enable_socket()
    with django_db_blocker.unblock(), seeded_database() as name:
        cast = seed.everything()
        with serving(name, tmp_path_factory.mktemp("web")) as (url, log):
            yield Server(url, cast, log, name)


@pytest.fixture(scope="package")
def mailbox() -> Iterator[tuple[Sink, int]]:
    """A real mail server, with its port, to which the worker sends."""
    enable_socket()
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield sink, controller.port
    controller.stop()


@pytest.fixture(scope="package")
def worker(server: Server, mailbox: tuple[Sink, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the job queue's worker beside the server."""
    port = int(server.url.rpartition(":")[2])
    with working(server.database, tmp_path_factory.mktemp("work"), port, mailbox[1]):
        yield


Visit = Callable[..., StrictPage]
GivePasskey = Callable[[StrictPage, str], None]


@pytest.fixture
def visit(server: Server, chromium: Browser, django_db_blocker: DjangoDbBlocker) -> Iterator[Visit]:
    """Open pages as a person of the cast (or nobody); every fault of any page fails the test at its end."""

    def session(name: str) -> str:
        with django_db_blocker.unblock():
            return _session(server, name)

    with visiting(chromium, server.url, server.log) as opened:

        def begin(name: str = "", **options: Any) -> StrictPage:
            strict = opened(**options)
            if name:
                cookie = {"name": "sessionid", "value": session(name), "url": server.url}
                strict.page.context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is a cookie
            return strict

        yield begin


@pytest.fixture
def passkey(server: Server, django_db_blocker: DjangoDbBlocker) -> Iterator[GivePasskey]:
    """Give a person of the cast a passkey on the device of an open page; it is taken away after the test."""
    given: list[User] = []

    def give(strict: StrictPage, name: str) -> None:
        given.append(server.cast.people[name])
        with django_db_blocker.unblock():
            give_passkey(strict.page, given[-1])

    yield give
    with django_db_blocker.unblock():
        Authenticator.objects.filter(user__in=given).delete()


@contextmanager
def visiting(chromium: Browser, url: str, log: Path) -> Iterator[Visit]:
    """Give what opens strict pages of a portal; any fault of any of them fails the test at the end."""
    enable_socket()
    opened: list[StrictPage] = []

    def begin(**options: Any) -> StrictPage:
        told_options = {"viewport": {"width": 1280, "height": 800}, **options}
        context = chromium.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce", **told_options)
        context.set_default_timeout(PATIENCE_MS)
        opened.append(StrictPage(context, url))
        return opened[-1]

    yield begin
    faults = [fault for strict in opened for fault in strict.faults]
    for strict in opened:
        strict.page.context.close()
    if any("answered 5" in fault for fault in faults):
        faults.append(log.read_text(encoding="utf-8")[-3000:])
    assert not faults, told(faults)


def _session(server: Server, name: str) -> str:
    client = Client()
    client.force_login(server.cast.people[name], backend=settings.AUTHENTICATION_BACKENDS[0])
    connections.close_all()  # Playwright's loop has a context, and so connections, of its own
    return client.cookies[settings.SESSION_COOKIE_NAME].value
