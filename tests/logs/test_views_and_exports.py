"""Saved views of the search, exports with their manifests, and the search from the command line."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from ledger.kinds import LeafKind
from ledger.queries import head
from logs.actions import record_events
from logs.exporting import PAGE, exported
from logs.models import EventExport, LogSource, SavedSearch
from logs.queries import Filters
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_OK, lines, source

pytestmark = pytest.mark.django_db
BASE: Final = "/t/northwind/search/"
EVIL: Final = b"Nov 20 11:00:00 web1 sshd[1]: Failed password for invalid user =cmd|calc from 198.51.100.9 port 1 ssh2"


@pytest.fixture
def bastion(bpo: Tenant, system: Actor) -> LogSource:
    with tenant_scope(bpo):
        made = source()
        record_events(source=made, body=lines(SSHD_OK, EVIL), door="test", by=system)
    return made


def as_person(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def save(client: Client, **facts: object) -> Any:
    return client.post(f"{BASE}views/", {"name": "Night", "q": "hours:out  user:ana", "window": "30", **facts})


def shown(client: Client) -> list[str]:
    return [view.name for view in client.get(BASE).context["views"]]


def test_a_view_is_kept_opened_shown_to_others_and_removed(bastion: LogSource, carla: User, ana: User) -> None:
    officer, analyst = as_person(carla), as_person(ana)
    assert save(analyst)["Location"] == f"{BASE}?q=hours:out%20user:ana&window=30"
    assert (shown(analyst), shown(officer)) == (["Night"], [])
    save(analyst, shared="on")
    assert (shown(analyst), shown(officer)) == (["Night"], ["Night"])
    with tenant_scope(bastion.tenant):
        (view,) = SavedSearch.objects.all()
        assert list(AuditEntry.objects.filter(verb="search.save").values_list("target", flat=True)) == ["Night"] * 2
    assert analyst.get(BASE + view.url).context["asked"].text == "hours:out user:ana"
    assert officer.post(f"{BASE}views/{view.pk}/remove/").status_code == 302
    assert shown(analyst) == []


def test_a_view_of_somebody_else_is_not_there(bastion: LogSource, carla: User, ana: User) -> None:
    save(as_person(carla))
    with tenant_scope(bastion.tenant):
        view = SavedSearch.objects.get()
    assert as_person(ana).post(f"{BASE}views/{view.pk}/remove/").status_code == 404
    with tenant_scope(bastion.tenant):
        SavedSearch.objects.update(shared=True)
    assert as_person(ana).post(f"{BASE}views/{view.pk}/remove/").status_code == 403


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"name": ""}, "required"), ({"q": "usr:x"}, "At character 1 stands"), ({"window": "6"}, "not one of")],
)
def test_a_view_that_makes_no_sense_is_refused(bastion: LogSource, ana: User, facts: dict[str, str], said: str) -> None:
    client = as_person(ana)
    answer = save(client, **facts)
    page = client.get(answer["Location"]).content.decode()
    assert "The view was not saved." in page
    assert said in page
    assert shown(client) == []


def test_a_person_keeps_a_hundred_views(bastion: LogSource, ana: User) -> None:
    with tenant_scope(bastion.tenant):
        SavedSearch.objects.bulk_create(SavedSearch(name=f"View {n}", owner=ana) for n in range(100))
    client = as_person(ana)
    assert "100 views" in client.get(save(client)["Location"]).content.decode()
    assert len(shown(client)) == 100


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_has_a_manifest_of_what_left(bastion: LogSource, carla: User, form: str) -> None:
    client, tenant = as_person(carla), bastion.tenant
    body = b"".join(client.get(f"{BASE}export.{form}?q=web1").streaming_content)
    (export,) = client.get(f"{BASE}exports/").context["exports"]
    told = client.get(f"{BASE}exports/{export.pk}/manifest.json").json()
    assert (told["rows"], told["bytes"], told["query"], told["form"]) == (2, len(body), "web1", form)
    assert (told["sha256"], told["by"]) == (hashlib.sha256(body).hexdigest(), "carla@example.org")
    with tenant_scope(tenant):
        entries = AuditEntry.objects.filter(verb__in=("event.export", "export.finish")).order_by("at")
        began, ended = entries
        assert (began.detail["export"], began.leaf_kind) == (str(export.pk), LeafKind.LOOKED)
        assert (ended.detail["sha256"], ended.detail["rows"]) == (told["sha256"], 2)
        assert told["ledger"]["size"] < head(tenant.uuid).size
        assert told["ledger"]["log"] == str(tenant.uuid)


def test_a_formula_is_made_harmless_in_csv_and_kept_in_ndjson(bastion: LogSource, carla: User) -> None:
    client = as_person(carla)
    table = b"".join(client.get(f"{BASE}export.csv?q=outcome:denied").streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["actor_name"] == "'=cmd|calc"
    exact = b"".join(client.get(f"{BASE}export.ndjson?q=outcome:denied").streaming_content)
    assert json.loads(exact)["actor_name"] == "=cmd|calc"


def test_an_export_has_no_cap(bastion: LogSource, carla: User, system: Actor) -> None:
    many = [SSHD_OK.replace(b"port 50022", b"port %d" % (10_000 + number)) for number in range(PAGE + 100)]
    with tenant_scope(bastion.tenant):
        record_events(source=bastion, body=lines(*many), door="test", by=system)
    client = as_person(carla)
    rows = b"".join(client.get(f"{BASE}export.ndjson?q=alice").streaming_content).splitlines()
    assert len({json.loads(row)["key"] for row in rows}) == len(rows) == PAGE + 101


def test_an_export_that_is_broken_off_has_no_manifest(bastion: LogSource, system: Actor) -> None:
    tenant, filters = bastion.tenant, Filters(timezone.now() - timedelta(days=30), timezone.now())
    asked: dict[str, Any] = {"tenant": tenant, "form": "csv", "q": "", "filters": filters, "by": system}
    body = exported(export_id=uuid4(), **asked)
    assert next(body)
    body.close()  # type: ignore[attr-defined]  # a generator
    with tenant_scope(tenant):
        assert not EventExport.objects.exists()
    assert len(list(exported(export_id=uuid4(), **asked))) == 1
    with tenant_scope(tenant):
        assert EventExport.objects.get().rows == 2


def test_the_command_prints_what_matches(bastion: LogSource, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("search", "northwind", "user:alice on:2026-11-20")
    told = capsys.readouterr()
    assert "  allowed   alice  " in told.out
    assert "1 events from 2026-11-19 23:00:00 up to 2026-11-20 23:00:00 UTC." in told.err
    with tenant_scope(bastion.tenant):
        entry = AuditEntry.objects.get(verb="event.look")
        assert (entry.actor_name, entry.detail["q"]) == ("system:search", "user:alice on:2026-11-20")


def test_the_command_exports_with_a_manifest_beside(bastion: LogSource, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    call_command("search", "northwind", "after:2026-11-20", "--export", str(path), "--form", "csv")
    told = json.loads((tmp_path / "out.csv.manifest.json").read_text())
    assert (told["rows"], told["sha256"]) == (2, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "x"), "no tenant 'nowhere'"),
        (("northwind", "usr:x"), "At character 1 stands “usr:”"),
        (("northwind", "x", "--days", "0"), "1 to 36,500 days"),
        (("northwind", "x", "--export", "/nowhere/at/all"), "cannot be written"),
    ],
)
def test_the_command_says_what_is_wrong(bastion: LogSource, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("search", *words)
