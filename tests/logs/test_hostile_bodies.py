"""Hostile and broken records: kept with a reason, never half stored, never guessed."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from logs.actions import record_events
from logs.bodies import BodyError
from logs.intake import KEPT_BYTES
from logs.kinds import ClockQuality, Draft, Format, Outcome, SourceSettings
from logs.models import AccessEvent, QuarantinedLine, SourceHour
from logs.parsers import PARSERS
from logs.queries.sealed import sealed_event
from logs.sealing import differences
from tenants.kinds import Actor
from tenants.models import Tenant
from tests.logs.sources import SSHD_OK, lines, okta, source

pytestmark = pytest.mark.django_db
MAPPING = {
    "columns": {"time": "occurred_at", "user": "actor_name", "n": "rows_count", "what": "action"},
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
        "é" * 3000,
    ],
)
def test_a_hostile_name_is_stored_and_sealed(in_bpo: Tenant, system: Actor, name: str) -> None:
    (event,), bad = deliver(lines(row(user=name, what=name[:50])), system)
    assert not bad
    assert "\x00" not in event.actor_name
    assert whole(event)
    assert len(event.actor_key) <= 200


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
    body = lines(*(row(user=name) for name in ("ana", "mallory", "bob", "mallory", "eve")))
    events, rejected = deliver(body, system)
    assert [(event.actor_name, event.ord) for event in events] == [("ana", 0), ("bob", 1), ("eve", 2)]
    assert [one.position for one in rejected] == [1, 3]
    assert "invalid input syntax for type inet" in rejected[0].reason
    assert all(whole(event) for event in events)
