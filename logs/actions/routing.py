"""Deeds on routing: a new version of a shared source's rules, and the sources at the clients that it feeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from ledger.entries import Json, salts
from logs.actions.sources import free_key
from logs.models import Grade, LogSource, SourceRouting
from logs.policies import can_route_source
from logs.queries.routing import rules_of
from logs.routing import Rule, as_json, digest_of, problem_of
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Tenant
from tenants.scope import client_scope

NAME_CHARS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingPlan:
    """The rules that are to hold, why, and the version they were made from (0 for none)."""

    rules: tuple[Rule, ...]
    reason: str
    after: int


@transaction.atomic
def route_source(*, source: LogSource, plan: RoutingPlan, by: Actor) -> SourceRouting:
    """Give a source new routing rules: a version for what is delivered from now on; stored events never move.

    Each client that the rules name gets a routed source, once; its trail and those of the clients that were named so
    far tell of the change too, with the rules that lead there and no others.

    Raises:
        Refused: the actor may not route the source.
        ValidationError: a rule is wrong, the rules hold already, no reason is given, or another version came between.
    """
    tenant = Tenant.objects.get(pk=by.tenant_id)
    enforce(can_route_source(by, source, tenant))
    locked = LogSource.objects.select_for_update(no_key=True).get(pk=source.pk)
    before = rules_of(locked)
    clients = {str(client.uuid): client for client in Tenant.objects.filter(parent=tenant)}
    _check(plan, locked, before, {*clients, str(tenant.uuid)})
    made = _version(locked, plan, by, str(tenant.uuid))
    named = {rule.receiver for rule in (*before, *plan.rules)} & set(clients)
    for client in sorted((clients[uuid] for uuid in named), key=lambda one: one.pk):
        own = [rule for rule in plan.rules if rule.receiver == str(client.uuid)]
        with client_scope(client):
            fed = _feed(locked, tenant, client, by)
            audit("source.route", by=by, target=fed.name, detail=_facts(made, own))
    source.routing_version = made.version
    receivers = sorted(clients[uuid].slug for uuid in {rule.receiver for rule in plan.rules} & set(clients))
    audit("source.route", by=by, target=source.name, detail={**_facts(made, plan.rules), "clients": receivers})
    return made


def _check(plan: RoutingPlan, source: LogSource, before: Sequence[Rule], receivers: set[str]) -> None:
    if plan.after != source.routing_version:
        message = f"Somebody made version {source.routing_version} of the rules meanwhile: look at it and try again."
        raise ValidationError(message)
    if problem := problem_of(plan.rules, receivers):
        raise ValidationError(problem)
    if tuple(plan.rules) == tuple(before):
        message = "These rules hold already: change one, or leave them as they are."
        raise ValidationError(message)
    if not plan.reason.strip():
        message = "Say why the rules are changed: it stands in the trail of every tenant concerned."
        raise ValidationError(message)


def _version(source: LogSource, plan: RoutingPlan, by: Actor, owner: str) -> SourceRouting:
    number, rules, salt = source.routing_version + 1, as_json(plan.rules), salts(1)[0]
    sealed: dict[str, Json] = {"rules": rules, "source": source.pk, "tenant": owner, "version": number}
    made = SourceRouting.objects.create(
        source=source,
        version=number,
        rules=rules,
        reason=plan.reason.strip(),
        by=by.name[:200],
        made_at=timezone.now(),
        salt=salt,
        digest=digest_of(sealed, salt),
    )
    source.routing_version = number
    source.save(update_fields=["routing_version"])
    return made


def _facts(made: SourceRouting, rules: Sequence[Rule]) -> Mapping[str, Any]:
    digest = bytes(made.digest).hex()
    return {"version": made.version, "sha256": digest, "reason": made.reason, "rules": as_json(rules)}


def _feed(source: LogSource, operator: Tenant, client: Tenant, by: Actor) -> LogSource:
    """Return the open client's source that is fed from this one; makes it on first use and keeps its words up to date.

    It has no schedule of its own: silence at one client says nothing, the operator's source is what must deliver.
    """
    fed = LogSource.objects.filter(fed_by_source=source.pk).first()
    if fed is None:
        name = _free_name(f"{source.name} ({operator.name})")
        fed = LogSource(name=name, key=free_key(source.name), fed_by=operator, fed_by_source=source.pk)
        audit("source.add", by=by, target=name, detail={"fed_by": source.name, "operator": operator.name})
    fed.fed_by_name, fed.format, fed.log_types = source.name, source.format, source.log_types
    fed.time_zone, fed.year, fed.grade = source.time_zone, source.year, Grade(source.grade)
    fed.tenant = client
    fed.save()
    return fed


def _free_name(wanted: str) -> str:
    """Return the name, with a number where another source of the open tenant has it already."""
    base = wanted[: NAME_CHARS - 5]
    taken = set(LogSource.objects.filter(name__startswith=base).values_list("name", flat=True))
    names = [base, *(f"{base} {number}" for number in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)
