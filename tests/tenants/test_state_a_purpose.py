"""The purpose of looks at logs: asked for once a day, carried along, kept with each look, and the row that asks."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from ledger.kinds import LeafKind
from logs.actions import look_at_events
from tenants.actions import issue_token, set_purposes
from tenants.kinds import Permission
from tenants.models import AuditEntry, PurposeList, Tenant, User
from tenants.purposes import KEPT
from tenants.scope import tenant_scope
from tests import make
from tests.evidence.facts import good
from tests.evidence.planted import measured

pytestmark = pytest.mark.django_db
SEARCH, ASK = "/t/northwind/search/?q=user%3Aana", "/t/northwind/purpose/"
LIST = {"names": "Incident investigation\nAccess review\n\nAccess review"}


def told(bpo: Tenant) -> tuple[float | None, float | None, str]:
    """Looks, those without a purpose, and what the row says."""
    metrics = measured(bpo, "log_access").metrics
    facts = good({f"log_access.{name}": value for name, value in metrics.items()})
    row = next(one for one in evaluate_all(load(), facts) if one.control.key == "gdpr-5.1.b")
    return metrics["reads"], metrics["without_purpose"], str(row.state)


def looks(bpo: Tenant) -> list[tuple[object, object]]:
    """The purposes and references of the looks, in the order of time."""
    with tenant_scope(bpo):
        rows = AuditEntry.objects.filter(leaf_kind=LeafKind.LOOKED).order_by("at")
        return [(row.detail.get("purpose"), row.detail.get("purpose_reference")) for row in rows]


def test_a_purpose_is_asked_for_once_and_kept_with_each_look(bpo: Tenant, carla: User, ana: User) -> None:
    officer, analyst = make.login(carla), make.login(ana)
    assert "the tenant has set none" in analyst.get(ASK).content.decode()
    assert (analyst.post(f"{ASK}list/", LIST).status_code, officer.post(f"{ASK}list/", {"names": " "}).status_code) == (
        403,
        422,
    )
    assert officer.post(f"{ASK}list/", LIST).status_code == 302
    with tenant_scope(bpo):
        assert PurposeList.objects.get().names == ["Incident investigation", "Access review"]
    asked = analyst.get(SEARCH)
    assert (asked.status_code, asked.url) == (302, f"{ASK}?next=%2Ft%2Fnorthwind%2Fsearch%2F%3Fq%3Duser%253Aana")
    assert looks(bpo) == [], "nothing was shown"
    assert analyst.post(asked.url, {"purpose": "Curiosity"}).status_code == 422
    stated = analyst.post(asked.url, {"purpose": "Access review", "reference": "CHG-7"})
    assert stated.url == SEARCH
    assert "Access review</strong>, CHG-7" in analyst.get(SEARCH).content.decode()
    b"".join(analyst.get("/t/northwind/search/export.csv").streaming_content)
    assert (
        analyst.post(f"{ASK}?next=https://evil.example/", {"purpose": "Incident investigation"}).url == "/t/northwind/"
    )
    analyst.get(SEARCH)
    assert looks(bpo) == [*[("Access review", "CHG-7")] * 3, ("Incident investigation", "")]
    assert told(bpo) == (4, 0, "pass")


def test_a_stated_purpose_holds_for_the_day_and_the_tenant(bpo: Tenant, acme: Tenant, carla: User) -> None:
    client, by = make.login(carla), make.actor(carla, bpo)
    with tenant_scope(bpo):
        set_purposes(names=["Access review"], by=by)
    client.post(ASK, {"purpose": "Access review"})
    assert client.get(SEARCH).status_code == 200
    session = client.session
    session[KEPT] = {"northwind": {**session[KEPT]["northwind"], "on": "2026-01-01"}}
    session.save()
    assert client.get(SEARCH).status_code == 302


def test_looks_from_before_are_not_judged_and_later_ones_without_a_purpose_count(bpo: Tenant, carla: User) -> None:
    client, by = make.login(carla), make.actor(carla, bpo)
    assert client.get(SEARCH).status_code == 200, "nobody is asked where no purposes are set"
    assert told(bpo) == (1, None, "no_data")
    with tenant_scope(bpo):
        set_purposes(names=["Access review"], by=by)
    assert told(bpo) == (1, None, "no_data")
    client.post(ASK, {"purpose": "Access review"})
    client.get(SEARCH)
    assert told(bpo) == (2, None, "no_data")
    token_like(bpo, carla)
    assert told(bpo) == (3, 1, "fail")


def token_like(bpo: Tenant, carla: User) -> None:
    """Look as a machine does, which no page can ask."""
    with tenant_scope(bpo):
        look_at_events(what="Search, by a machine", asked={}, shown=1, by=make.actor(carla, bpo))


def test_a_machine_says_its_purpose_with_each_request(bpo: Tenant, carla: User) -> None:
    by, address = make.actor(carla, bpo), "/api/v1/t/northwind/events/"
    with tenant_scope(bpo):
        set_purposes(names=["Access review"], by=by)
        _row, text = issue_token(name="siem", scopes=[Permission.EVENT_VIEW], days=9, user=carla, by=by)
    machine = Client(headers={"Authorization": f"Bearer {text}"})
    assert machine.get(address, headers={"Purpose": "Curiosity"}).status_code == 400
    said = {"Purpose": "Access review", "Purpose-Reference": "CHG-8"}
    assert (machine.get(address, headers=said).status_code, machine.get(address).status_code) == (200, 200)
    with pytest.raises(CommandError, match="none of the tenant's purposes"):
        call_command("search", "northwind", "user:ana", "--purpose", "Curiosity")
    call_command("search", "northwind", "user:ana", "--purpose", "Access review", "--reference", "CHG-9")
    assert looks(bpo) == [("Access review", "CHG-8"), (None, None), ("Access review", "CHG-9")]
    assert told(bpo) == (3, 1, "fail")


def test_an_auditor_looks_for_what_they_are_engaged_for(bpo: Tenant, carla: User, axel: User) -> None:
    with tenant_scope(bpo):
        set_purposes(names=["Access review"], by=make.actor(carla, bpo))
    assert make.login(axel).get("/t/northwind/room/").status_code == 200
    assert looks(bpo) == [("External audit", "Brandt Assurance")]
