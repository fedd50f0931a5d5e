"""Changing routing rules: versions, who may, what each tenant's trail says, and what the database itself refuses."""

import hashlib

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, ProgrammingError, connection, transaction

from ledger.entries import canonical
from logs.actions import RoutingPlan, change_source, issue_source_token, record_events, route_source, switch_source
from logs.actions.sources import SourcePlan
from logs.kinds import Format
from logs.models import LogSource, SourceRouting
from logs.routing import Condition, Rule
from tenants.kinds import Actor, Refused, Role
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.logs.sources import source
from tests.logs.test_route_events import routed, rule, shared

pytestmark = pytest.mark.django_db

__all__ = ["shared"]


def deeds(tenant: Tenant) -> list[AuditEntry]:
    with tenant_scope(tenant):
        return list(AuditEntry.objects.filter(verb="source.route").order_by("at"))


def test_a_version_is_kept_whole_and_each_tenant_is_told_its_own_rules(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant
) -> None:
    with tenant_scope(bpo):
        version = SourceRouting.objects.get()
        assert (version.version, version.by, version.reason) == (1, "system:tests", "Two clients share it.")
        assert LogSource.objects.get(pk=shared.pk).routing_version == 1
    home, there = deeds(bpo)[0], deeds(acme)[0]
    assert home.detail["clients"] == ["acme", "zenith"]
    assert home.detail["sha256"] == there.detail["sha256"] == bytes(version.digest).hex()
    assert [one["to"] for one in there.detail["rules"]] == [str(acme.uuid)]
    assert "zenith" not in str(there.detail)
    sealed = canonical({"rules": version.rules, "source": shared.pk, "tenant": str(bpo.uuid), "version": 1})
    assert bytes(version.digest) == hashlib.sha256(bytes(version.salt) + sealed).digest()


def test_a_client_that_is_named_no_more_is_told_too_and_its_source_stays(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        of = LogSource.objects.get(pk=shared.pk)
        routed(of, [rule(zenith, "*@zenith.example")], system, "Acme has its own now.")
    assert [entry.detail["version"] for entry in deeds(acme)] == [1, 2]
    assert deeds(acme)[-1].detail["rules"] == []
    with tenant_scope(acme):
        fed = LogSource.objects.get()
        assert (fed.fed_by_id, fed.fed_by_source, fed.expected) == (bpo.pk, shared.pk, {})


def test_only_own_clients_receive(
    shared: LogSource, bpo: Tenant, acme: Tenant, strangers: Tenant, system: Actor
) -> None:
    rules = [rule(acme, "a*"), rule(strangers, "b*")]
    with tenant_scope(bpo):
        of = LogSource.objects.get(pk=shared.pk)
        with pytest.raises(ValidationError, match="Rule 2 names no client of this tenant"):
            routed(of, rules, system)
        assert SourceRouting.objects.count() == 1


def test_the_database_lets_nobody_but_the_own_operator_feed_a_tenant(
    shared: LogSource, bpo: Tenant, acme: Tenant, strangers: Tenant
) -> None:
    with tenant_scope(acme):
        mine = LogSource.objects.get()
    with tenant_scope(strangers):
        theirs = source("Theirs")
        with pytest.raises(IntegrityError, match="log_source_is_fed_by_its_own_operator"), transaction.atomic():
            LogSource.objects.filter(pk=theirs.pk).update(fed_by=bpo, fed_by_source=shared.pk, fed_by_name="x")
    with (
        tenant_scope(acme),
        pytest.raises(IntegrityError, match="log_source_is_fed_by_a_source_of_its_operator"),
        transaction.atomic(),
    ):
        LogSource.objects.filter(pk=mine.pk).update(fed_by_source=theirs.pk)


@pytest.mark.parametrize("statement", ["UPDATE logs_sourcerouting SET reason = 'x'", "DELETE FROM logs_sourcerouting"])
def test_versions_are_append_only(shared: LogSource, bpo: Tenant, statement: str) -> None:
    denied = pytest.raises(ProgrammingError, match="permission denied")
    with tenant_scope(bpo), denied, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_change_needs_a_reason_a_difference_and_the_newest_version(
    shared: LogSource, bpo: Tenant, acme: Tenant, zenith: Tenant, system: Actor
) -> None:
    same = [rule(acme, "*@acme.example"), rule(zenith, "*@zenith.example")]
    with tenant_scope(bpo):
        of = LogSource.objects.get(pk=shared.pk)
        for rules, reason, after, said in (
            (same, "Again.", 1, "hold already"),
            ([], " ", 1, "Say why"),
            ([], "None.", 0, "Somebody made version 1"),
        ):
            with pytest.raises(ValidationError, match=said):
                route_source(source=of, plan=RoutingPlan(rules=tuple(rules), reason=reason, after=after), by=system)


def test_who_may_not_manage_sources_may_not_route(shared: LogSource, bpo: Tenant, ana: User) -> None:
    with tenant_scope(bpo), pytest.raises(Refused, match="does not allow you to route"):
        routed(LogSource.objects.get(pk=shared.pk), [], make.actor(ana, bpo))


def test_a_routed_source_is_read_only_at_the_client(shared: LogSource, acme: Tenant) -> None:
    officer = make.user("officer")
    make.member(officer, acme, Role.OFFICER)
    by = make.actor(officer, acme)
    with tenant_scope(acme):
        fed = LogSource.objects.get()
        plan = SourcePlan(name="Mine", format=Format.OKTA, log_types=(1,))
        for deed in (
            lambda: record_events(source=fed, body=b"x\n", door="http", by=by),
            lambda: change_source(source=fed, plan=plan, by=by),
            lambda: switch_source(source=fed, enabled=False, by=by),
            lambda: issue_source_token(source=fed, by=by),
            lambda: routed(fed, [Rule(str(acme.uuid), (Condition("user", ("a*",)),))], by),
        ):
            with pytest.raises(Refused, match="fed from a shared source"):
                deed()


def test_a_client_shares_nothing_with_others(acme: Tenant) -> None:
    by = Actor.system("tests", acme.pk)
    with tenant_scope(acme), pytest.raises(Refused, match="a client itself"):
        routed(source("Own"), [rule(acme, "a*")], by)
