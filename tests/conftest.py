"""The cast and the real PostgreSQL that every test plays on.

Two clients of one BPO and a BPO of strangers; named people with one role each. The database is migrated by the owner,
and every test logs in as the app role, so that grants and row security are tested too.
"""

import gc
import shutil
from collections.abc import Iterator
from typing import Final

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker, Settings
from pytest_socket import disable_socket, enable_socket
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tenants.kinds import Actor, Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import database, make
from tests.chromium import started
from tests.mailing import Sink, free_port
from tests.openid.running import Running, running_provider

hypothesis.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("unhurried")
"""Timed limits live in bench/: a busy machine makes no test fail. What CI adds to the profile stays."""

TOGETHER: Final = {
    "tests/browser/": "browser",
    "tests/browser/test_the_demonstration.py": "demonstration",
    "tests/flows/test_kill": "running",
    "tests/flows/test_run.py": "running",
    "tests/logs/test_live_collectors.py": "collectors",
}
"""What shares a server or a seeded database that is dear to make: one worker runs all of it."""


class Together(LoadScopeScheduling):
    """Spreads the tests over the workers one by one, but for those that belong together.

    xdist's own ``loadgroup`` writes into a field of the items that pytest 9.2 no longer has, and groups nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        """Return the name of the part that the test goes with."""
        return TOGETHER.get(max(filter(nodeid.startswith, TOGETHER), key=len, default=""), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Return how tests are given to the workers."""
    return Together(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove the packs of the run before: a test's database forgets them when it ends, their folder does not."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(settings.COUNTERSIGN_DATA / "packs", ignore_errors=True)


def pytest_collection_finish() -> None:
    """Leave what is there before the first test out of every later search for garbage: a twentieth of the time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup() -> None:
    """Refuse connections to the outside: only unix sockets and this machine."""
    disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Copy the migrated template for this worker, then log in as the app role."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    name = f"test_countersign_{worker}" if worker else "test_countersign"
    with django_db_blocker.unblock():
        database.start_server()
        template = database.ensure_template()
        database.drop_as_administrator(name)
        database.copy(template, name)
        database.use_role("app", name)
    yield
    with django_db_blocker.unblock():
        for alias in database.ALIASES:
            connections[alias].close()
        database.drop_as_administrator(name)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with started() as browser:
        yield browser


@pytest.fixture
def fresh_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[database.FreshDatabase]:
    """A committed database of the test's own."""
    with django_db_blocker.unblock(), database.fresh_copy() as fresh:
        yield fresh


@pytest.fixture
def bpo(db: None) -> Tenant:
    """The BPO."""
    return make.tenant("northwind", "Northwind Services")


@pytest.fixture
def acme(bpo: Tenant) -> Tenant:
    """A client of the BPO."""
    return make.tenant("acme", "Acme Insurance", parent=bpo, time_zone="America/New_York")


@pytest.fixture
def zenith(bpo: Tenant) -> Tenant:
    """Another client of the same BPO."""
    return make.tenant("zenith", "Zenith Health", parent=bpo, time_zone="America/Los_Angeles")


@pytest.fixture
def strangers(db: None) -> Tenant:
    """A BPO that has nothing to do with ours."""
    return make.tenant("harbour", "Harbour Outsourcing")


def _person(name: str, role: Role) -> object:
    @pytest.fixture(name=name)
    def person(bpo: Tenant) -> User:
        someone = make.user(name)
        make.member(someone, bpo, role, days=30 if role == Role.AUDITOR else None)
        return someone

    return person


olga = _person("olga", Role.OPERATOR)
carla = _person("carla", Role.OFFICER)
ana = _person("ana", Role.ANALYST)
remy = _person("remy", Role.REVIEWER)
rosa = _person("rosa", Role.REVIEWER)
axel = _person("axel", Role.AUDITOR)


@pytest.fixture
def cleo(acme: Tenant) -> User:
    """A person of the client Acme."""
    someone = make.user("cleo")
    make.member(someone, acme, Role.CLIENT)
    return someone


@pytest.fixture
def stella(strangers: Tenant) -> User:
    """A compliance officer of the strangers."""
    someone = make.user("stella")
    make.member(someone, strangers, Role.OFFICER)
    return someone


@pytest.fixture
def system(bpo: Tenant) -> Actor:
    """The portal itself, in the BPO."""
    return Actor.system("tests", bpo.pk)


@pytest.fixture
def in_bpo(bpo: Tenant) -> Iterator[Tenant]:
    """The open scope of the BPO."""
    with tenant_scope(bpo):
        yield bpo


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A real mail server, to which the portal sends."""
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield handler
    controller.stop()


@pytest.fixture(scope="session")
def openid_process() -> Iterator[Running]:
    """One identity provider for all tests, in a process of its own."""
    enable_socket()
    with running_provider(free_port()) as provider:
        yield provider


@pytest.fixture
def openid(openid_process: Running, socket_enabled: None, settings: Settings) -> Running:
    """The identity provider of this installation, which says of everybody only what a test tells it to say."""
    settings.COUNTERSIGN_OIDC = openid_process.settings
    openid_process.says()
    return openid_process
