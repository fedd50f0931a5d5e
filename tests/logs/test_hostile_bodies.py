"""Hostile and broken records: kept with a reason, never half stored, never guessed."""

import hashlib
import json
import tracemalloc
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from logs.actions import record_events
from logs.bodies import BodyError
from logs.intake import KEPT_BYTES
from logs.kinds import ClockQuality, Draft, Format, Outcome, ParseError, SourceSettings
from logs.models import AccessEvent, QuarantinedLine, SourceHour, UsageDay
from logs.parsers import PARSERS
from logs.queries.sealed import sealed_event
from logs.sealing import differences
from tenants.kinds import Actor
from tenants.models import Tenant
from tests.logs.sources import SSHD_OK, lines, okta, source

pytestmark = pytest.mark.django_db
LONG_FIELDS = {name: name for name in ("app", "dst_host", "database", "table", "target_kind")}
LONG = dict.fromkeys([*LONG_FIELDS, "what"], "\U0001f4a5" * 4000)
"""Fields that are too long together for the ledger's entry."""

MAPPING = {
    "columns": {"time": "occurred_at", "user": "actor_name", "n": "rows_count", "what": "action"} | LONG_FIELDS,
    "log_type": "application",
    "outcome": "success",
}


def deliver(body: bytes, by: Actor, form: Format = Format.JSON) -> tuple[list[AccessEvent], list[QuarantinedLine]]:
    made = source("Any", form, mapping=MAPPING if form == Format.JSON else None)
    answer = record_events(source=made, body=body, door="test", by=by)
    events, bad = list(AccessEvent.objects.order_by("ord")), list(QuarantinedLine.objects.order_by("position"))
    assert (answer.stored, answer.quarantined) == (len(events), len(bad))
    return events, bad


def row(**fields: object) -> bytes:
    return json.dumps({"time": "2026-11-20T10:00:00Z", "user": "ana", **fields}).encode()


def whole(event: AccessEvent) -> bool:
    """Whether what is shown follows from what is sealed; the leaf is looked up once the scope has ended."""
    entry = sealed_event(event)
    return differences(entry.core, entry.subj, entry.shown or {}) == []


@pytest.mark.parametrize(
    "name",
    [
        "a\x00b",
        "back\\slash\ttab\nline\rreturn",
        "sep\x1f\x1earated",
        "\u202eright to left",
        "=cmd()",
        "100 %s",
        "é" * 3000,
    ],
)
def test_a_hostile_name_is_stored_and_sealed(in_bpo: Tenant, system: Actor, name: str) -> None:
    record = row(user=name, what=name[:50])
    (event, same), bad = deliver(lines(record, record), system)
    assert not bad
    assert bytes(event.raw or b"") == bytes(same.raw or b"") == record
    assert (event.ord, same.ord, same.actor_name) == (0, 1, event.actor_name)
    assert "\x00" not in event.actor_name
    assert whole(event)
    assert len(event.actor_key) <= 200


@pytest.mark.parametrize("name", [b"a\0b", rb"\x41 \101 \\", b"tab\t\x1f\x1e", b"\xff\xfe", "\u00a0é".encode()])
def test_every_byte_of_a_record_is_kept(in_bpo: Tenant, system: Actor, name: bytes) -> None:
    record = b"Nov 20 09:16:02 web1 sshd[4243]: Failed password for %b from 198.51.100.9 port 41000 ssh2" % name
    (event,), bad = deliver(lines(record), system, Format.SSHD_SYSLOG)
    assert not bad
    assert bytes(event.raw or b"") == record
    assert whole(event)


def test_a_long_line_is_cut_and_says_so(in_bpo: Tenant, system: Actor) -> None:
    long = b"x" * 10_000_000
    events, (kept,) = deliver(lines(SSHD_OK, long), system, Format.SSHD_SYSLOG)
    assert len(events) == 1
    assert (len(kept.raw), kept.raw_bytes, kept.cut) == (KEPT_BYTES, len(long), True)
    assert bytes(kept.raw_sha256) == hashlib.sha256(long).digest()
    assert "65,536" in kept.reason


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff\xfe{}",
        b'{"time": "2026-11-20T10:00',
        b"[1, 2",
        b"\x00\x00\x00",
        b"[]]",
        b'{"time": "2026-11-20T10:00:00Z", "user": "\\ud800"}',
    ],
)
def test_a_broken_record_is_kept_with_its_reason(in_bpo: Tenant, system: Actor, bad: bytes) -> None:
    events, rejected = deliver(lines(row(), bad, row(user="bob")), system)
    assert [event.actor_name for event in events] == ["ana", "bob"]
    assert bad in [bytes(one.raw) for one in rejected]
    assert all(one.reason.endswith(".") for one in rejected)
    assert sum(hour.quarantined for hour in SourceHour.objects.all()) == len(rejected)


def test_numbers_that_no_column_holds_are_quarantined(in_bpo: Tenant, system: Actor) -> None:
    events, rejected = deliver(lines(row(n=2**60), row(n=10**30), row(n=7)), system)
    assert [event.rows_count for event in events][-1] == 7
    assert len(events) + len(rejected) == 3
    assert all(whole(event) for event in events)


def test_absurd_sizes_never_stop_a_source(in_bpo: Tenant, system: Actor) -> None:
    made = source("Any", Format.JSON, mapping=MAPPING)
    for start in (0, 1100):
        body = lines(*(row(n=2**53 - 1, id=number) for number in range(start, start + 1100)))
        assert record_events(source=made, body=body, door="test", by=system).stored == 1100
    (day,) = UsageDay.objects.all()
    assert (day.events, day.rows_count) == (2200, 2**63 - 1)


def test_a_body_of_too_many_records_is_refused(in_bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logs.intake.MAX_RECORDS", 3)
    made = source("Any", Format.JSON, mapping=MAPPING)
    with pytest.raises(BodyError, match="more than 3 records"):
        record_events(source=made, body=b"x\n" * 4, door="test", by=system)
    assert not QuarantinedLine.objects.exists()
    assert record_events(source=made, body=b"x\n" * 3, door="test", by=system).quarantined == 3


def test_many_bad_records_take_little_memory(in_bpo: Tenant, system: Actor) -> None:
    made, body = source("Any", Format.JSON, mapping=MAPPING), b"x\n" * 60_000
    tracemalloc.start()
    answer = record_events(source=made, body=body, door="test", by=system)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.quarantined == QuarantinedLine.objects.count() == 60_000
    assert peak < 12_000_000


def test_an_array_of_millions_of_values_is_refused_unread(
    in_bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.parsers.framing.MAX_COMMAS", 600_000)
    with pytest.raises(ParseError, match="line by line"):
        deliver(b"[" + b"1," * 700_000 + b"1]", system)


def test_a_byte_order_mark_belongs_to_no_record(in_bpo: Tenant, system: Actor) -> None:
    (event,), bad = deliver(BOM_UTF8 + row() + b"\n", system)
    assert (bytes(event.raw), bad) == (row(), [])


def test_times_ahead_are_clamped_and_absurd_ones_quarantined(in_bpo: Tenant, system: Actor) -> None:
    now = timezone.now()
    times = [now + timedelta(seconds=60), now + timedelta(hours=2), now + timedelta(days=3), now.replace(year=1970)]
    events, rejected = deliver(lines(*(row(time=at.isoformat()) for at in times)), system)
    assert len(events) == len(rejected) == 2
    near, far = events
    assert near.clock_quality != ClockQuality.FUTURE_CLAMPED
    assert (far.clock_quality, far.occurred_at) == (ClockQuality.FUTURE_CLAMPED, far.received_at)
    assert json.loads(bytes(far.core))["stated_at"].startswith(times[1].strftime("%Y-%m-%dT%H:%M"))


def test_an_empty_body_is_refused(in_bpo: Tenant, system: Actor) -> None:
    with pytest.raises(BodyError, match="empty"):
        deliver(b"", system)


def test_blank_lines_are_no_records(in_bpo: Tenant, system: Actor) -> None:
    events, bad = deliver(b"\n\n" + row() + b"\r\n\n  \n", system)
    assert (len(events), bad) == (1, [])


def test_a_json_array_and_a_wrapped_document_are_read(in_bpo: Tenant, system: Actor) -> None:
    array = b"[\n" + okta(1) + b",\n" + okta(2) + b"\n]"
    events, bad = deliver(array, system, Format.OKTA)
    assert ([event.native_id for event in events], bad) == (["event-1", "event-2"], [])


def test_a_name_in_the_log_never_chooses_the_tenant(acme: Tenant, in_bpo: Tenant, system: Actor) -> None:
    (event,), _bad = deliver(lines(row(tenant=acme.pk, tenant_id=acme.pk)), system)
    assert event.tenant_id == in_bpo.pk


def test_a_record_that_the_database_refuses_takes_no_other_with_it(
    in_bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = PARSERS[Format.JSON]

    def careless(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
        for outcome in honest.parse(body, settings):
            broken = isinstance(outcome, Draft) and outcome.actor_name == "mallory"
            yield msgspec.structs.replace(outcome, src_ip="999.1.2.3") if broken else outcome

    monkeypatch.setitem(PARSERS, Format.JSON, honest._replace(parse=careless))
    body = lines(*(row(user=name) for name in ("ana", "mallory", "bob", "mallory", "eve")), row(**LONG))
    events, rejected = deliver(body, system)
    assert [(event.actor_name, event.ord) for event in events] == [("ana", 0), ("bob", 1), ("eve", 2)]
    assert sorted(one.position for one in rejected) == [1, 3, 5]
    assert "'999.1.2.3' is no address." in rejected[0].reason
    assert all(whole(event) for event in events)
