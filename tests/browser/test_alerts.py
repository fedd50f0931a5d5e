"""An analyst's job on alerts, an officer's on their settings, and the API's reference page, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tests.alerts import world
from tests.browser.conftest import Server, Visit


@pytest.fixture(scope="module")
def alerted(server: Server, django_db_blocker: DjangoDbBlocker) -> None:
    """Deliver an attack to the BPO and judge it."""
    with django_db_blocker.unblock():
        bpo = server.cast.bpo
        source = world.source(bpo, world.system(bpo))
        start = timezone.now().replace(microsecond=0) - timedelta(hours=1)
        lines = [world.line(start + timedelta(seconds=7 * n), "mallory", ok=False) for n in range(14)]
        lines += [world.line(start + timedelta(seconds=n), f"user{n}", ok=False, ip="203.0.113.9") for n in range(22)]
        world.deliver(source, lines)
        world.look(bpo)


@pytest.mark.usefixtures("alerted")
def test_an_analyst_acknowledges_and_closes_an_alert(visit: Visit) -> None:
    strict = visit("ana")
    page = strict.go("/t/northwind/alerts/")
    strict.check_state("alerts-list")
    page.get_by_role("link", name="mallory on Payments").click()
    strict.check_state("alerts-alert")
    page.get_by_role("button", name="Acknowledge the alert").click()
    page.get_by_text("You have taken this alert into work.").wait_for()
    page.get_by_label("Mistake").check()
    page.get_by_label("What you found out").fill("The person had changed the password and the client kept the old one.")
    page.get_by_role("button", name="Close the alert").click()
    page.get_by_text("The alert is closed.").wait_for()
    strict.check_state("alerts-closed")


@pytest.mark.usefixtures("alerted")
def test_an_officer_tries_settings_and_saves_them(visit: Visit) -> None:
    strict = visit("carla")
    page = strict.go("/t/northwind/alerts/settings/")
    page.get_by_label("Recipients").fill("soc@example.org")
    page.get_by_label("Send a mail").check()
    page.get_by_role("button", name="Try it on the last 30 days").click()
    page.get_by_text("The last 30 days would have made").wait_for()
    strict.check_state("alerts-settings")
    page.get_by_role("button", name="Save the settings").click()
    page.get_by_text("Saved as version 1.").wait_for()


def test_the_reference_of_the_api_is_fit_to_be_shown(visit: Visit) -> None:
    strict = visit("carla")
    strict.go("/api/v1/")
    strict.check_state("api-reference")
