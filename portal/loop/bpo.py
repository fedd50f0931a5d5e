"""A made-up BPO with over 2,000 grants goes through a review: what is wrong in it is known beforehand, and counted."""

from collections import Counter
from datetime import date, timedelta
from typing import Any, Final

from django.utils import timezone

from identities.models import Identity, System
from logs.actions import record_events
from logs.simulate import BPO, Scenario
from portal.demo import feeds, register
from reviews.actions import PlanFacts, create_campaign, create_plan, find_causes, open_campaign
from reviews.kinds import Strategy
from reviews.models import Assignment, Campaign, Finding
from tenants.actions import grant_role, open_tenant
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Tenant, User
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope
from tenants.work import Progress

SLUG: Final = "loop-bpo"
DAYS: Final = 95
WATCHED: Final = ("jump-hosts", "warehouse-db", "aws", "acme-db")
"""The sources that are delivered: the fewest that show the cases. The other systems have no logs at all."""
KINDS: Final = ("leaver_active", "ownerless", "ghost_use", "dormant_privileged", "conflict", "population_gap")
BY_USE: Final = frozenset({"dormant_privileged", "ghost_use"})
Case = tuple[str, str, str]
"""Kind, key of the system, name of the account."""


def made_up(seed: int = 5) -> Scenario:
    """Return the BPO: 60 people on its floor, whose logs are delivered, and 1,000 who hold access beside them."""
    start = timezone.now().date() - timedelta(days=DAYS)
    return Scenario(seed=seed, agents=60, days=DAYS, start=start, activity=0.05, workforce=1000)


def bring(scenario: Scenario, tenant: Tenant, key: str, by: Actor) -> None:
    """Bring people, lists of three days, and logs of a tenant in by the doors that people use."""
    world = scenario.world
    for leader in (world.admins[0], world.dbas[0], *world.leads):
        user = User.objects.create_user(leader.email, name=leader.name)
        grant_role(tenant=tenant, user=user, role=Role.REVIEWER, by=by)
    register.bring_people(scenario, key, by)
    watched = {sim.system_key for sim in scenario.sources() if sim.name in WATCHED}
    days: list[date] = [scenario.start, scenario.start + timedelta(days=55)]
    for sim in (sim for sim in scenario.systems() if sim.tenant_key == key):
        register.bring_system(scenario, sim, by, first=days if sim.key in watched else [])
    if key == BPO:
        register.bring_conflicts(scenario, by)
    for told in (one for one in scenario.sources() if one.name in WATCHED and one.tenant_key == key):
        source = feeds.bring_source(told, by)
        record_events(source=source, body=b"".join(scenario.lines(told)), door="file", by=by)


def open_review(scenario: Scenario, by: Actor) -> Campaign:
    """Open a campaign over every system: its owner reviews, a team lead is the fallback."""
    facts = PlanFacts(
        name="All access",
        systems=list(System.objects.all()),
        fallback=Identity.objects.get(external_id=scenario.world.leads[0].external_id),
        time_zone="UTC",
        starts_on=timezone.localdate(),
        strategy=Strategy.OWNER,
    )
    plan = create_plan(facts=facts, by=by)
    return open_campaign(campaign=create_campaign(plan=plan, occurrence_at=timezone.now(), by=by), by=by)


def cases(scenario: Scenario, key: str) -> list[dict[str, Any]]:
    """Return the cases of a tenant that the truth file tells."""
    home = {sim.key for sim in scenario.systems() if sim.tenant_key == key}
    told: Any = scenario.truth()["cases"]
    return [case for case in told if case["system"] in home]


def planted(scenario: Scenario, key: str) -> set[Case]:
    """Return the findings that the cases make: no use is seen where no logs are."""
    seen = {sim.system_key for sim in scenario.sources() if sim.name in WATCHED}
    wanted = (case for case in cases(scenario, key) if case["kind"] in KINDS)
    shown = (case for case in wanted if case["system"] in seen or case["kind"] not in BY_USE)
    return {(case["kind"], case["system"], case["account"]) for case in shown}


def found() -> set[Case]:
    """Return the findings of the open tenant in the same words."""
    rows = Finding.objects.filter(kind__in=KINDS).select_related("system", "account")
    return {
        (one.kind, one.system.key if one.system else "", one.account.name if one.account else one.evidence["name"])
        for one in rows
    }


def not_put_to_fallback(scenario: Scenario, campaign: Campaign) -> set[tuple[str, str]]:
    """Return the planted cases of one's own access, as (system, account), that were not put to the fallback."""
    own = {(case["system"], case["account"]) for case in cases(scenario, BPO) if case["kind"] == "self_review"}
    put = Assignment.objects.filter(campaign=campaign, basis="fallback").select_related("item__account", "item__system")
    return own - {(one.item.system.key, one.item.account.name) for one in put}


def review_bpo(progress: Progress) -> list[str]:
    """Open the BPO and its campaign once, look for what is wrong, and say how it compares with what was planted.

    Raises:
        AssertionError: a planted case was not found, or one was found that was not planted.
    """
    scenario = made_up()
    tenant = tenant_by_slug(SLUG)
    if tenant is None:
        progress.step(0, 3, "Simulating a BPO with over 2,000 grants")
        tenant = open_tenant(slug=SLUG, name="Simulated BPO", kind=TenantKind.BPO, time_zone="UTC")
        by = Actor.system("loop", tenant.pk)
        with tenant_scope(tenant):
            bring(scenario, tenant, BPO, by)
        progress.step(1, 3, "Opening a campaign over every grant")
        with tenant_scope(tenant):
            open_review(scenario, by)
        progress.step(2, 3, "Looking for what is wrong")
        with tenant_scope(tenant):
            find_causes(by=by)
        progress.step(3, 3, "Simulated BPO reviewed")
    with tenant_scope(tenant):
        campaign = Campaign.objects.get()
        own = {("self_review", *case) for case in not_put_to_fallback(scenario, campaign)}
        return compared(campaign.items.count(), planted(scenario, BPO) | own, found())


def compared(grants: int, wanted: set[Case], got: set[Case]) -> list[str]:
    """Return in words what was found.

    Raises:
        AssertionError: it is not what was planted.
    """
    if wanted != got:
        message = f"Planted and found cases differ: {sorted(wanted ^ got)[:5]}"
        raise AssertionError(message)
    kinds = Counter(kind for kind, _system, _account in got)
    words = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in sorted(kinds.items()))
    return [
        f"Opened a campaign over {grants:,} grants of a simulated BPO.",
        f"Found in it, exactly as planted and nothing else: {words}; everybody's own access went to another reviewer.",
    ]
