"""A made-up BPO's week: the planted incidents of our rules are found, and normal traffic raises nothing."""

from datetime import date, datetime
from typing import Any

import pytest

from alerts.kinds import Rule, Severity
from alerts.models import Alert
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import System
from logs.actions import SourcePlan, add_source, record_events
from logs.simulate import BPO, Scenario
from logs.simulate.world import HOME_ZONE
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import make
from tests.alerts import world

pytestmark = pytest.mark.django_db
START = date(2026, 8, 1)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(seed=3, agents=60, days=5, start=START, clients=(), activity=0.05)


def settle(tenant: Tenant, scenario: Scenario, by: Actor) -> None:
    """Fill the register from the scenario's own lists."""
    with tenant_scope(tenant):
        upsert_identities(body=scenario.people_csv(), by=by)
        for system in scenario.systems():
            if system.tenant_key == BPO:
                made = save_system(facts=SystemFacts(system.name, system.key, f"{system.privileged_rule}\n"), by=by)
                sheet = scenario.grants(system.key)
                upload = SnapshotUpload(sheet.csv, sheet.captured_at, sheet.total, "list.csv", "", "", "tests")
                import_snapshot(system=made, upload=upload, by=by)


def send(tenant: Tenant, scenario: Scenario, by: Actor) -> None:
    """Deliver every source's lines of the week."""
    for source in scenario.sources():
        with tenant_scope(tenant):
            plan = SourcePlan(
                name=source.title,
                format=source.format,
                system=System.objects.get(key=source.system_key),
                log_types=source.log_types,
                time_zone=source.time_zone,
                year=START.year,
                mapping=dict(source.mapping) or None,
                key=source.name,
            )
            made = add_source(plan=plan, by=by)
        with tenant_scope(tenant):
            answer = record_events(source=made, body=scenario.lines(source), door="tests", by=by)
        assert answer.quarantined == 0


@pytest.fixture
def raised(scenario: Scenario) -> list[Alert]:
    """The alerts of the week."""
    tenant = make.tenant("northwind", time_zone=HOME_ZONE)
    by = Actor.system("tests", tenant.pk)
    settle(tenant, scenario, by)
    send(tenant, scenario, by)
    while world.look(tenant, limit=700).more:
        pass
    with tenant_scope(tenant):
        return list(Alert.objects.select_related("identity").order_by("first_at"))


def test_planted_incidents_are_found_and_nothing_else(scenario: Scenario, raised: list[Alert]) -> None:
    truth: Any = scenario.truth()["incidents"]
    planted = {one["kind"]: one for one in truth}
    found = {(alert.rule, alert.account_name or alert.source_ip): alert for alert in raised}
    brute = found[Rule.FAILED_ACCOUNT, planted["brute_force"]["account"]]
    assert (brute.severity, brute.attempts, brute.numbers["succeeded"]) == (Severity.CRITICAL, 30, True)
    sprayed = found[Rule.FAILED_SOURCE, planted["password_spraying"]["address"]]
    assert sprayed.attempts == sum(planted["password_spraying"]["records"].values())
    night = found[Rule.OUT_OF_HOURS, planted["out_of_hours"]["account"]]
    assert (night.severity, night.identity is not None) == (Severity.HIGH, True)
    assert [str(alert) for alert in raised if not explained(alert, truth)] == []


def explained(alert: Alert, truth: list[dict[str, Any]]) -> bool:
    """Whether the alert lies within a planted incident of the same account or address."""
    for one in truth:
        same = (one["account"] and alert.account_name == one["account"].lower()) or alert.source_ip == one["address"]
        if same and datetime.fromisoformat(one["since"]) <= alert.first_at <= datetime.fromisoformat(one["until"]):
            return True
    return False
