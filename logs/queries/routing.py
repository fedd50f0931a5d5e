"""Routing: the rules and versions of a source, and what a changed rule set would do with what was delivered lately."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from logs.models import AccessEvent, Delivery, LogSource, SourceRouting
from logs.routing import OPERATOR, Router, Rule, from_json
from tenants.kinds import Actor, Permission
from tenants.models import Tenant, User
from tenants.queries import actor_for
from tenants.scope import client_scope

MOST_EVENTS: Final = 1000
RECENT: Final = timedelta(days=7)
SAMPLES: Final = 20
_DELIVERIES: Final = 300
SEALED: Final = ("core", "subj", "raw", "salts")


def rules_of(source: LogSource) -> tuple[Rule, ...]:
    """Return the rules that hold for a source, none for one that was never routed."""
    if not source.routing_version:
        return ()
    return from_json(SourceRouting.objects.get(source=source, version=source.routing_version).rules)


def receivers_of(operator: Tenant) -> dict[str, Tenant]:
    """Return the tenants that a rule of the operator may name, by UUID: its clients by name, then itself."""
    clients = Tenant.objects.filter(parent=operator).order_by("name", "id")
    return {str(tenant.uuid): tenant for tenant in (*clients, operator)}


@dataclass(frozen=True, slots=True)
class ShownRule:
    """One rule in words: the receiver's name and the conditions."""

    receiver: str
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """One version of a source's rules in words."""

    routing: SourceRouting
    rules: Sequence[ShownRule]


def in_words(rules: Sequence[Rule], receivers: Mapping[str, Tenant]) -> list[ShownRule]:
    """Return rules as pages show them."""
    return [
        ShownRule(
            receivers[rule.receiver].name if rule.receiver in receivers else rule.receiver,
            tuple(map(str, rule.conditions)),
        )
        for rule in rules
    ]


def versions_of(source: LogSource, receivers: Mapping[str, Tenant], limit: int = 20) -> list[ShownVersion]:
    """Return the newest versions of a source's rules, newest first."""
    rows = SourceRouting.objects.filter(source=source).order_by("-version")[:limit]
    return [ShownVersion(row, in_words(from_json(row.rules), receivers)) for row in rows]


@dataclass(frozen=True, slots=True)
class Flow:
    """How many of the events that were looked at go from one tenant, by the rules of now, to one, by the new rules."""

    before: str
    after: str
    events: int

    @property
    def moves(self) -> bool:
        """Whether the new rules send them elsewhere."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Sample:
    """One event that would go elsewhere."""

    event: AccessEvent
    before: str
    after: str


@dataclass(slots=True)
class Trial:
    """What changed rules would have done with the newest events of a source; nothing of it is stored.

    ``samples`` are events that would go elsewhere, of the tenants whose events the person may read; ``shown_of`` says
    how many of each tenant (its id), because looking at logs is a deed.
    """

    looked_at: int = 0
    since: datetime | None = None
    flows: list[Flow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    shown_of: Counter[int] = field(default_factory=Counter)

    @property
    def moved(self) -> int:
        """How many events would have gone elsewhere."""
        return sum(flow.events for flow in self.flows if flow.moves)


def try_rules(source: LogSource, rules: Sequence[Rule], receivers: Mapping[str, Tenant], *, by: Actor) -> Trial:
    """Run the rules of now and the new ones over the newest events of a source, wherever those went; writes nothing.

    At most 1,000 events of the last 7 days. The number of queries grows with the clients that the source feeds, never
    with the events.
    """
    now, new = Router(rules_of(source)), Router(rules)
    owner = str(source.tenant.uuid)
    found = sorted(_newest(source, receivers), key=lambda event: (event.received_at, event.id), reverse=True)
    found = found[:MOST_EVENTS]
    trial = Trial(looked_at=len(found), since=found[-1].received_at if found else None)
    readable = _readable(receivers, {event.tenant_id for event in found}, by)
    by_flow: dict[tuple[str, str], list[AccessEvent]] = defaultdict(list)
    for event in found:
        before, after = (_name(router.receiver(event) or owner, receivers) for router in (now, new))
        by_flow[before, after].append(event)
    trial.flows = [Flow(*ends, len(events)) for ends, events in sorted(by_flow.items())]
    moving = [
        (flow, [one for one in by_flow[flow.before, flow.after] if one.tenant_id in readable])
        for flow in trial.flows
        if flow.moves
    ]
    for flow, events in moving:
        for event in events[: max(1, SAMPLES // len(moving))][: SAMPLES - len(trial.samples)]:
            trial.samples.append(Sample(event, flow.before, flow.after))
            trial.shown_of[event.tenant_id] += 1
    return trial


def _name(uuid: str, receivers: Mapping[str, Tenant]) -> str:
    return receivers[uuid].name if uuid != OPERATOR and uuid in receivers else uuid


def _newest(source: LogSource, receivers: Mapping[str, Tenant]) -> list[AccessEvent]:
    """Return the newest events of a source at its owner, and at each client that it feeds."""
    found = _events(source)
    for tenant in receivers.values():
        if tenant.pk != source.tenant_id:
            with client_scope(tenant):
                fed = LogSource.objects.filter(fed_by_source=source.pk).first()
                found += _events(fed) if fed else []
    return found


def _events(source: LogSource) -> list[AccessEvent]:
    """Return the newest events of one source, found by its deliveries: events have no index by source."""
    since = timezone.now() - RECENT
    deliveries = Delivery.objects.filter(source=source, received_at__gte=since, stored__gt=0)
    ends: list[datetime] = []
    stored = 0
    for at, number in deliveries.order_by("-received_at").values_list("received_at", "stored")[:_DELIVERIES]:
        ends.append(at)
        stored += number
        if stored >= MOST_EVENTS:
            break
    rows = AccessEvent.objects.filter(received_at__in=ends, source_id=source.pk)
    return list(rows.order_by("-received_at", "-id").defer(*SEALED)[:MOST_EVENTS]) if ends else []


def _readable(receivers: Mapping[str, Tenant], wanted: set[int], by: Actor) -> set[int]:
    """Return the tenants whose events the actor may read: as a member there, whatever they are here."""
    person = User.objects.filter(pk=by.user_id or 0).first()
    found = {by.tenant_id} if by.may(Permission.EVENT_VIEW) and by.sees_all_shareable else set()
    for tenant in receivers.values():
        if person and tenant.pk in wanted - {by.tenant_id}:
            there = actor_for(person, tenant)
            if there and there.may(Permission.EVENT_VIEW) and there.sees_all_shareable:
                found.add(tenant.pk)
    return found
