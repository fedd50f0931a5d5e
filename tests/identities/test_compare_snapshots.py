"""The difference between two snapshots of a system: granted, gone, changed, and that it costs the same at any size."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.difference import counts_of, parts_of, rows_that
from identities.kinds import SnapshotUpload
from identities.models import Snapshot, System
from tenants.models import Tenant, User
from tests import make

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, 8, tzinfo=UTC)
HEAD = "account,entitlement,person,kind,enabled,privileged,inherited_via\n"
FIRST = HEAD + (
    "ana,agent,E1,human,yes,no,\nbob,agent,,human,yes,no,\ncy,agent,,shared,yes,no,Team\n"
    "dee,agent,,human,yes,no,\neve,old,,human,yes,no,\n"
)
SECOND = HEAD + (
    "ana,agent,E1,human,yes,no,\nbob,agent,E2,human,yes,no,\ncy,agent,,service,no,no,\n"
    "dee,agent,,human,yes,no,Crew\nfay,new,,human,yes,yes,\n"
)


@pytest.fixture
def crm(carla: User, in_bpo: Tenant) -> System:
    by = make.actor(carla, in_bpo)
    upsert_identities(body=b"external_id,name\nE1,Ana\nE2,Bob Lim\n", by=by)
    return save_system(facts=SystemFacts("CRM", "crm", "none: a system of the tests"), by=by)


def seal(system: System, carla: User, tenant: Tenant, text: str, days: int, total: int | None = None) -> Snapshot:
    count = len(text.splitlines()) - 1 if total is None else total
    upload = SnapshotUpload(text.encode(), DAY + timedelta(days=days), count, delivered_by="Ines")
    return import_snapshot(system=system, upload=upload, by=make.actor(carla, tenant))


def page(**asked: object) -> str:
    query = "&".join(f"{key.rstrip('_')}={value}" for key, value in asked.items())
    return f"{reverse('identities:difference', args=['northwind', 'crm'])}?{query}"


def test_it_tells_granted_gone_and_each_change(crm: System, carla: User, in_bpo: Tenant) -> None:
    first, second = (seal(crm, carla, in_bpo, text, n) for n, text in enumerate((FIRST, SECOND)))
    assert [(one.label, one.number) for one in counts_of(first, second)] == [
        *(("Granted", 1), ("Gone", 1), ("Changed", 3))
    ]
    rows = list(rows_that("changed", first, second))
    parts = parts_of(rows, first)
    assert {row.account.name: [(p.name, p.before, p.after) for p in parts[row.pk]] for row in rows} == {
        "bob": [("Person", "nobody", "Bob Lim")],
        "cy": [
            ("Kind of account", "Shared", "Service"),
            ("Enabled", "yes", "no"),
            ("Held through", "Team", "directly"),
        ],
        "dee": [("Held through", "directly", "Crew")],
    }
    assert [row.account.name for row in rows_that("gone", first, second)] == ["eve"]
    assert [row.privileged for row in rows_that("granted", first, second)] == [True]


def test_the_page_compares_the_newest_two_and_what_is_asked_for(crm: System, carla: User, in_bpo: Tenant) -> None:
    client = make.login(carla)
    assert "Nothing to compare yet" in client.get(page()).content.decode()
    first, second = (seal(crm, carla, in_bpo, text, n) for n, text in enumerate((FIRST, SECOND)))
    assert "fay" in client.get(page()).content.decode()
    assert "eve" in client.get(page(show="gone")).content.decode()
    short = seal(crm, carla, in_bpo, HEAD + "ana,agent,E1,human,yes,no,\n", 2, total=5)
    assert "fay" in client.get(page()).content.decode()
    text = client.get(page(from_=second.pk, to=short.pk, show="gone")).content.decode()
    assert ("This difference proves nothing" in text, "fay" in text) == (True, True)
    assert "eve" in client.get(page(from_=second.pk, to=first.pk, show="gone")).content.decode()
    for odd in (page(from_="x", to=10**17), page(show="all", page="x"), page(from_=first.pk)):
        assert client.get(odd).status_code == 200


def test_it_costs_the_same_whatever_the_size(crm: System, carla: User, in_bpo: Tenant) -> None:
    client = make.login(carla)
    seal(crm, carla, in_bpo, FIRST, 0)
    seal(crm, carla, in_bpo, SECOND, 1)
    client.get(page())
    with CaptureQueriesContext(connection) as before:
        client.get(page(show="changed"))
    lines = [f"user{n},agent,,human,yes,no,\n" for n in range(60)]
    seal(crm, carla, in_bpo, HEAD + "".join(lines), 2)
    seal(crm, carla, in_bpo, HEAD + "".join(line.replace(",\n", ",Crew\n") for line in lines), 3)
    with CaptureQueriesContext(connection) as after:
        assert "60" in client.get(page(show="changed")).content.decode()
    assert len(after) == len(before)


def test_who_may_not_see_the_register_sees_no_difference(stella: User, crm: System, remy: User) -> None:
    assert make.login(remy).get(page()).status_code == 403
    assert make.login(stella).get(page()).status_code == 404
