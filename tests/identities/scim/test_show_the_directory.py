"""The page of people says what the directory says of each of them."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.models import User
from tests import make
from tests.identities.scim.conftest import GROUP, Directory

pytestmark = pytest.mark.django_db


def rows(browser: Client) -> dict[str, str]:
    """Return the words of the column of the directory, by the person's name."""
    text = browser.get("/t/northwind/register/people/").content.decode()
    found = re.findall(r'<th scope="row">([^<]*)<.*?data-label="Directory">(.*?)</td>', text, flags=re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]*>", " ", cell).split()) for name, cell in found}


def test_it_shows_who_is_active_who_left_and_the_groups(carla: User, directory: Directory) -> None:
    ids = {name: directory.user(name)["id"] for name in ("anna", "ben", "cid")}
    members = [{"value": ids["anna"]}, {"value": ids["ben"]}]
    directory.ask("post", "/Groups", {"schemas": [GROUP], "displayName": "Claims <EU>", "members": members})
    directory.patch(f"/Users/{ids['ben']}", {"op": "replace", "path": "active", "value": False})
    directory.ask("delete", f"/Users/{ids['cid']}")
    shown = rows(make.login(carla))
    assert (shown["anna"], shown["ben"]) == ("Active Claims &lt;EU&gt;", "Not active Claims &lt;EU&gt;")
    assert shown["cid"].startswith("Removed ")


def test_it_costs_the_same_for_more_people(carla: User, directory: Directory) -> None:
    browser, counts = make.login(carla), []
    for number in range(3):
        user = directory.user(f"anna{number}")
        group = {"schemas": [GROUP], "displayName": f"G{number}", "members": [{"value": user["id"]}]}
        directory.ask("post", "/Groups", group)
        browser.get("/t/northwind/register/people/")
        with CaptureQueriesContext(connection) as seen:
            assert len(rows(browser)) == number + 1
        counts.append(len(seen))
    assert len(set(counts)) == 1, counts
