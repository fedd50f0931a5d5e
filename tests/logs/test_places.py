"""Country, network and device of an event: the shipped table, an own one, what is stored, searched, shown, exported."""

import io
import json
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from logs import places
from logs.actions import record_events
from logs.devices import device_of, os_of
from logs.kinds import Format
from logs.models import AccessEvent
from logs.ocsf import kept_of, ocsf_event
from logs.placebuild import combined, table_of
from logs.places import SHIPPED, Place, network_name, place_of, why_nowhere
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.logs.ocsf_schema import faults
from tests.logs.sources import lines, okta, source

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
MANILA = {"ipAddress": "112.198.0.1", "userAgent": {"rawUserAgent": CHROME}}
OFFICE = {"ipAddress": "10.1.2.3", "userAgent": {"rawUserAgent": "curl/8.1.2"}}


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget which table was read, before and after."""
    known = (places.folder, places._table, places._names, place_of, network_name)  # noqa: SLF001 -- the caches
    for one in known:
        one.cache_clear()
    yield
    for one in known:
        one.cache_clear()


def test_the_shipped_table_knows_addresses_of_both_kinds_and_is_the_one_that_was_built() -> None:
    assert place_of("8.8.8.8") == Place("US", 15169)
    assert (place_of("112.198.0.1"), network_name(4775)[:13]) == (Place("PH", 4775), "Globe Telecom")
    # The list calls Japan's WIDE Australian, because the block stands in the Asian registry's name.
    assert place_of("2001:200::1") == Place("JP", 2500)
    assert place_of("no address") == place_of("") == Place()
    built = json.loads((SHIPPED / "SOURCES.json").read_text())
    assert built["made_on"] == places.made_on().isoformat()
    assert {name: sha256((SHIPPED / name).read_bytes()).hexdigest() for name in built["files"]} == built["files"]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.1.2.3", "a private network"),
        ("fd00::1", "a private network"),
        ("100.64.0.1", "inside of a carrier's network"),
        ("203.0.113.5", "reserved for documentation"),
        ("2001:db8::1", "reserved for documentation"),
        ("fe80::1", "a link without a router"),
        ("255.255.255.255", "reserved"),
        ("2002:808:808::1", "a tunnel between IPv4 and IPv6"),
    ],
)
def test_an_address_of_no_country_says_why(address: str, why: str) -> None:
    assert (place_of(address), why_nowhere(address)) == (Place(), why)


def test_ranges_become_a_table_that_ends_where_they_end() -> None:
    assert table_of([(10, 19, "A"), (20, 29, "A"), (25, 40, "B"), (50, 50, "C")], 8) == [
        *((10, "A"), (30, "B"), (41, ""), (50, "C"), (51, "")),
    ]
    assert table_of([(0, 255, "A")], 8) == [(0, "A")]
    assert combined([(0, "A"), (9, "")], [(5, "B"), (7, "")], lambda one, other: other or one) == [
        *((0, "A"), (5, "B"), (7, "A"), (9, "")),
    ]


def tarball(path: Path, name: str, v4: str, v6: str) -> Path:
    about = json.dumps({"name": f"@x/{name}", "version": "2.3.2026110305", "license": "CC0-1.0"})
    with tarfile.open(path / f"{name}.tgz", "w:gz") as tar:
        for inside, text in (("package.json", about), (f"{name}-ipv4-num.csv", v4), (f"{name}-ipv6-num.csv", v6)):
            entry = tarfile.TarInfo(f"package/{inside}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return path / f"{name}.tgz"


def test_an_installation_uses_a_table_of_its_own(tmp_path: Path, settings: Any, fresh: None) -> None:
    settings.COUNTERSIGN_DATA = tmp_path
    v4, v6 = "1.1.1.0,1.1.1.255,NZ\n10.0.0.0,10.9.9.9,NZ\n", "2400:cb00::,2400:cb00:ffff::,AU\n"
    country = tarball(tmp_path, "c", v4, v6)
    delegated = tarball(tmp_path, "d", v4.replace("NZ", "FJ"), v6.replace("AU", "JP"))
    asn = tarball(tmp_path, "a", '1.1.1.0,1.1.1.127,7,"A, Inc."\n', "2400:cb00::,2400:cb00:ffff::,7,A\n")
    call_command("build_places", country, delegated, asn, stdout=io.StringIO())
    assert (place_of("1.1.1.1"), place_of("1.1.1.128"), place_of("1.1.2.0")) == (Place("NZ", 7), Place("NZ"), Place())
    assert (place_of("10.1.1.1"), place_of("8.8.8.8"), place_of("2400:cb00::1")) == (Place(), Place(), Place("JP", 7))
    assert (network_name(7), places.made_on().isoformat()) == ("A, Inc.", "2026-11-03")
    with pytest.raises(CommandError, match="Line 1 is no range of IPv4 addresses"):
        call_command("build_places", tarball(tmp_path, "bad", "1.1.1.0,x,NZ\n", ""), country, asn)


@pytest.mark.parametrize(
    ("agent", "words", "os"),
    [
        (CHROME, "Chrome 126 on Windows 10", ("Windows 10", 100)),
        ("curl/8.1.2", "curl 8", None),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile",
         "Chrome Mobile 126 on Android 14, Pixel 8", ("Android 14", 201)),
        ("console.amazonaws.com", "", None),
        ("", "", None),
        ("x; (" * 100_000, "", None),
        ("x" * 600 + CHROME, "", None),
    ],
)  # fmt: skip
def test_a_user_agent_becomes_words(agent: str, words: str, os: tuple[str, int] | None) -> None:
    assert (device_of(agent), os_of(agent)) == (words, os)


@pytest.fixture
def events(bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        body = lines(okta(1, client=MANILA), okta(2, client=OFFICE))
        record_events(source=source("Okta", Format.OKTA), body=body, door="test", by=system)


def found(client: Client, q: str) -> list[str]:
    page = client.get("/t/northwind/search/", {"q": q, "window": "90"})
    assert not page.context["asked"].fault, page.context["asked"].fault
    return sorted(line.event.actor_name for line in page.context["lines"])


@pytest.mark.django_db
def test_place_and_device_are_kept_searched_and_shown(events: None, ana: User, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        first, second = AccessEvent.objects.order_by("ord")
    assert (first.src_country, first.src_asn, first.client) == ("PH", 4775, "Chrome 126 on Windows 10")
    assert (second.src_country, second.src_asn, second.client) == ("", None, "curl 8")
    client = Client()
    client.force_login(ana)
    for q in ("country:ph", "country:Philippines", "asn:AS4775", "country:*", 'device:"Chrome 126 on Windows 10"'):
        assert found(client, q) == [first.actor_name], q
    for q in ("-country:PH", "-asn:*", "device:curl*", f'-device:"{CHROME}"'):
        assert found(client, q) == [second.actor_name], q
    assert found(client, "country:PK") == found(client, "asn:47") == []
    refused = client.get("/t/northwind/search/", {"q": "country:Atlantis"}).context["asked"].fault
    assert "two letters" in refused
    shown = client.get(f"/t/northwind/events/{first.key}/").content.decode()
    assert all(words in shown for words in ("Philippines", "AS4775 Globe Telecom", "17 Jun 2026", "Chrome 126 on Win"))
    assert "No country: a private network" in client.get(f"/t/northwind/events/{second.key}/").content.decode()


@pytest.mark.django_db
def test_an_export_as_ocsf_says_place_and_device_validly(events: None, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        event = AccessEvent.objects.order_by("ord")[0]
    told = ocsf_event(event, kept_of(event, str(bpo.uuid)))
    assert faults(told) == []
    end = told["src_endpoint"]
    assert (end["location"], end["autonomous_system"]["number"]) == ({"country": "PH"}, 4775)
    assert (end["os"], told["http_request"]["user_agent"]) == ({"name": "Windows 10", "type_id": 100}, CHROME)
