"""A made-up BPO with over 2,000 grants: every planted case of its truth file is found, and none that is not planted."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from identities.models import Identity, System
from logs.actions import record_events
from logs.simulate import BPO, Scenario
from portal.demo import feeds, register
from reviews.actions import PlanFacts, create_campaign, create_plan, find_causes, open_campaign
from reviews.kinds import Strategy
from reviews.models import Assignment, Campaign, Finding
from tenants.kinds import Actor, Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make

pytestmark = pytest.mark.django_db
WATCHED = ("jump-hosts", "warehouse-db", "aws", "acme-db")
"""The sources that are delivered: the fewest that show the cases. The other systems have no logs at all."""
KINDS = ("leaver_active", "ownerless", "ghost_use", "dormant_privileged", "conflict", "population_gap")


@pytest.fixture
def scenario() -> Scenario:
    start = timezone.now().date() - timedelta(days=95)
    return Scenario(seed=5, agents=60, days=95, start=start, activity=0.05, workforce=1000)


def bring(scenario: Scenario, tenant: Tenant, key: str, by: Actor) -> None:
    """Bring people, lists of three days, and logs of a tenant in by the doors that people use."""
    world = scenario.world
    for leader in (world.admins[0], world.dbas[0], *world.leads):
        user = User.objects.create_user(leader.email, name=leader.name, password=make.PASSWORD)
        make.member(user, tenant, Role.REVIEWER)
    register.bring_people(scenario, key, by)
    watched = {sim.system_key for sim in scenario.sources() if sim.name in WATCHED}
    days: list[date] = [scenario.start, scenario.start + timedelta(days=55)]
    for sim in (sim for sim in scenario.systems() if sim.tenant_key == key):
        system = register.bring_system(scenario, sim, by, first=days if sim.key in watched else [])
        assert system.snapshots.filter(complete=True).exists()
    if key == BPO:
        register.bring_conflicts(scenario, by)
    for told in (one for one in scenario.sources() if one.name in WATCHED and one.tenant_key == key):
        source = feeds.bring_source(told, by)
        record_events(source=source, body=b"".join(scenario.lines(told)), door="file", by=by)


def reviewed(scenario: Scenario, by: Actor) -> Campaign:
    """Open a campaign over every system: its owner reviews, a team lead is the fallback."""
    facts = PlanFacts(
        name="All access",
        systems=list(System.objects.all()),
        fallback=Identity.objects.get(external_id=scenario.world.leads[0].external_id),
        time_zone="UTC",
        starts_on=timezone.localdate(),
        strategy=Strategy.OWNER,
    )
    return open_campaign(
        campaign=create_campaign(plan=create_plan(facts=facts, by=by), occurrence_at=timezone.now(), by=by), by=by
    )


def told(scenario: Scenario, key: str) -> list[dict[str, str]]:
    """Return the cases of a tenant that the truth file tells."""
    truth: Any = json.loads(json.dumps(scenario.truth()))
    home = {sim.key for sim in scenario.systems() if sim.tenant_key == key}
    return [case for case in truth["cases"] if case["system"] in home]


def expected(cases: list[dict[str, str]], scenario: Scenario) -> set[tuple[str, str, str]]:
    """Return the findings that the cases make: no use is seen where no logs are."""
    seen = {sim.system_key for sim in scenario.sources() if sim.name in WATCHED}
    by_use = {"dormant_privileged", "ghost_use"}
    found = [case for case in cases if case["kind"] in KINDS and (case["system"] in seen or case["kind"] not in by_use)]
    return {(case["kind"], case["system"], case["account"]) for case in found}


def found() -> set[tuple[str, str, str]]:
    """Return the findings of the open tenant in the same words."""
    rows = Finding.objects.filter(kind__in=KINDS).select_related("system", "account")
    return {(one.kind, one.system.key, one.account.name if one.account else one.evidence["name"]) for one in rows}


def test_every_planted_case_is_found_and_no_other(scenario: Scenario, in_bpo: Tenant, carla: User) -> None:
    by = make.actor(carla, in_bpo)
    bring(scenario, in_bpo, BPO, by)
    campaign = reviewed(scenario, by)
    assert campaign.items.count() >= 2000
    find_causes(by=by)
    cases = told(scenario, BPO)
    wanted = expected(cases, scenario)
    assert {kind for kind, _system, _account in wanted} == set(KINDS) - {"population_gap"}
    assert found() == wanted
    own = {(case["system"], case["account"]) for case in cases if case["kind"] == "self_review"}
    put = Assignment.objects.filter(campaign=campaign).select_related("item__account", "item__system")
    assert own <= {(one.item.system.key, one.item.account.name) for one in put if one.basis == "fallback"}
    assert not [one for one in put if one.reviewer_id == one.item.subject_id]
    assert find_causes(by=by).opened == 0


def test_a_client_finds_the_cases_of_its_own_systems_and_no_other(
    scenario: Scenario, acme: Tenant, carla: User
) -> None:
    make.member(carla, acme, Role.OFFICER)
    with tenant_scope(acme):
        by = make.actor(carla, acme)
        bring(scenario, acme, "acme", by)
        find_causes(by=by)
        wanted = expected(told(scenario, "acme"), scenario)
        assert {kind for kind, _system, _account in wanted} == {"leaver_active", "ownerless", "ghost_use"}
        assert found() == wanted
