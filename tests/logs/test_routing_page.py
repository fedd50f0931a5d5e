"""The page of routing rules: rows without a script, a try that stores nothing, a save that makes a version."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.queries import head
from logs.models import AccessEvent, LogSource, SourceRouting
from tenants.kinds import Role
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.logs.test_route_events import MIXED, deliver, shared, who

pytestmark = pytest.mark.django_db

__all__ = ["shared"]


def page_of(of: LogSource) -> str:
    return f"/t/northwind/sources/{of.pk}/routing/"


def typed(*rules: tuple[Tenant, str, str], after: int = 1, **also: str) -> dict[str, str]:
    """Return the form with rules of one condition each."""
    sent = {"after": str(after), "rows": str(len(rules)), "reason": "", **also}
    for row, (tenant, field, value) in enumerate(rules):
        sent |= {f"to_{row}": str(tenant.uuid), f"place_{row}": str(row + 1)}
        sent |= {f"field_{row}_0": field, f"is_{row}_0": value}
    return sent


@pytest.fixture
def officer(carla: User) -> Client:
    return make.login(carla)


def rows(tenant: Tenant) -> tuple[int, int, int, int]:
    with tenant_scope(tenant):
        tables = (AccessEvent, LogSource, SourceRouting, AuditEntry)
        return tuple(table.objects.count() for table in tables)  # type: ignore[return-value]  # four of them


def test_the_page_shows_the_rules_in_words_and_as_rows(shared: LogSource, officer: Client) -> None:
    said = officer.get(page_of(shared)).content.decode()
    assert "User name is *@acme.example: <strong>Acme Insurance</strong>" in said
    assert 'name="is_1_0" value="*@zenith.example"' in said
    assert "Events that are stored never move" in said


def test_a_saved_change_is_a_version_in_the_order_of_the_places(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant, officer: Client
) -> None:
    sent = typed((acme, "user", "a*"), (zenith, "address", "10.0.0.0/8; 192.0.2.1"), save="1", reason="Moved.")
    sent |= {"place_0": "9", "to_2": "", "rows": "3"}
    assert officer.post(page_of(shared), sent).status_code == 302
    with tenant_scope(bpo):
        version = SourceRouting.objects.get(version=2)
    assert (version.by, version.reason) == ("carla@example.org", "Moved.")
    assert version.rules == [
        {"to": str(zenith.uuid), "when": [{"field": "address", "is": ["10.0.0.0/8", "192.0.2.1"]}]},
        {"to": str(acme.uuid), "when": [{"field": "user", "is": ["a*"]}]},
    ]


def test_what_cannot_be_saved_is_said_and_stores_nothing(
    shared: LogSource, bpo: Tenant, acme: Tenant, strangers: Tenant, officer: Client
) -> None:
    before = rows(bpo)
    for sent, said in (
        (typed((acme, "user", "a*"), save="1"), "Say why: it stands"),
        (typed((acme, "user", "a*"), save="1", reason="x", after="0"), "Somebody made version 1"),
        (typed((acme, "user", "*"), save="1", reason="x"), "matches everything"),
        (typed((acme, "user", "*"), **{"try": "1"}), "matches everything"),
        (typed((acme, "", "a*"), save="1", reason="x"), "Choose the field"),
        (typed((strangers, "user", "a*"), save="1", reason="x"), "Select a valid choice"),
    ):
        answer = officer.post(page_of(shared), {**sent, "after": sent["after"]})
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert "harbour" not in answer.content.decode().lower()
    assert rows(bpo) == before


def test_a_row_is_added_without_a_script_and_keeps_what_was_typed(
    shared: LogSource, bpo: Tenant, acme: Tenant, officer: Client
) -> None:
    answer = officer.post(page_of(shared), typed((acme, "user", "typed*"), add="1"))
    said = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="typed*"' in said
    assert "Rule 2" in said
    with tenant_scope(bpo):
        assert SourceRouting.objects.count() == 1


def test_a_try_counts_where_events_would_go_and_stores_nothing(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant, officer: Client
) -> None:
    deliver(shared, *MIXED)
    before = [rows(tenant) for tenant in (bpo, acme, zenith)]
    sent = typed((zenith, "user", "*@acme.example; *@x.example"), **{"try": "1"}, reason="Not yet.")
    said = " ".join(officer.post(page_of(shared), sent).content.decode().split())
    assert "4 events of 4 would go elsewhere" in said
    for line in ("Acme Insurance</th>", "Northwind Services</th>", "agent4@x.example"):
        assert line in said
    assert "agent1@acme.example" not in said, "an officer of the BPO is no member of Acme"
    after = [rows(tenant) for tenant in (bpo, acme, zenith)]
    assert after == [(*before[0][:3], before[0][3] + 1), *before[1:]], "only the look at the BPO's own event"


def test_a_member_of_the_client_sees_its_events_and_the_client_sees_the_look(
    shared: LogSource, acme: Tenant, zenith: Tenant, carla: User, officer: Client
) -> None:
    make.member(carla, acme, Role.ANALYST)
    deliver(shared, *MIXED)
    sent = typed((zenith, "user", "*@acme.example"), **{"try": "1"})
    assert "agent1@acme.example" in officer.post(page_of(shared), sent).content.decode()
    with tenant_scope(acme):
        look = AuditEntry.objects.get(verb="event.look")
        assert (look.actor_name, look.detail["shown"]) == ("carla@example.org", 2)
        assert head(acme.uuid).size > 0


def test_the_queries_of_a_try_do_not_grow_with_the_events(
    shared: LogSource, acme: Tenant, zenith: Tenant, officer: Client
) -> None:
    rules = ((zenith, "user", "*@acme.example"), (acme, "group", "desk"), (acme, "application", "vpn"))
    sent, counts = typed(*rules, **{"try": "1"}), []
    for first, number in ((0, 4), (100, 4), (200, 60)):
        deliver(shared, *(who(first + n, ("acme", "x")[n % 2] + ".example") for n in range(number)))
        with CaptureQueriesContext(connection) as queries:
            officer.post(page_of(shared), sent)
        counts.append(len(queries))
    assert counts[1] == counts[2] > 10


def test_the_clients_page_says_who_feeds_it_and_offers_nothing_to_change(shared: LogSource, acme: Tenant) -> None:
    deliver(shared, *MIXED)
    someone = make.user("officer")
    make.member(someone, acme, Role.OFFICER)
    client = make.login(someone)
    with tenant_scope(acme):
        fed = LogSource.objects.get()
    page = f"/t/acme/sources/{fed.pk}/"
    said = client.get(page).content.decode()
    assert "Northwind Services owns the source “Single sign-on”" in said
    assert "Issue a token" not in said
    assert "Change the settings" not in said
    for path, method in (("change/", "get"), ("routing/", "get"), ("switch/", "post"), ("tokens/", "post")):
        assert getattr(client, method)(page + path).status_code == 403
    assert "Fed by the operator" in client.get("/t/acme/sources/").content.decode()
