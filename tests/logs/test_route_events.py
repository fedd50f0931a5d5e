"""A shared source: each event to exactly one tenant's log; what the operator keeps and what a client gets."""

import hashlib
import json
from collections.abc import Sequence

import pytest
from django.db import connection

from logs.actions import RoutingPlan, RulesChangedError, record_events, route_source
from logs.answers import DeliveryAnswer
from logs.kinds import Format
from logs.models import (
    AccessEvent,
    Delivery,
    LogSource,
    QuarantinedLine,
    SourceHour,
    SourceRouting,
    UsageDay,
)
from logs.routing import Condition, Rule
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs.sources import lines, okta, source

pytestmark = pytest.mark.django_db


def who(number: int, domain: str) -> bytes:
    """Return one Okta event of somebody of a domain."""
    name = f"agent{number}@{domain}"
    return okta(number, actor={"id": f"00u{number}", "type": "User", "alternateId": name, "displayName": "A"})


def rule(tenant: Tenant, *patterns: str, field: str = "user") -> Rule:
    return Rule(str(tenant.uuid), (Condition(field, patterns),))


def routed(of: LogSource, rules: Sequence[Rule], by: Actor, reason: str = "Two clients share it.") -> SourceRouting:
    plan = RoutingPlan(rules=tuple(rules), reason=reason, after=of.routing_version)
    return route_source(source=of, plan=plan, by=by)


@pytest.fixture
def shared(bpo: Tenant, acme: Tenant, zenith: Tenant, system: Actor) -> LogSource:
    """A source of the BPO whose rules name both clients."""
    with tenant_scope(bpo):
        of = source("Single sign-on", Format.OKTA)
        routed(of, [rule(acme, "*@acme.example"), rule(zenith, "*@zenith.example")], system)
    return of


def deliver(of: LogSource, *records: bytes, by: Actor | None = None) -> DeliveryAnswer:
    with tenant_scope(of.tenant):
        system = by or Actor.system("tests", of.tenant_id)
        return record_events(source=of, body=lines(*records), door="http", by=system)


def actors(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return sorted(AccessEvent.objects.values_list("actor_name", flat=True))


MIXED = [
    *(who(1, "acme.example"), who(2, "zenith.example"), b"cannot be read", who(3, "acme.example")),
    who(4, "x.example"),
]


def test_each_event_goes_to_one_tenant_and_the_rest_stays(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant
) -> None:
    answer = deliver(shared, *MIXED)
    assert (answer.received, answer.stored, answer.quarantined) == (5, 4, 1)
    assert answer.as_json()["routed"] == {"acme": 2, "zenith": 1}
    assert [actors(tenant) for tenant in (bpo, acme, zenith)] == [
        ["agent4@x.example"],
        ["agent1@acme.example", "agent3@acme.example"],
        ["agent2@zenith.example"],
    ]


def test_a_part_is_a_delivery_of_the_clients_own_and_tells_nothing_of_others(
    shared: LogSource, bpo: Tenant, acme: Tenant
) -> None:
    answer = deliver(shared, *MIXED)
    with tenant_scope(acme):
        part = Delivery.objects.get()
        events = list(AccessEvent.objects.order_by("ord"))
        body = b"".join(bytes(event.raw or b"") + b"\n" for event in events)
        said = json.loads(bytes(part.core))
        assert [(event.ord, event.position) for event in events] == [(0, 0), (1, 1)]
        assert (part.received, part.stored, part.body_bytes) == (2, 2, len(body))
        assert bytes(part.body_sha256) == hashlib.sha256(body).digest()
        assert (said["origin_batch"], said["routing"], said["tenant"]) == (str(answer.batch), 1, str(acme.uuid))
        assert set(UsageDay.objects.values_list("actor_key", flat=True)) == {event.actor_key for event in events}
    with tenant_scope(bpo):
        whole = Delivery.objects.get()
        version = SourceRouting.objects.get()
    sealed = json.loads(bytes(whole.core))
    assert (whole.stored, whole.routed, sealed["routed"]) == (1, 3, 3)
    assert {one["tenant"]: one["batch"] for one in sealed["routed_to"]}[str(acme.uuid)] == str(part.pk)
    assert sealed["routing_sha256"] == said["routing_sha256"] == bytes(version.digest).hex()


def test_what_cannot_be_read_and_the_hours_of_coverage_stay_with_the_operator(
    shared: LogSource, bpo: Tenant, acme: Tenant
) -> None:
    deliver(shared, *MIXED)
    with tenant_scope(acme):
        assert QuarantinedLine.objects.count() == 0
        assert sum(SourceHour.objects.values_list("events", flat=True)) == 2
    with tenant_scope(bpo):
        assert QuarantinedLine.objects.get().position == 2
        assert sum(SourceHour.objects.filter(source_id=shared.pk).values_list("events", flat=True)) == 4
        assert LogSource.objects.get(pk=shared.pk).last_occurred_at is not None


def test_a_record_that_cannot_be_sealed_is_quarantined_at_the_operator_at_its_own_place(
    shared: LogSource, bpo: Tenant, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.intake.MAX_CORE_BYTES", 600)
    long = who(1, "acme.example").replace(b"user.session.start", b"e" * 900)
    answer = deliver(shared, who(2, "zenith.example"), who(3, "acme.example"), long, who(4, "acme.example"))
    assert (answer.stored, answer.quarantined, answer.routed) == (3, 1, {"acme": 2, "zenith": 1})
    with tenant_scope(bpo):
        assert QuarantinedLine.objects.get().position == 2
        assert Delivery.objects.get().errors[0]["index"] == 2
    with tenant_scope(acme):
        assert (Delivery.objects.get().quarantined, AccessEvent.objects.count()) == (0, 2)


def test_the_same_body_again_changes_nothing_and_gets_the_answer_of_then(
    shared: LogSource, bpo: Tenant, acme: Tenant
) -> None:
    first, again = deliver(shared, *MIXED), deliver(shared, *MIXED)
    assert (again.replayed, again.stored, again.routed) == (True, first.stored, first.routed)
    for tenant, deliveries in ((bpo, 1), (acme, 1)):
        with tenant_scope(tenant):
            assert Delivery.objects.count() == deliveries


def test_a_record_with_an_id_is_stored_once_even_when_the_rules_change_between(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant, system: Actor
) -> None:
    deliver(shared, who(1, "acme.example"))
    with tenant_scope(bpo):
        of = LogSource.objects.get(pk=shared.pk)
        routed(of, [rule(zenith, "*@acme.example")], system, "The desk has moved to Zenith.")
    answer = deliver(of, who(1, "acme.example"), who(2, "acme.example"))
    assert (answer.stored, answer.duplicates, answer.routed) == (1, 1, {"zenith": 1})
    assert [actors(tenant) for tenant in (acme, zenith)] == [["agent1@acme.example"], ["agent2@acme.example"]]


def test_a_rule_for_the_operator_keeps_what_later_rules_would_give_away(
    bpo: Tenant, acme: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        of = source("VPN", Format.OKTA)
        routed(of, [rule(bpo, "agent1@*"), rule(acme, "*@acme.example")], system)
    deliver(of, who(1, "acme.example"), who(2, "acme.example"))
    assert (actors(bpo), actors(acme)) == (["agent1@acme.example"], ["agent2@acme.example"])


def test_a_source_without_rules_answers_as_ever(bpo: Tenant) -> None:
    with tenant_scope(bpo):
        of = source("Plain", Format.OKTA)
    assert "routed" not in deliver(of, who(1, "acme.example")).as_json()


def test_the_queries_of_a_delivery_do_not_grow_with_its_records(shared: LogSource, bpo: Tenant) -> None:
    deliver(shared, who(99, "acme.example"), who(98, "zenith.example"))
    counts = []
    for first in (0, 100):
        records = [who(first + n, ("acme", "zenith")[n % 2] + ".example") for n in range(4 if not first else 80)]
        before = len(connection.queries_log)
        connection.force_debug_cursor = True
        deliver(shared, *records)
        counts.append(len(connection.queries_log) - before)
    connection.force_debug_cursor = False
    assert counts[0] == counts[1] > 10


def test_rules_that_changed_meanwhile_make_the_delivery_come_again(
    shared: LogSource, bpo: Tenant, acme: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        old = LogSource.objects.get(pk=shared.pk)
        routed(LogSource.objects.get(pk=shared.pk), [], system, "Nobody shares it any more.")
    with pytest.raises(RulesChangedError):
        deliver(old, *MIXED)
    with tenant_scope(acme):
        assert AccessEvent.objects.count() == 0
