"""Pages of the room: what they show, to whom, and that looking leaves an entry."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger.kinds import LeafKind
from logs.actions import record_events
from logs.kinds import Format
from logs.models import AccessEvent, LogSource, SourceHour
from logs.queries import source_lines
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.sharing import share
from tests import make
from tests.logs.sources import SSHD_BAD, SSHD_OK, failures, lines, source

pytestmark = pytest.mark.django_db
PAGES = ("search/", "sources/", "quarantine/", "people/name-alice/", "people/ip-203.0.113.7/", "sources/new/")


@pytest.fixture
def bastion(bpo: Tenant, system: Actor) -> LogSource:
    with tenant_scope(bpo):
        made = source(expected={"every_minutes": 60})
        record_events(source=made, body=lines(SSHD_OK, SSHD_BAD, b"unreadable <b>&"), door="test", by=system)
    return made


def page(client: Client, person: User, path: str) -> str:
    client.force_login(person)
    response = client.get(f"/t/northwind/{path}")
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_the_officer(client: Client, carla: User, bastion: LogSource, path: str) -> None:
    assert "<h1" in page(client, carla, path)


def test_search_shows_the_window_and_the_events(client: Client, carla: User, bastion: LogSource, bpo: Tenant) -> None:
    text = page(client, carla, "search/")
    assert "alice" in text
    assert "Events that occurred from" in text
    with tenant_scope(bpo):
        entry = AuditEntry.objects.filter(verb="event.look").latest("at")
        assert (entry.leaf_kind, entry.detail["shown"]) == (LeafKind.LOOKED, 2)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("outcome=denied", ["root"]),
        ("outcome=allowed", ["alice"]),
        ("actor=ALICE", ["alice"]),
        ("not_actor=alice", ["root"]),
        ("address=203.0.113.7", ["alice"]),
        ("not_address=203.0.113.7", ["root"]),
        ("text=198.51.100.9", ["root"]),
        ("text=web1+alice", ["alice"]),
        ("log_type=6", ["root"]),
        ("window=days&first_day=2026-11-20&last_day=2026-11-20", ["alice", "root"]),
        ("window=days&first_day=2026-11-19&last_day=2026-11-19", []),
    ],
)
def test_search_narrows(client: Client, carla: User, bastion: LogSource, query: str, found: list[str]) -> None:
    client.force_login(carla)
    shown = client.get(f"/t/northwind/search/?{query}").context["lines"]
    assert sorted(line.event.actor_name for line in shown) == found


def test_search_pages_by_cursor(client: Client, carla: User, bastion: LogSource, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        record_events(source=bastion, body=lines(*failures(120)), door="test", by=system)
    client.force_login(carla)
    seen, cursor = [], ""
    for _ in range(3):
        context = client.get(f"/t/northwind/search/?cursor={cursor}").context
        seen += [line.event.key for line in context["lines"]]
        cursor = context["cursor"]
    assert (len(seen), len(set(seen)), cursor) == (122, 122, "")


def test_an_event_shows_its_proof_and_its_record(client: Client, carla: User, bastion: LogSource, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        key = AccessEvent.objects.get(actor_name="alice").key
    text = page(client, carla, f"events/{key}/")
    assert "Same as in the ledger" in text
    assert "Accepted password for alice" in text
    client.force_login(carla)
    for wrong in ("1-1", "nonsense", f"{key}9"):
        assert client.get(f"/t/northwind/events/{wrong}/").status_code == 404


def test_hostile_text_is_escaped(client: Client, carla: User, bastion: LogSource) -> None:
    text = page(client, carla, "quarantine/")
    assert "unreadable &lt;b&gt;&amp;" in text


@pytest.mark.parametrize("path", ["search/", "sources/", "quarantine/", "people/name-bob/"])
def test_the_number_of_queries_does_not_grow(
    client: Client, carla: User, bastion: LogSource, bpo: Tenant, system: Actor, path: str
) -> None:
    with tenant_scope(bpo):
        record_events(source=bastion, body=lines(*failures(1), b"bad"), door="test", by=system)
    page(client, carla, path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        page(client, carla, path)
    with tenant_scope(bpo):
        for number in range(5):
            more = source(f"More {number}")
            body = lines(*failures(10, 10 * number + 1), *(b"bad %d" % n for n in range(5)))
            record_events(source=more, body=body, door="test", by=system)
    with CaptureQueriesContext(connection) as many:
        page(client, carla, path)
    assert len(many) <= len(few)


def test_a_client_sees_only_the_sources_shared_with_them(client: Client, acme: Tenant, cleo: User, bpo: Tenant) -> None:
    with tenant_scope(acme):
        shared, hidden = source("Shared"), source("Hidden")
        share(shared, user=cleo, by=Actor.system("tests", acme.pk))
    client.force_login(cleo)
    text = client.get("/t/acme/sources/").content.decode()
    assert "Shared" in text
    assert "Hidden" not in text
    assert client.get(f"/t/acme/sources/{shared.pk}/").status_code == 200
    assert client.get(f"/t/acme/sources/{hidden.pk}/").status_code == 404
    assert client.get("/t/acme/search/").status_code == 403
    assert client.get("/t/northwind/sources/").status_code == 404


def test_the_sources_page_counts_a_weeks_quarantine(bastion: LogSource, carla: User, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        hour = SourceHour.objects.get(quarantined__gt=0).hour
        facts = {"tenant_id": bpo.pk, "source_id": bastion.pk, "events": 0, "ignored": 0}
        # Beside the full hours, where the records of 20 November already have their row.
        SourceHour.objects.create(**facts, hour=hour - timedelta(days=8, minutes=1), quarantined=70)
        SourceHour.objects.create(**facts, hour=hour - timedelta(days=6, minutes=1), quarantined=5)
        (line,) = source_lines(make.actor(carla, bpo))
    assert (line.events, line.quarantined, line.read, line.unreadable) == (2, 6, 0, 0.75)


@pytest.mark.parametrize(("read", "said"), [(99, False), (98, True)])
def test_more_than_one_unreadable_record_in_a_hundred_is_said(
    client: Client, carla: User, bpo: Tenant, read: int, *, said: bool
) -> None:
    with tenant_scope(bpo):
        facts = {"tenant_id": bpo.pk, "source_id": source().pk, "ignored": 0}
        SourceHour.objects.create(**facts, hour=timezone.now(), quarantined=1, events=read)
    client.force_login(carla)
    fact = next(
        fact
        for fact in client.get(reverse("portal:overview", args=["northwind"])).context["facts"]
        if fact.label == "Silent log sources"
    )
    assert (fact.note, fact.look) == (
        ("of 1 log source; 1 with over 1\u202f% unreadable", "warn") if said else ("of 1 log source", "")
    )
    assert ("1.0\u202f%" in client.get("/t/northwind/sources/").content.decode()) == said


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("people/name-a%00b/", 404),
        ("search/?text=%00", 404),
        ("people/identity-%C2%B2/", 200),
        ("events/%C2%B2-%C2%B2/", 404),
        ("quarantine/?source=%C2%B2", 200),
        ("search/?first_day=0001-01-01&last_day=9999-12-31", 200),
        ("search/?window=days&last_day=9999-12-31", 200),
        ("search/export.csv?first_day=0001-01-01", 200),
        ("people/name-alice/?days=%C2%B2", 200),
        ("search/?cursor=99999999999999999-1", 200),
    ],
)
def test_no_address_breaks_a_page(client: Client, carla: User, bastion: LogSource, path: str, status: int) -> None:
    client.force_login(carla)
    assert client.get(f"/t/northwind/{path}").status_code == status


def test_a_name_longer_than_a_key_is_found(client: Client, carla: User, bastion: LogSource, system: Actor) -> None:
    name = "agent-" * 50
    with tenant_scope(bastion.tenant):
        record_events(source=bastion, body=lines(SSHD_OK.replace(b"alice", name.encode())), door="test", by=system)
    assert name in page(client, carla, f"search/?actor={name.upper()}")


def test_roles_without_the_right_are_refused(client: Client, remy: User, bastion: LogSource) -> None:
    client.force_login(remy)
    for path in ("search/", "sources/", "quarantine/", "search/export.csv", "people/name-alice/"):
        assert client.get(f"/t/northwind/{path}").status_code == 403


def test_a_csv_export_holds_no_formula_and_leaves_an_entry(
    client: Client, carla: User, bastion: LogSource, bpo: Tenant, system: Actor
) -> None:
    evil = b"Nov 20 11:00:00 web1 sshd[1]: Failed password for invalid user =cmd|calc from 198.51.100.9 port 1 ssh2"
    with tenant_scope(bpo):
        record_events(source=bastion, body=lines(evil), door="test", by=system)
    client.force_login(carla)
    response = client.get("/t/northwind/search/export.csv")
    text = b"".join(response.streaming_content).decode()
    assert ",'=cmd|calc," in text
    assert text.count("\r\n") == 4
    ndjson = client.get("/t/northwind/search/export.ndjson")
    assert len(b"".join(ndjson.streaming_content).splitlines()) == 3
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="event.export", leaf_kind=LeafKind.LOOKED).count() == 2


def test_a_timeline_shows_what_was_done_to_a_persons_rights(
    client: Client, carla: User, bpo: Tenant, system: Actor
) -> None:
    usermod = (
        b"Nov 20 12:00:00 web1 useradd[77]: new user: name=alice, UID=1005, GID=1005, home=/home/alice, shell=/bin/sh"
    )
    with tenant_scope(bpo):
        record_events(source=source(), body=lines(SSHD_OK, usermod), door="test", by=system)
    client.force_login(carla)
    shown = client.get("/t/northwind/people/name-alice/").context["lines"]
    assert [line.event.log_type for line in shown] == [5, 1]


def test_adding_a_source_maps_a_csv_and_shows_the_token_once(client: Client, carla: User, bpo: Tenant) -> None:
    client.force_login(carla)
    sample = (
        "when,who,ip,result\n2026-11-20T10:00:00Z,ana,203.0.113.9,ok\n2026-11-20T10:01:00Z,bob,203.0.113.9,denied\n"
    )
    asked = {"name": "Badge doors", "format": "csv", "log_types": ["2"], "time_zone": "Europe/Madrid", "grade": "B"}
    asked |= {"sample": sample, "allowed_words": "ok", "denied_words": "denied", "every_minutes": "60"}
    columns = {"column_0": "occurred_at", "column_1": "actor_name", "column_2": "src_ip", "column_3": "outcome"}
    bad = client.post("/t/northwind/sources/new/", asked)
    assert (bad.status_code, b"sample" in bad.content) == (422, True)
    seen = client.post("/t/northwind/sources/new/", {**asked, **columns, "preview": "1"})
    assert [line["draft"].status_id for line in seen.context["preview"].lines if "draft" in line] == [1, 2]
    added = client.post("/t/northwind/sources/new/", {**asked, **columns})
    assert b"csn_src_" in added.content
    with tenant_scope(bpo):
        made = LogSource.objects.get()
        assert (made.format, made.mapping["columns"]["who"]) == (Format.CSV, "actor_name")
    again = client.get(f"/t/northwind/sources/{made.pk}/").content.decode()
    assert "never shown again" not in again


def test_the_officer_revokes_switches_and_changes(client: Client, carla: User, bastion: LogSource, bpo: Tenant) -> None:
    client.force_login(carla)
    base = f"/t/northwind/sources/{bastion.pk}/"
    issued = client.post(f"{base}tokens/")
    token = issued.context["tokens"][0]
    assert client.post(f"{base}tokens/{token.pk}/revoke/").status_code == 302
    assert client.post(f"{base}switch/").status_code == 302
    asked = {"name": "Bastion 2", "format": "sshd_syslog", "log_types": ["1"], "time_zone": "UTC", "grade": "C"}
    assert client.post(f"{base}change/", {**asked, "time_zone": "Mars/Base"}).status_code == 422
    # Half a span of hours is not left out in silence.
    half = client.post(f"{base}change/", {**asked, "every_minutes": "60", "first_hour": "9"})
    assert (half.status_code, b"Give both hours" in half.content) == (422, True)
    assert client.post(f"{base}change/", asked).status_code == 302
    with tenant_scope(bpo):
        bastion.refresh_from_db()
        assert (bastion.name, bastion.enabled, bastion.grade) == ("Bastion 2", False, "C")
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
        assert {"source.token_issue", "source.token_revoke", "source.switch", "source.change"} <= verbs


def test_an_analyst_reads_and_changes_nothing(client: Client, ana: User, bastion: LogSource, bpo: Tenant) -> None:
    assert make.actor(ana, bpo).name
    page(client, ana, "search/")
    for path in (f"sources/{bastion.pk}/tokens/", f"sources/{bastion.pk}/switch/", "sources/new/"):
        assert client.post(f"/t/northwind/{path}").status_code == 403


def test_plus_and_minus_narrow_the_search(client: Client, carla: User, bastion: LogSource) -> None:
    client.force_login(carla)
    lines_shown = client.get("/t/northwind/search/?text=web1&cursor=").context["lines"]
    links = next(line.links for line in lines_shown if line.event.actor_name == "alice")
    assert set(links) == {"user", "action", "type", "app", "outcome", "ip", "object", "source"} & set(links)
    for name in ("user", "ip", "type", "outcome"):
        for url, found in ((links[name].plus, ["alice"]), (links[name].minus, ["root"])):
            shown = client.get(f"/t/northwind/search/{url}").context
            assert [line.event.actor_name for line in shown["lines"]] == found
            assert len(shown["chips"]) == 2
            assert [c.url for c in shown["chips"]][1] == "?q=web1"
